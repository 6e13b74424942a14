use super::ones_and_zeros;
use crate::module;
use crate::variable::Variable;

/// Added to the variance, as in PyTorch.
const EPS: f64 = 1e-5;

/// Layer normalisation (Ba, Kiros and Hinton, 2016) over the last axis: x (.., D), weight (D), bias (D), y (.., D).
pub struct LayerNorm {
    /// (D)
    pub weight: Option<Variable>,
    /// (D)
    pub bias: Option<Variable>,
    size: usize,
}

module!(LayerNorm { weight, bias; size });

impl LayerNorm {
    /// For rows of `size` = D numbers. Weights are 1, biases 0.
    pub fn new(size: usize) -> LayerNorm {
        let (weight, bias) = ones_and_zeros(size);
        LayerNorm { weight: Some(weight), bias: Some(bias), size }
    }

    /// The same without weight and bias (`elementwise_affine=False`).
    pub fn without_affine(size: usize) -> LayerNorm {
        LayerNorm { weight: None, bias: None, size }
    }

    /// y = weight (x - mean) / sqrt(var + 1e-5) + bias: see [`Variable::layer_norm`].
    ///
    /// # Panics
    /// If the last axis of x has another size.
    #[track_caller]
    pub fn forward(&self, x: &Variable) -> Variable {
        let shape = x.shape();
        assert!(shape.last() == Some(&self.size), "layer norm: the last axis of x {shape} is not {}", self.size);
        x.layer_norm(self.weight.as_ref().zip(self.bias.as_ref()), EPS)
    }
}

/// Group normalisation (Wu and He, 2018): over groups of channels of each sample. x (N, C, ..), weight (C), bias (C), y
/// of x's shape.
pub struct GroupNorm {
    /// (C)
    pub weight: Variable,
    /// (C)
    pub bias: Variable,
    groups: usize,
}

module!(GroupNorm { weight, bias; groups });

impl GroupNorm {
    /// For `channels` = C in `groups` of equal size. Weights are 1, biases 0.
    ///
    /// # Panics
    /// If `channels` is no multiple of `groups`, or `groups` is 0.
    #[track_caller]
    pub fn new(groups: usize, channels: usize) -> GroupNorm {
        assert!(groups > 0 && channels.is_multiple_of(groups), "group norm: {groups} groups of {channels} are uneven");
        let (weight, bias) = ones_and_zeros(channels);
        GroupNorm { weight, bias, groups }
    }

    /// y = weight (x - mean) / sqrt(var + 1e-5) + bias: see [`Variable::group_norm`].
    ///
    /// # Panics
    /// If x has another number of channels.
    #[track_caller]
    pub fn forward(&self, x: &Variable) -> Variable {
        x.group_norm(self.groups, &self.weight, &self.bias, EPS)
    }
}
