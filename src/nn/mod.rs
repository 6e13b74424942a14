//! Layers, with PyTorch's names and initialisation, and [`Module`]: how a model names its parameters.

mod attention;
mod batch_norm;
mod conv;
mod conv_transpose;
mod dropout;
mod embedding;
mod linear;
mod loss;
mod module;
mod norm;
mod parameter_free;
mod sequential;
mod state;

pub use attention::MultiheadAttention;
pub use batch_norm::BatchNorm2d;
pub use conv::Conv2d;
pub use conv_transpose::ConvTranspose2d;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use linear::Linear;
pub use loss::{BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, MSELoss};
pub use module::{Entry, Module, child_name};
pub use norm::{GroupNorm, LayerNorm};
pub use parameter_free::{
    AvgPool2d, Flatten, GELU, Hardtanh, LeakyReLU, LogSoftmax, MaxPool2d, ReLU, SiLU, Sigmoid, Softmax, Softplus, Tanh,
    Upsample, UpsampleMode, ZeroPad2d,
};
pub use sequential::{Layer, Sequential};
pub use state::{load, load_state_dict, save, state_dict};

use crate::random::Rng;
use crate::tensor::Tensor;
use crate::variable::Variable;

/// Weights that are uniform within `bound`.
fn uniform_within(bound: f64, shape: &[usize], rng: &mut Rng) -> Variable {
    Variable::parameter(rng.uniform_tensor(shape, -bound, bound))
}

/// Weights as PyTorch draws them for linear layers and convolutions: uniform within 1 / sqrt(fan_in), where fan_in
/// is how many numbers go into each output.
fn uniform_by_fan_in(shape: &[usize], fan_in: usize, rng: &mut Rng) -> Variable {
    uniform_within(1.0 / (fan_in.max(1) as f64).sqrt(), shape, rng)
}

/// What a normalisation begins with: weight (count) of ones, bias (count) of zeros.
fn ones_and_zeros(count: usize) -> (Variable, Variable) {
    (Variable::parameter(Tensor::ones([count])), Variable::parameter(Tensor::zeros([count])))
}
