//! map and zip: one operation on each number, or on each pair. See reference/elementwise.rs (`unary`, `binary`, `map`, `zip`).
//!
//! 1. Each operation gets its own loop, so that the choice of operation is made once per chunk and the compiler
//!    vectorises what remains. Operations without a line here run as in the reference, one number at a time.
//! 2. zip coalesces dimensions first (coalesce.rs): equal shapes are one long row; with a scalar, a bias per channel or a
//!    last row the operand is one number or a row throughout the inner loop.
//! 3. exp, ln, tanh, sigmoid and erf without branches (vmath.rs).
//! 4. In place means: by way of a small copy in the L1 cache. That costs nothing beside main memory and saves a
//!    second set of loops.

use super::chunks::{CHUNK, for_each_chunk};
use super::coalesce::Coalesced;
use super::simd::{Simd, vectorize};
use super::vmath;
use crate::kernels::reference::unary;
use crate::kernels::{Binary, Unary, View};
use crate::shape::{MAX_RANK, Shape};

pub fn map<S: Simd>(simd: S, op: Unary, x: &[f32], y: &mut [f32]) {
    for_each_chunk(y, CHUNK / cost(op), |start, y| {
        map_chunk(simd, op, &x[start..start + y.len()], y);
    });
}

pub fn map_assign<S: Simd>(simd: S, op: Unary, x: &mut [f32]) {
    for_each_chunk(x, CHUNK / cost(op), |_, x| {
        through_copy(x, |_, copy, x| map_chunk(simd, op, copy, x));
    });
}

/// How many additions take as long as one operation.
fn cost(op: Unary) -> usize {
    match op {
        Unary::Sin | Unary::Cos | Unary::Softplus | Unary::Pow(_) => 16,
        Unary::Exp | Unary::Ln | Unary::Tanh | Unary::Sigmoid | Unary::Silu | Unary::Erf | Unary::Gelu => 2,
        _ => 1,
    }
}

pub fn zip<S: Simd>(simd: S, op: Binary, a: View, b: View, shape: &Shape, y: &mut [f32]) {
    let dims = Coalesced::new(shape, [&a.strides, &b.strides]);
    for_each_chunk(y, CHUNK, |start, y| {
        zip_chunk(simd, op, &dims, (a.data, b.data), start, y);
    });
}

pub fn zip_assign<S: Simd>(simd: S, op: Binary, a: &mut [f32], b: &[f32]) {
    let dims = Coalesced::new(&Shape::new(&[a.len()]), [&[1; MAX_RANK]; 2]);
    for_each_chunk(a, CHUNK, |start, a| {
        let b = &b[start..start + a.len()];
        through_copy(a, |at, copy, a| {
            zip_chunk(simd, op, &dims, (copy, &b[at..at + a.len()]), 0, a);
        });
    });
}

/// Calls `write(place, copy, x)` for short parts of x, to write x anew from a copy of it.
fn through_copy(x: &mut [f32], write: impl Fn(usize, &[f32], &mut [f32])) {
    const SHORT: usize = 1024;
    let mut copy = [0.0; SHORT];
    for (i, x) in x.chunks_mut(SHORT).enumerate() {
        let copy = &mut copy[..x.len()];
        copy.copy_from_slice(x);
        write(i * SHORT, copy, x);
    }
}

#[inline(never)]
fn map_chunk<S: Simd>(simd: S, op: Unary, x: &[f32], y: &mut [f32]) {
    vectorize!(simd, map_each(op, x, y));
}

#[inline(always)]
fn map_each(op: Unary, x: &[f32], y: &mut [f32]) {
    match op {
        Unary::Neg => each(x, y, |x| -x),
        Unary::Exp => each(x, y, vmath::exp),
        Unary::Ln => each(x, y, vmath::ln),
        Unary::Sqrt => each(x, y, f32::sqrt),
        Unary::Tanh => each(x, y, vmath::tanh),
        Unary::Sigmoid => each(x, y, vmath::sigmoid),
        Unary::Silu => each(x, y, |x| x * vmath::sigmoid(x)),
        Unary::Erf => each(x, y, vmath::erf),
        Unary::Gelu => each(x, y, vmath::gelu),
        Unary::Relu => each(x, y, |x| if x <= 0.0 { 0.0 } else { x }),
        Unary::Abs => each(x, y, f32::abs),
        Unary::Sign => each(x, y, |x| {
            if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                0.0
            }
        }),
        Unary::Square | Unary::Pow(2.0) => each(x, y, |x| x * x),
        Unary::Pow(-1.0) => each(x, y, |x| 1.0 / x),
        Unary::Clamp(low, high) => each(x, y, |x| {
            let x = if x < low { low } else { x };
            if x > high { high } else { x }
        }),
        Unary::Scale(a) => each(x, y, |x| a * x),
        Unary::Shift(b) => each(x, y, |x| x + b),
        _ => each(x, y, |x| unary(op, x)), // as in the reference, one number at a time
    }
}

/// The numbers from `start` on of op(a, b).
#[inline(never)]
fn zip_chunk<S: Simd>(simd: S, op: Binary, dims: &Coalesced<2>, (a, b): (&[f32], &[f32]), start: usize, y: &mut [f32]) {
    vectorize!(simd, zip_each(op, dims, a, b, start, y));
}

#[inline(always)]
fn zip_each(op: Binary, dims: &Coalesced<2>, a: &[f32], b: &[f32], start: usize, y: &mut [f32]) {
    match op {
        Binary::Add => each_pair(dims, a, b, start, y, |a, b| a + b),
        Binary::Sub => each_pair(dims, a, b, start, y, |a, b| a - b),
        Binary::Mul => each_pair(dims, a, b, start, y, |a, b| a * b),
        Binary::Div => each_pair(dims, a, b, start, y, |a, b| a / b),
        Binary::WherePositive => each_pair(dims, a, b, start, y, |a, b| if b <= 0.0 { 0.0 } else { a }),
        Binary::WhereWithin(low, high) => {
            each_pair(dims, a, b, start, y, |a, b| if (low < b) & (b < high) { a } else { 0.0 })
        }
        Binary::Equal => each_pair(dims, a, b, start, y, |a, b| if a == b { 1.0 } else { 0.0 }),
        Binary::Lerp(w) => each_pair(dims, a, b, start, y, |a, b| a + w * (b - a)),
        Binary::SiluDx => each_pair(dims, a, b, start, y, vmath::silu_dx),
        Binary::GeluDx => each_pair(dims, a, b, start, y, vmath::gelu_dx),
    }
}

#[inline(always)]
fn each(x: &[f32], y: &mut [f32], f: impl Fn(f32) -> f32) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f(x);
    }
}

/// In loops, since a closure around a long `f` is not inlined, and then not vectorised.
#[inline(always)]
fn each_pair(dims: &Coalesced<2>, a: &[f32], b: &[f32], start: usize, y: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    let [step_a, step_b] = dims.row_strides();
    for (place, [i, j]) in dims.rows(start, y.len()) {
        let y = &mut y[place];
        match (step_a, step_b) {
            (1, 1) => {
                let (a, b) = (&a[i..i + y.len()], &b[j..j + y.len()]);
                for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                    *y = f(a, b);
                }
            }
            (1, 0) => {
                let (a, b) = (&a[i..i + y.len()], b[j]);
                for (y, &a) in y.iter_mut().zip(a) {
                    *y = f(a, b);
                }
            }
            (0, 1) => {
                let (a, b) = (a[i], &b[j..j + y.len()]);
                for (y, &b) in y.iter_mut().zip(b) {
                    *y = f(a, b);
                }
            }
            _ => y.iter_mut().enumerate().for_each(|(k, y)| *y = f(a[i + k * step_a], b[j + k * step_b])),
        }
    }
}
