use super::uniform_by_fan_in;
use crate::module;
use crate::random::Rng;
use crate::variable::Variable;

/// Convolution with square kernels: x (N, C, H, W), weight (C_out, C, K, K), bias (C_out), y (N, C_out, H', W').
pub struct Conv2d {
    pub weight: Variable,
    pub bias: Variable,
    pub stride: usize,
    pub padding: usize,
}

module!(Conv2d { weight, bias });

impl Conv2d {
    /// Stride 1 and no padding; set the fields for others.
    pub fn new(channels: usize, channels_out: usize, kernel: usize, rng: &mut Rng) -> Conv2d {
        let fan_in = channels * kernel * kernel;
        let weight = uniform_by_fan_in(&[channels_out, channels, kernel, kernel], fan_in, rng);
        Conv2d { weight, bias: uniform_by_fan_in(&[channels_out], fan_in, rng), stride: 1, padding: 0 }
    }

    #[track_caller]
    pub fn forward(&self, x: &Variable) -> Variable {
        x.conv2d(&self.weight, Some(&self.bias), self.stride, self.padding)
    }
}
