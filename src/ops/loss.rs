//! What training makes small.

use crate::Real;
use crate::variable::Variable;

/// How a loss becomes one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    Mean,
    Sum,
}

impl Variable {
    /// The mean (or sum) of (x - target)^2 over all elements.
    #[track_caller]
    pub fn mse_loss(&self, target: &Variable, reduction: Reduction) -> Variable {
        let (own, other) = (self.shape(), target.shape());
        assert_eq!(own, other, "mse_loss: x {own} and target {other} differ");
        let sum = (self - target).square().sum(..);
        match reduction {
            Reduction::Sum => sum,
            Reduction::Mean => sum / own.count() as Real,
        }
    }
}
