//! The book's data for `regression` and `neuralnet`: a hundred points each, and the first weights of the network.

use std::path::Path;
use tsukuru::checkpoint::{self, CheckpointError, Entries};
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// Points x (100, 1) and y (100, 1), and whatever else the file holds for `program`.
///
/// # Errors
/// If the file in `datasets/` is damaged.
pub fn book_data(program: &str) -> Result<(Variable, Variable, Entries), CheckpointError> {
    let (path, bytes) = ("datasets/step06.safetensors", include_bytes!("../../datasets/step06.safetensors"));
    let mut data = checkpoint::from_bytes(Path::new(path), bytes)?.under(&format!("{program}."));
    let x = data.take_real("x", &[100, 1].into())?;
    let y = data.take_real("y", &[100, 1].into())?;
    Ok((x.into(), y.into(), data))
}

/// Points for a figure, from as many x as y.
pub fn points(x: &Tensor, y: &Tensor) -> Vec<(f64, f64)> {
    x.data().iter().zip(y.data()).map(|(&x, &y)| (f64::from(x), f64::from(y))).collect()
}
