use super::uniform_by_fan_in;
use crate::graph::SavedTensor;
use crate::kernels::Conv;
use crate::ops::conv;
use crate::random::Rng;
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{mode, module};
use std::cell::RefCell;

/// Convolution with square kernels: x (N, C, H, W), weight (C_out, C, K, K), bias (C_out), y (N, C_out, H_out, W_out).
pub struct Conv2d {
    /// (C_out, C, K, K)
    pub weight: Variable,
    /// (C_out)
    pub bias: Variable,
    stride: usize,
    padding: usize,
    prepared: RefCell<Option<Prepared>>,
}

/// The weights as the kernel computes with them, kept while neither they nor the sizes change: a sampler that calls a
/// network a thousand times prepares them once.
struct Prepared {
    of: SavedTensor,
    size: Conv,
    weights: Tensor,
}

module!(Conv2d { weight, bias; stride, padding, prepared });

impl Conv2d {
    /// Stride 1 and no padding. Weight and bias are uniform within 1 / sqrt(C K K), as in PyTorch.
    pub fn new(channels: usize, channels_out: usize, kernel: usize, rng: &mut Rng) -> Conv2d {
        let fan_in = channels * kernel * kernel;
        let weight = uniform_by_fan_in(&[channels_out, channels, kernel, kernel], fan_in, rng);
        let bias = uniform_by_fan_in(&[channels_out], fan_in, rng);
        Conv2d { weight, bias, stride: 1, padding: 0, prepared: RefCell::default() }
    }

    /// The same layer with another stride.
    pub fn stride(self, stride: usize) -> Conv2d {
        Conv2d { stride, ..self }
    }

    /// The same layer with so many zeros around the image.
    pub fn padding(self, padding: usize) -> Conv2d {
        Conv2d { padding, ..self }
    }

    /// x (N, C, H, W) to y (N, C_out, H_out, W_out): see [`Variable::conv2d`].
    ///
    /// # Panics
    /// As [`Variable::conv2d`].
    #[track_caller]
    pub fn forward(&self, x: &Variable) -> Variable {
        let (weight, bias) = (&self.weight, Some(&self.bias));
        if mode::is_grad_enabled() {
            return x.conv2d(weight, bias, self.stride, self.padding);
        }
        let size = conv::conv_size(x, weight, bias, self.stride, self.padding);
        let mut kept = self.prepared.borrow_mut();
        let prepared = match kept.take() {
            Some(prepared) if prepared.size == size && prepared.of.is_of(weight) => prepared,
            _ => Prepared { of: SavedTensor::new(weight), size, weights: conv::prepare_weights(&size, weight) },
        };
        conv::conv2d_prepared(&size, x, &kept.insert(prepared).weights, bias)
    }
}
