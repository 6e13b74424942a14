//! Models to and from files, as PyTorch's `state_dict()`.

use super::{Entry, Module};
use crate::checkpoint::{self, CheckpointError, Data, Entries};
use crate::shape::Shape;
use crate::tensor::Tensor;
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
/// # Errors
/// If an entry is missing, left over or of another shape. All of this is checked before anything changes, so the model
/// is then as it was.
pub fn load_state_dict(model: &dyn Module, mut state: Entries) -> Result<(), CheckpointError> {
    enum New {
        Numbers(Tensor),
        Count(i64),
    }
    let entries = model.entries();
    let mut new = Vec::with_capacity(entries.len());
    for (name, entry) in &entries {
        new.push(match entry {
            Entry::Parameter(parameter) => New::Numbers(state.take_real(name, &parameter.shape())?),
            Entry::Buffer(buffer) => New::Numbers(state.take_real(name, buffer.borrow().shape())?),
            Entry::Count(_) => New::Count(state.take_int(name, &Shape::SCALAR)?[0]),
        });
    }
    state.finish()?;
    for ((_, entry), new) in entries.iter().zip(new) {
        match (entry, new) {
            (Entry::Parameter(parameter), New::Numbers(tensor)) => parameter.update(|x| *x = tensor),
            (Entry::Buffer(buffer), New::Numbers(tensor)) => *buffer.borrow_mut() = tensor,
            (Entry::Count(count), New::Count(number)) => count.set(number),
            _ => unreachable!("made for this entry above"),
        }
    }
    Ok(())
}

/// Writes a model as a safetensors file that PyTorch opens.
///
/// # Errors
/// If the file cannot be written.
pub fn save(model: &dyn Module, path: &Path) -> Result<(), CheckpointError> {
    checkpoint::write(path, &state_dict(model))
}

/// Reads a model from a safetensors file: one of [`save`], or PyTorch's
/// `safetensors.torch.save_file(model.state_dict(), path)`, with parameters in f32 or f64 and counters in i64.
///
/// # Errors
/// If the file is damaged or belongs to another model; the model is then as it was.
pub fn load(model: &dyn Module, path: &Path) -> Result<(), CheckpointError> {
    load_state_dict(model, checkpoint::read(path)?)
}
