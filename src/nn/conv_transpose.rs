use super::uniform_by_fan_in;
use crate::module;
use crate::random::Rng;
use crate::variable::Variable;

/// The adjoint of a [`Conv2d`](super::Conv2d), used to enlarge: x (N, C, H, W), weight (C, C_out, K, K), bias (C_out),
/// y (N, C_out, H_out, W_out) with H_out = (H - 1) stride - 2 padding + K.
pub struct ConvTranspose2d {
    /// (C, C_out, K, K): the channels of x stand first.
    pub weight: Variable,
    /// (C_out)
    pub bias: Variable,
    stride: usize,
    padding: usize,
}

module!(ConvTranspose2d { weight, bias; stride, padding });

impl ConvTranspose2d {
    /// Stride 1 and no padding. Weight and bias are uniform within 1 / sqrt(C_out K K), as in PyTorch.
    pub fn new(channels: usize, channels_out: usize, kernel: usize, rng: &mut Rng) -> ConvTranspose2d {
        let fan_in = channels_out * kernel * kernel;
        let weight = uniform_by_fan_in(&[channels, channels_out, kernel, kernel], fan_in, rng);
        ConvTranspose2d { weight, bias: uniform_by_fan_in(&[channels_out], fan_in, rng), stride: 1, padding: 0 }
    }

    /// The same layer with another stride: how far apart the pixels of x come to lie in y.
    pub fn stride(self, stride: usize) -> ConvTranspose2d {
        ConvTranspose2d { stride, ..self }
    }

    /// The same layer with so many pixels cut off on each side of y.
    pub fn padding(self, padding: usize) -> ConvTranspose2d {
        ConvTranspose2d { padding, ..self }
    }

    /// x (N, C, H, W) to y (N, C_out, H_out, W_out): see [`Variable::conv_transpose2d`].
    ///
    /// # Panics
    /// As [`Variable::conv_transpose2d`].
    #[track_caller]
    pub fn forward(&self, x: &Variable) -> Variable {
        x.conv_transpose2d(&self.weight, Some(&self.bias), self.stride, self.padding)
    }
}
