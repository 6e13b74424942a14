//! [`read`]: the file of a model, of this course or of PyTorch; and the [`classes`] that it knows.

use anyhow::{Result, ensure};
use serde_json::Value;
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

/// The names of a model's labels, of which it has so many; the numbers from 0 on where its metadata has no such names.
pub fn classes(meta: &Value, labels: usize) -> Vec<String> {
    let named =
        serde_json::from_value(meta["classes"].clone()).ok().filter(|names: &Vec<String>| names.len() == labels);
    named.unwrap_or_else(|| (0..labels).map(|label| label.to_string()).collect())
}
