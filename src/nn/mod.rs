//! Layers, and [`Module`]: how a model names its parameters.

mod batch_norm;
mod conv;
mod embedding;
mod linear;
mod module;
mod state;

pub use batch_norm::BatchNorm2d;
pub use conv::Conv2d;
pub use embedding::Embedding;
pub use linear::Linear;
pub use module::{Entry, Module, child_name};
pub use state::{load, load_state_dict, save, state_dict};

use crate::random::Rng;
use crate::variable::Variable;

/// Weights as PyTorch draws them for linear layers and convolutions: uniform within 1 / sqrt(fan_in), where fan_in
/// is how many numbers go into each output.
fn uniform_by_fan_in(shape: &[usize], fan_in: usize, rng: &mut Rng) -> Variable {
    let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
    Variable::parameter(rng.uniform_tensor(shape, -bound, bound))
}
