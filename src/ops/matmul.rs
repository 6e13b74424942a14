//! Matrix products. Transposes are flags: no matrix is transposed in memory.

use crate::graph::Save::Input;
use crate::graph::record;
use crate::hook::{self, Event};
use crate::kernels::{self, MatMul};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::variable::Variable;

impl Variable {
    /// a (.., m, k) b (.., k, n) = y (.., m, n); the leading axes broadcast.
    ///
    /// # Panics
    /// If a or b have fewer than two axes, the inner sizes differ, or the leading axes do not broadcast.
    #[track_caller]
    pub fn matmul(&self, b: &Variable) -> Variable {
        broadcast_product(self, b, false)
    }

    /// a (.., m, k) b^T = y (.., m, n) for b (.., n, k), without a transposed copy of b: in PyTorch
    /// `a @ b.transpose(-2, -1)`.
    ///
    /// # Panics
    /// As [`Variable::matmul`].
    #[track_caller]
    pub fn matmul_t(&self, b: &Variable) -> Variable {
        broadcast_product(self, b, true)
    }

    /// y = x w^T + bias: x (.., k), w (n, k), bias (n), y (.., n).
    ///
    /// # Panics
    /// If the last axes of x and w differ, or the bias is not (n).
    #[track_caller]
    pub fn linear(&self, w: &Variable, bias: Option<&Variable>) -> Variable {
        let (x_shape, w_shape) = (self.shape(), w.shape());
        let fits = w_shape.len() == 2 && x_shape.last() == w_shape.last();
        assert!(fits, "linear: x {x_shape}, weight {w_shape}: the last axes must be equal");
        let (n, k) = (w_shape[0], w_shape[1]);
        let bias_shape = bias.map_or(Shape::new(&[n]), |b| b.shape());
        assert!(*bias_shape == [n], "linear: weight {w_shape}, bias {bias_shape}: the bias must be ({n},)");
        if x_shape.len() != 2 {
            let rows = x_shape[..x_shape.len() - 1].iter().product();
            let y_shape = [&x_shape[..x_shape.len() - 1], &[n]].concat();
            return self.reshape([rows, k]).linear(w, bias).reshape(&y_shape[..]);
        }
        let size = MatMul { batch: 1, m: x_shape[0], k, n, a_transposed: false, b_transposed: true };
        hook::emit(|| Event::Flops(size.flops()));
        let y = Tensor::build([size.m, n], |y| {
            let bias = bias.map(|b| b.value());
            kernels::matmul(&size, self.value().data(), w.value().data(), bias.as_ref().map(|b| b.data()), y)
        });
        let (mut inputs, has_bias) = (vec![self, w], bias.is_some());
        inputs.extend(bias);
        // dx = gy w,  dw = gy^T x,  dbias = sum of gy over the rows
        record("linear", &inputs, &[Input(0), Input(1)], y, move |gy, ctx| {
            let gx = ctx.needs_grad(0).then(|| product(&gy, &ctx.x(1), false, false));
            let gw = ctx.needs_grad(1).then(|| product(&gy, &ctx.x(0), true, false));
            let mut grads = vec![gx, gw];
            grads.extend(has_bias.then(|| ctx.needs_grad(2).then(|| gy.sum(0))));
            grads
        })
    }
}

/// y = a b or a b^T; the leading axes broadcast.
#[track_caller]
fn broadcast_product(a: &Variable, b: &Variable, b_transposed: bool) -> Variable {
    let (a_shape, b_shape) = (a.shape(), b.shape());
    let both = a_shape.len() >= 2 && b_shape.len() >= 2;
    assert!(both, "matmul: {a_shape} x {b_shape}: both need at least two axes");
    let (a_lead, a_last) = a_shape.split_at(a_shape.len() - 2);
    let (b_lead, b_last) = b_shape.split_at(b_shape.len() - 2);
    let (k, k_of_b) = (a_last[1], b_last[usize::from(b_transposed)]);
    assert!(k == k_of_b, "matmul: {a_shape} x {b_shape}: inner sizes {k} and {k_of_b} differ");
    let Some(lead) = Shape::new(a_lead).broadcast(&Shape::new(b_lead)) else {
        panic!("matmul: {a_shape} x {b_shape}: leading axes do not broadcast");
    };
    let (a_full, b_full) = (Shape::new(&[&lead, a_last].concat()), Shape::new(&[&lead, b_last].concat()));
    product(&a.broadcast_to(a_full), &b.broadcast_to(b_full), false, b_transposed)
}

/// y = a b for equal leading axes, where the flags say which of them lie transposed.
#[track_caller]
fn product(a: &Variable, b: &Variable, a_transposed: bool, b_transposed: bool) -> Variable {
    let (a_shape, b_shape) = (a.shape(), b.shape());
    let (lead, a_last) = a_shape.split_at(a_shape.len() - 2);
    let b_last = &b_shape[b_shape.len() - 2..];
    let (m, k) = if a_transposed { (a_last[1], a_last[0]) } else { (a_last[0], a_last[1]) };
    let n = b_last[usize::from(!b_transposed)];
    let size = MatMul { batch: lead.iter().product(), m, k, n, a_transposed, b_transposed };
    let shape = Shape::new(&[lead, &[m, n]].concat());
    hook::emit(|| Event::Flops(size.flops()));
    let y = Tensor::build(shape, |y| kernels::matmul(&size, a.value().data(), b.value().data(), None, y));
    // With A = a or a^T and B = b or b^T:  dA = gy B^T,  dB = A^T gy;  da or db is that or its transpose.
    record("matmul", &[a, b], &[Input(0), Input(1)], y, move |gy, ctx| {
        let ga = ctx.needs_grad(0).then(|| match a_transposed {
            false => product(&gy, &ctx.x(1), false, !b_transposed),
            true => product(&ctx.x(1), &gy, b_transposed, true),
        });
        let gb = ctx.needs_grad(1).then(|| match b_transposed {
            false => product(&ctx.x(0), &gy, !a_transposed, false),
            true => product(&gy, &ctx.x(0), true, a_transposed),
        });
        vec![ga, gb]
    })
}
