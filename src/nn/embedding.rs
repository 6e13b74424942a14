use crate::module;
use crate::random::Rng;
use crate::variable::Variable;

/// A learned row of numbers for each of `rows` things: indices (N) to y (N, width).
pub struct Embedding {
    /// The table (rows, width).
    pub weight: Variable,
}

module!(Embedding { weight });

impl Embedding {
    /// The numbers are standard normal, as in PyTorch.
    pub fn new(rows: usize, width: usize, rng: &mut Rng) -> Embedding {
        Embedding { weight: Variable::parameter(rng.normal_tensor([rows, width])) }
    }

    /// The rows at `indices` (N): y (N, width).
    ///
    /// # Panics
    /// If an index is not below `rows`.
    #[track_caller]
    pub fn forward(&self, indices: &[usize]) -> Variable {
        self.weight.embedding(indices)
    }
}
