//! adam. See reference/optim.rs.
//!
//! Everything that is the same for all numbers is calculated once, in f64; then one pass reads four numbers and writes
//! three, bound by main memory alone: the square root and the division hide behind it.

use super::chunks::CHUNK;
use super::simd::{Simd, vectorize};
use crate::kernels::AdamStep;
use rayon::prelude::*;

pub fn adam<S: Simd>(simd: S, step: &AdamStep, grad: &[f32], m: &mut [f32], v: &mut [f32], param: &mut [f32]) {
    let &AdamStep { lr, beta1, beta2, eps, step: t } = step;
    let constants = Constants {
        rate: (lr / (1.0 - libm::pow(beta1, t as f64))) as f32,
        v_scale: (1.0 / (1.0 - libm::pow(beta2, t as f64))).sqrt() as f32,
        betas: [beta1 as f32, beta2 as f32],
        rest: [(1.0 - beta1) as f32, (1.0 - beta2) as f32],
        eps: eps as f32,
    };
    if param.len() <= CHUNK {
        return vectorize!(simd, adam_chunk(&constants, grad, m, v, param));
    }
    let states = m.par_chunks_mut(CHUNK).zip(v.par_chunks_mut(CHUNK));
    let tasks = grad.par_chunks(CHUNK).zip(states).zip(param.par_chunks_mut(CHUNK));
    let run = |((grad, (m, v)), param): Chunks| vectorize!(simd, adam_chunk(&constants, grad, m, v, param));
    tasks.for_each(&run as &(dyn Fn(Chunks) + Sync)); // a trait object as in chunks.rs
}

/// Of the gradient, of m and v, and of the parameter.
type Chunks<'a> = ((&'a [f32], (&'a mut [f32], &'a mut [f32])), &'a mut [f32]);

struct Constants {
    rate: f32,
    v_scale: f32,
    betas: [f32; 2],
    rest: [f32; 2],
    eps: f32,
}

#[inline(always)]
fn adam_chunk(constants: &Constants, grad: &[f32], m: &mut [f32], v: &mut [f32], param: &mut [f32]) {
    let &Constants { rate, v_scale, betas: [b1, b2], rest: [c1, c2], eps } = constants;
    for (((&g, m), v), x) in grad.iter().zip(m).zip(v).zip(param) {
        *m = b1 * *m + c1 * g;
        *v = b2 * *v + c2 * g * g;
        *x -= rate * *m / (v.sqrt() * v_scale + eps);
    }
}
