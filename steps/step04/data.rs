//! The Old Faithful data set: durations of eruptions of a geyser, and the waiting times to the next ones.

use crate::common::table;
use crate::step03::Matrix;
use anyhow::Result;
use clap::Args;
use std::path::{Path, PathBuf};

/// The flag of programs that read the eruptions.
#[derive(Args, Clone, Debug, Default)]
pub struct OldFaithfulArgs {
    /// Folder with an old_faithful.csv of your own; by default datasets/ of this repository
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
}

impl OldFaithfulArgs {
    /// x (272, 2): the duration of each eruption and the waiting time to the next one, both in minutes (source:
    /// datasets/README.md).
    ///
    /// # Errors
    /// If the file cannot be read, or a line does not hold two numbers; the error names file and line.
    pub fn eruptions(&self) -> Result<Matrix> {
        let rows = table::read::<2>(&self.path(), Some("eruptions,waiting"), "two numbers like 3.6,79")?;
        Ok(Matrix::new(&rows))
    }

    /// The path of the file that [`OldFaithfulArgs::eruptions`] reads.
    pub fn path(&self) -> PathBuf {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the repository");
        let folder = self.data.clone().unwrap_or_else(|| repository.join("datasets"));
        folder.join("old_faithful.csv")
    }
}
