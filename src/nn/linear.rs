use super::uniform_by_fan_in;
use crate::module;
use crate::random::Rng;
use crate::variable::Variable;

/// y = x W^T + b: x (.., inputs), W (outputs, inputs), b (outputs), y (.., outputs).
pub struct Linear {
    /// W (outputs, inputs)
    pub weight: Variable,
    /// b (outputs)
    pub bias: Variable,
}

module!(Linear { weight, bias });

impl Linear {
    /// Weight and bias are uniform within 1 / sqrt(inputs), as in PyTorch.
    pub fn new(inputs: usize, outputs: usize, rng: &mut Rng) -> Linear {
        let weight = uniform_by_fan_in(&[outputs, inputs], inputs, rng);
        Linear { weight, bias: uniform_by_fan_in(&[outputs], inputs, rng) }
    }

    /// x (.., inputs) to y (.., outputs): see [`Variable::linear`].
    ///
    /// # Panics
    /// If the last axis of x has another size.
    #[track_caller]
    pub fn forward(&self, x: &Variable) -> Variable {
        x.linear(&self.weight, Some(&self.bias))
    }
}
