//! Attention (Vaswani et al., 2017): of one head (equation 1), and of several side by side (section 3.2.2).

use super::reduce::keepdim;
use crate::Real;
use crate::graph::Save::Input;
use crate::graph::record;
use crate::hook::{self, Event};
use crate::kernels::{self, Attention};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::variable::Variable;

impl Variable {
    /// y = softmax(q k^T / sqrt(d)) v: q (.., n, d) is self, k (.., m, d), v (.., m, e), y (.., n, e); the leading axes
    /// broadcast. No more than a block of the (n, m) numbers of the softmax is in memory at a time.
    ///
    /// # Panics
    /// If q, k or v have fewer than two axes, or their sizes do not fit.
    #[track_caller]
    pub fn scaled_dot_product_attention(&self, k: &Variable, v: &Variable) -> Variable {
        let (q_shape, k_shape, v_shape) = (self.shape(), k.shape(), v.shape());
        let Some((lead, [l, s, d, e])) = fitting(&q_shape, &k_shape, &v_shape) else {
            panic!(
                "scaled_dot_product_attention: q {q_shape}, k {k_shape}, v {v_shape}: expected (.., n, d), (.., m, d), \
                 (.., m, e), and leading axes that broadcast"
            );
        };
        let samples = lead.count();
        let matrices = |x: &Variable, rows: usize, columns: usize| {
            x.broadcast_to(&[&lead, &[rows, columns][..]].concat()[..]).reshape([samples, rows, columns])
        };
        let (q, k, v) = (matrices(self, l, d), matrices(k, s, d), matrices(v, s, e));
        let size = Attention { samples, heads: 1, l, s, d, e, packed: false };
        let y = attention(&size, &joined([&q, &k, &v]), [samples, l, e].into());
        let saved = &[Input(0), Input(1), Input(2)];
        let y = record("scaled_dot_product_attention", &[&q, &k, &v], saved, y, move |gy, ctx| {
            let qkv = [ctx.x(0), ctx.x(1), ctx.x(2)];
            if ctx.create_graph() {
                return grads_by_formula(&qkv, &gy).map(Some).into();
            }
            let grads = attention_dx(&size, &joined(qkv.each_ref()), &gy);
            let mut rest = grads.data();
            let next = |x: &Variable| {
                let (numbers, others) = rest.split_at(x.shape().count());
                rest = others;
                Some(Tensor::new(x.shape(), numbers).into())
            };
            qkv.iter().map(next).collect()
        });
        y.reshape(&[&lead, &[l, e][..]].concat()[..])
    }

    /// Self-attention in so many heads, of E = heads d numbers together: qkv (N, L, 3 E) is self and holds query, key and
    /// value of each head, first the queries of all heads; y (N, L, E). It is
    /// [`scaled_dot_product_attention`](Variable::scaled_dot_product_attention) of each head, without copying its vectors
    /// together first (`flash_attn_qkvpacked_func` in Dao's library).
    ///
    /// # Panics
    /// If qkv has other axes, or the last is no multiple of 3 heads.
    #[track_caller]
    pub fn attention_qkvpacked(&self, heads: usize) -> Variable {
        let shape = self.shape();
        let fits = shape.len() == 3 && heads > 0 && shape[2].is_multiple_of(3 * heads);
        assert!(fits, "attention_qkvpacked: qkv {shape} is not (N, L, 3 E) with E a multiple of {heads} heads");
        let (l, e, d) = (shape[1], shape[2] / 3, shape[2] / (3 * heads));
        let size = Attention { samples: shape[0], heads, l, s: l, d, e: d, packed: true };
        let y = attention(&size, &self.value(), [shape[0], l, e].into());
        record("attention_qkvpacked", &[self], &[Input(0)], y, move |gy, ctx| {
            let qkv = ctx.x(0);
            if ctx.create_graph() {
                let [q, k, v] = [0, 1, 2].map(|i| qkv.narrow(2, i * e, e).split_heads(heads));
                let grads = grads_by_formula(&[q, k, v], &gy.split_heads(heads)).map(|g| g.join_heads());
                return vec![Some(Variable::cat(&grads.each_ref(), 2))];
            }
            vec![Some(attention_dx(&size, &qkv.value(), &gy).reshape(shape).into())]
        })
    }

    /// x (N, L, E) as (N, heads, L, E / heads).
    #[track_caller]
    pub(crate) fn split_heads(&self, heads: usize) -> Variable {
        let [n, l, e] = [0, 1, 2].map(|axis| self.shape()[axis]);
        self.reshape([n, l, heads, e / heads]).transpose(1, 2)
    }

    /// The inverse of [`Variable::split_heads`].
    #[track_caller]
    pub(crate) fn join_heads(&self) -> Variable {
        let [n, heads, l, d] = [0, 1, 2, 3].map(|axis| self.shape()[axis]);
        self.transpose(1, 2).reshape([n, l, heads * d])
    }
}

/// The leading axes that q, k and v broadcast to, and n, m, d and e.
fn fitting(q: &Shape, k: &Shape, v: &Shape) -> Option<(Shape, [usize; 4])> {
    let (q_lead, &[n, d]) = q.split_last_chunk()?;
    let (k_lead, &[m, k_d]) = k.split_last_chunk()?;
    let (v_lead, &[v_m, e]) = v.split_last_chunk()?;
    let lead = Shape::new(q_lead).broadcast(&Shape::new(k_lead))?.broadcast(&Shape::new(v_lead))?;
    (k_d == d && v_m == m).then_some((lead, [n, m, d, e]))
}

/// The numbers of q, k and v, one after the other.
fn joined(qkv: [&Variable; 3]) -> Tensor {
    let count: usize = qkv.iter().map(|x| x.shape().count()).sum();
    Tensor::build([count], |mut to| {
        for x in qkv {
            let (part, rest) = std::mem::take(&mut to).split_at_mut(x.shape().count());
            part.copy_from_slice(x.value().data());
            to = rest;
        }
    })
}

fn attention(size: &Attention, qkv: &Tensor, shape: Shape) -> Tensor {
    hook::emit(|| Event::Flops(size.flops()));
    Tensor::build(shape, |y| kernels::attention(size, qkv.data(), y))
}

/// The gradients of q, k and v, which lie as in qkv.
fn attention_dx(size: &Attention, qkv: &Tensor, gy: &Variable) -> Tensor {
    hook::emit(|| Event::Flops(2.5 * size.flops()));
    Tensor::build([size.qkv_len()], |g| kernels::attention_dx(size, qkv.data(), gy.value().data(), g))
}

/// The same in Variables, for q (.., n, d), k (.., m, d) and v (.., m, e). With p = softmax(q k^T / sqrt(d)), gp = gy v^T
/// and gs = p (gp - sum of p gp over the row) / sqrt(d):  dq = gs k,  dk = gs^T q,  dv = p^T gy
fn grads_by_formula([q, k, v]: &[Variable; 3], gy: &Variable) -> [Variable; 3] {
    let scale = 1.0 / (q.shape()[q.shape().len() - 1] as Real).sqrt();
    let p = (q.matmul_t(k) * scale).softmax(-1);
    let gp = gy.matmul_t(v);
    let gs = &p * (&gp - (&p * &gp).sum(keepdim(-1))) * scale;
    [gs.matmul(k), gs.transpose(-2, -1).matmul(q), p.transpose(-2, -1).matmul(gy)]
}
