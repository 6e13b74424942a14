//! [`DataError`]: what can be wrong with data, in one sentence each.

use std::io;
use std::path::PathBuf;

/// Why data could not be read, written or used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error("{}, byte {offset}: expected a readable, whole file, found: {source}", path.display())]
    Read { path: PathBuf, offset: u64, source: io::Error },

    #[error("{}: cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },

    /// The file is not what it should be. In a gzipped file, bytes are counted as they are unpacked.
    #[error("{}, byte {offset}: expected {expected}, found {found}", path.display())]
    Format { path: PathBuf, offset: u64, expected: String, found: String },

    #[error("{images} images do not go with {labels} labels: there must be one label per image")]
    Lengths { images: usize, labels: usize },

    #[error("batch size 0: a batch holds at least one image")]
    BatchSize,
}
