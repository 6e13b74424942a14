//! [`read`]: the file of a model, of this course or of PyTorch.

use std::path::Path;
use tsukuru::checkpoint::{self, CheckpointError, Entries};

/// The tensors by the names of the model. A prefix that a wrapper of PyTorch has put before all of them is removed, which
/// is printed.
///
/// # Errors
/// If the file cannot be read, or is damaged.
pub fn read(path: &Path) -> Result<Entries, CheckpointError> {
    let mut state = checkpoint::read(path)?;
    while let Some(prefix) = state.strip_wrapper() {
        println!("{}: `{prefix}` was removed from the beginning of all names", path.display());
    }
    Ok(state)
}
