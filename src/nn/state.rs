//! Models to and from files, as PyTorch's `state_dict()`.

use super::{Entry, Module};
use crate::checkpoint::{self, CheckpointError, Data, Entries};
use crate::shape::Shape;
use std::path::Path;

/// All entries of a model by their names (`model.state_dict()`); the numbers are shared, not copied. A shared weight is
/// there under each of its names, as in PyTorch.
///
/// # Panics
/// If two entries have the same name.
#[track_caller]
pub fn state_dict(model: &dyn Module) -> Entries {
    let mut state = Entries::default();
    model.visit("", &mut |name, entry| {
        let data = match entry {
            Entry::Parameter(parameter) => Data::Real(parameter.value().clone()),
            Entry::Buffer(buffer) => Data::Real(buffer.borrow().clone()),
            Entry::Count(count) => Data::Int(Shape::SCALAR, vec![count.get()]),
        };
        state.insert(name, data);
    });
    state
}

/// Puts a state into a model of the same structure (`model.load_state_dict(state)`). Shared weights stay shared; if the
/// state has different numbers under their names, the last ones count.
///
/// Returns what was removed from the beginning of all names so that they fit, such as `_orig_mod.`: see
/// [`Entries::strip_wrapper`]. As a rule that is nothing.
///
/// # Errors
/// If entries are missing, left over or of another shape: the error names them all. This is checked before anything
/// changes, so the model is then as it was.
pub fn load_state_dict(model: &dyn Module, mut state: Entries) -> Result<String, CheckpointError> {
    let (expected, mut removed) = (state_dict(model), String::new());
    while let Err(error) = state.check(&expected) {
        removed += state.strip_wrapper().ok_or(error)?;
    }
    for (name, entry) in model.entries() {
        match (entry, state.get(&name).cloned()) {
            (Entry::Parameter(parameter), Some(Data::Real(tensor))) => parameter.update(|x| *x = tensor),
            (Entry::Buffer(buffer), Some(Data::Real(tensor))) => *buffer.borrow_mut() = tensor,
            (Entry::Count(count), Some(Data::Int(_, numbers))) => count.set(numbers[0]),
            _ => unreachable!("checked above"),
        }
    }
    Ok(removed)
}

/// Writes a model as a safetensors file that PyTorch opens.
///
/// # Errors
/// If the file cannot be written.
pub fn save(model: &dyn Module, path: &Path) -> Result<(), CheckpointError> {
    checkpoint::write(path, &state_dict(model))
}

/// Reads a model from a safetensors file: one of [`save`], or PyTorch's
/// `safetensors.torch.save_file(model.state_dict(), path)`, with parameters in f32 or f64 and counters in i64. Returns
/// what was removed from all names, as [`load_state_dict`].
///
/// # Errors
/// If the file is damaged or belongs to another model; the model is then as it was.
pub fn load(model: &dyn Module, path: &Path) -> Result<String, CheckpointError> {
    load_state_dict(model, checkpoint::read(path)?)
}
