//! [`read`]: the file of a model, of this course or of PyTorch.

use anyhow::{Result, ensure};
use std::path::Path;
use tsukuru::checkpoint::{self, Data, Entries};

/// The tensors by the names of the model. A prefix that a wrapper of PyTorch has put before all of them is removed, which
/// is printed.
///
/// # Errors
/// If the file cannot be read, is damaged, or holds a number that is not finite.
pub fn read(path: &Path) -> Result<Entries> {
    let mut state = checkpoint::read(path)?;
    while let Some(prefix) = state.strip_wrapper() {
        println!("{}: `{prefix}` was removed from the beginning of all names", path.display());
    }
    for (name, data) in state.iter() {
        let finite = if let Data::Real(weights) = data { weights.data().iter().all(|x| x.is_finite()) } else { true };
        ensure!(
            finite,
            "{}, tensor `{name}`: holds a number that is not finite, so nothing can come of it",
            path.display()
        );
    }
    Ok(state)
}
