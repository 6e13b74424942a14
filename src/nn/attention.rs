use super::{Linear, uniform_within};
use crate::module;
use crate::random::Rng;
use crate::tensor::Tensor;
use crate::variable::Variable;

/// Attention in several heads (Vaswani et al., 2017, section 3.2.2), batch first. Each of the H heads projects query,
/// key and value from E to E / H numbers and attends by
/// [`scaled_dot_product_attention`](Variable::scaled_dot_product_attention); a last projection mixes the heads.
pub struct MultiheadAttention {
    /// The projections of query, key and value, one below the other: (3 E, E).
    pub in_proj_weight: Variable,
    /// Their biases (3 E).
    pub in_proj_bias: Variable,
    /// The projection of what the heads have found: E to E.
    pub out_proj: Linear,
    num_heads: usize,
}

module!(MultiheadAttention { in_proj_weight, in_proj_bias, out_proj; num_heads });

impl MultiheadAttention {
    /// For vectors of `embed_dim` = E numbers. As in PyTorch, in_proj_weight is Xavier uniform (Glorot and Bengio,
    /// 2010, equation 16: within sqrt(6 / (fan_in + fan_out)) for E to 3 E), out_proj.weight as of a [`Linear`], and
    /// biases are 0.
    ///
    /// # Panics
    /// If `embed_dim` is no multiple of `num_heads`, or one of them is 0.
    #[track_caller]
    pub fn new(embed_dim: usize, num_heads: usize, rng: &mut Rng) -> MultiheadAttention {
        let even = embed_dim > 0 && num_heads > 0 && embed_dim.is_multiple_of(num_heads);
        assert!(even, "multihead attention: {embed_dim} numbers in {num_heads} heads are uneven");
        let bound = (6.0 / (embed_dim + 3 * embed_dim) as f64).sqrt();
        let in_proj_weight = uniform_within(bound, &[3 * embed_dim, embed_dim], rng);
        let zeros = |count: usize| Variable::parameter(Tensor::zeros([count]));
        let out_proj = Linear { bias: zeros(embed_dim), ..Linear::new(embed_dim, embed_dim, rng) };
        MultiheadAttention { in_proj_weight, in_proj_bias: zeros(3 * embed_dim), out_proj, num_heads }
    }

    /// y (N, L, E) from query (N, L, E), key (N, S, E) and value (N, S, E): each of L queries looks at all S keys. In
    /// self-attention the three are one Variable, which one product then projects.
    ///
    /// # Panics
    /// If query, key and value have other shapes.
    #[track_caller]
    pub fn forward(&self, query: &Variable, key: &Variable, value: &Variable) -> Variable {
        let (q, k, v) = (query.shape(), key.shape(), value.shape());
        let e = self.in_proj_weight.shape()[1];
        let fits = q.len() == 3 && k.len() == 3 && q[2] == e && k == v && k[0] == q[0] && k[2] == e;
        assert!(fits, "multihead attention: query {q}, key {k}, value {v} do not fit for {e} numbers in each vector");
        let y = if query.is_same(key) && query.is_same(value) {
            query.linear(&self.in_proj_weight, Some(&self.in_proj_bias)).attention_qkvpacked(self.num_heads)
        } else {
            let [q, k, v] = [self.project(0, query), self.project(1, key), self.project(2, value)];
            q.scaled_dot_product_attention(&k, &v).join_heads()
        };
        self.out_proj.forward(&y)
    }

    /// x (N, L, E) by the projection `i` of three, and its E numbers taken apart: (N, H, L, E / H).
    #[track_caller]
    fn project(&self, i: usize, x: &Variable) -> Variable {
        let e = self.in_proj_weight.shape()[1];
        let (weight, bias) = (self.in_proj_weight.narrow(0, i * e, e), self.in_proj_bias.narrow(0, i * e, e));
        x.linear(&weight, Some(&bias)).split_heads(self.num_heads)
    }
}
