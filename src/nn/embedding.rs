use crate::module;
use crate::random::Rng;
use crate::variable::Variable;

/// A learned row of numbers for each of `rows` things: indices (N) to y (N, width).
pub struct Embedding {
    pub weight: Variable,
}

module!(Embedding { weight });

impl Embedding {
    pub fn new(rows: usize, width: usize, rng: &mut Rng) -> Embedding {
        Embedding { weight: Variable::parameter(rng.normal_tensor([rows, width])) }
    }

    #[track_caller]
    pub fn forward(&self, indices: &[usize]) -> Variable {
        self.weight.embedding(indices)
    }
}
