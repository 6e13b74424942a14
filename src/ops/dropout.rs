//! Dropout (Srivastava et al., 2014).

use crate::Real;
use crate::random::Rng;
use crate::tensor::Tensor;
use crate::variable::Variable;

impl Variable {
    /// y = 0 with probability p, else x / (1 - p), each number on its own;  dx = gy by the same mask and scale
    ///
    /// # Panics
    /// If p is not within 0..=1.
    #[track_caller]
    pub fn dropout(&self, p: f64, rng: &mut Rng) -> Variable {
        assert!((0.0..=1.0).contains(&p), "dropout: probability {p} is not within 0..=1");
        let scale = (1.0 / (1.0 - p)) as Real;
        let mask = Tensor::from_fn(self.shape(), |_| if rng.uniform() < p { 0.0 } else { scale });
        self * Variable::new(mask)
    }
}
