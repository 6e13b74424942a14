//! [`DataError`]: what can be wrong with data, in one sentence each.

use crate::debug_as_display;
use std::io;
use std::path::PathBuf;

/// Why data could not be read, written or used.
#[derive(thiserror::Error)]
pub enum DataError {
    /// The system could not read the file, or it is no whole gzip stream.
    #[error("{}, byte {offset}: expected a readable, whole file, found: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Where in the file, in bytes from its beginning.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },

    /// The system could not write the file.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The file is not what it should be. In a gzipped file, bytes are counted as they are unpacked.
    #[error("{}, byte {offset}: expected {expected}, found {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where in the file, in bytes from its beginning.
        offset: u64,
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
    },

    /// Images and labels are not equally many.
    #[error("{images} images do not go with {labels} labels: there must be one label per image")]
    Lengths {
        /// How many images there are.
        images: usize,
        /// How many labels there are.
        labels: usize,
    },

    /// A batch cannot be empty.
    #[error("batch size 0: a batch holds at least one image")]
    BatchSize,
}

debug_as_display!(DataError);
