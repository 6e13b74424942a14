//! Attention (Vaswani et al., 2017, equation 1).

use crate::Real;
use crate::variable::Variable;

impl Variable {
    /// y = softmax(q k^T / sqrt(d)) v: q (.., n, d) is self, k (.., m, d), v (.., m, e), y (.., n, e).
    ///
    /// # Panics
    /// If q, k or v have fewer than two axes, or their sizes do not fit.
    #[track_caller]
    pub fn scaled_dot_product_attention(&self, k: &Variable, v: &Variable) -> Variable {
        let d = self.shape().last().copied().unwrap_or(1);
        let scores = self.matmul_t(k) / (d as Real).sqrt();
        scores.softmax(-1).matmul(v)
    }
}
