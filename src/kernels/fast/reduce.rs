//! sum and max over any axes. See reference/reduce.rs.
//!
//! 1. Dimensions are coalesced (coalesce.rs) until reduced and kept axes alternate: (N, C, H, W) -> C is (N, C, HW).
//! 2. A reduced row is folded in 32 lanes side by side: vector additions without waiting for each other. A kept row is
//!    added to the results number by number.
//! 3. Sums are f64 throughout: the rounding error kept below 1e-7 of the sum of |x| at any length, and converting is
//!    hidden behind main memory.
//! 4. Threads take blocks of the outermost axis. If that axis is reduced, each block has its own partial results, folded
//!    in order at the end; if its blocks would be few, the next axis, which is kept, is cut instead.

use super::chunks::{CHUNK, for_each_chunk, rows_per_chunk};
use super::coalesce::Coalesced;
use super::simd::{Simd, vectorize};
use crate::kernels::Axes;
use crate::kernels::reference::reduced_strides;
use crate::shape::Shape;
use std::ops::Range;

pub fn sum<S: Simd>(simd: S, x: &[f32], shape: &Shape, over: Axes, y: &mut [f32]) {
    reduce::<S, Sum>(simd, x, shape, over, y);
}

pub fn max<S: Simd>(simd: S, x: &[f32], shape: &Shape, over: Axes, y: &mut [f32]) {
    reduce::<S, Max>(simd, x, shape, over, y);
}

/// How many numbers become one, by way of a partial result.
trait Reduction {
    type Partial: Copy + Send + Sync;
    /// Of no numbers.
    const START: Self::Partial;
    fn value(x: f32) -> Self::Partial;
    fn join(a: Self::Partial, b: Self::Partial) -> Self::Partial;
    fn finish(partial: Self::Partial) -> f32;
}

struct Sum;

impl Reduction for Sum {
    type Partial = f64;
    const START: f64 = 0.0;

    #[inline(always)]
    fn value(x: f32) -> f64 {
        f64::from(x)
    }
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        a + b
    }
    #[inline(always)]
    fn finish(sum: f64) -> f32 {
        sum as f32
    }
}

struct Max;

impl Reduction for Max {
    type Partial = f32;
    const START: f32 = f32::NEG_INFINITY;

    #[inline(always)]
    fn value(x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn join(a: f32, b: f32) -> f32 {
        if (b > a) | b.is_nan() { b } else { a }
    }
    #[inline(always)]
    fn finish(max: f32) -> f32 {
        max
    }
}

fn reduce<S: Simd, R: Reduction>(simd: S, x: &[f32], shape: &Shape, over: Axes, y: &mut [f32]) {
    if x.is_empty() {
        return y.fill(R::finish(R::START));
    }
    let dims = Coalesced::new(shape, [&reduced_strides(shape, over)]);
    let (size, kept) = (dims.sizes[0], dims.strides[0] != [0]);
    let inner = x.len() / size;
    if kept {
        return cut_results::<R>(y, size, x.len(), |from, to, sums| {
            take::<S, R>(simd, x, &dims, from * inner..to * inner, sums);
        });
    }
    // A block holds 16 numbers per result, too, or its partial results would be as much work as the numbers.
    let block = CHUNK.max(16 * y.len()).div_ceil(inner);
    let blocks = size.div_ceil(block);
    if dims.depth > 1 && blocks < 8 {
        let (size, inner) = (dims.sizes[1], inner / dims.sizes[1]);
        return cut_results::<R>(y, size, x.len(), |from, to, sums| {
            for i in 0..dims.sizes[0] {
                let range = (i * size + from) * inner..(i * size + to) * inner;
                take::<S, R>(simd, x, &dims, range, sums);
            }
        });
    }
    let mut partial = vec![R::START; blocks * y.len()];
    for_each_chunk(&mut partial, y.len(), |start, sums| {
        let from = start / y.len() * block;
        take::<S, R>(simd, x, &dims, from * inner..(from + block).min(size) * inner, sums);
    });
    for (i, y) in y.iter_mut().enumerate() {
        let sums = partial[i..].iter().step_by(partial.len() / blocks);
        *y = R::finish(sums.fold(R::START, |a, &b| R::join(a, b)));
    }
}

/// Cuts the outermost of the kept axes, of `size`, into blocks and calls `take(from, to, sums)` for each.
fn cut_results<R: Reduction>(
    y: &mut [f32],
    size: usize,
    work: usize,
    take: impl Fn(usize, usize, &mut [R::Partial]) + Sync,
) {
    let width = y.len() / size;
    for_each_chunk(y, rows_per_chunk(work / size) * width, |start, y| {
        let mut sums = vec![R::START; y.len()];
        take(start / width, (start + y.len()) / width, &mut sums);
        y.iter_mut().zip(sums).for_each(|(y, sum)| *y = R::finish(sum));
    });
}

const LANES: usize = 32;
const FEW_LANES: usize = 8;

/// Folds `value(a, b)` over pairs of numbers in lanes side by side; a short rest in fewer lanes.
#[inline(always)]
pub(super) fn in_lanes<A: Copy>(
    a: &[f32],
    b: &[f32],
    start: A,
    value: impl Fn(f32, f32) -> A,
    join: impl Fn(A, A) -> A + Copy,
) -> A {
    let mut lanes = [start; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for l in 0..LANES {
            lanes[l] = join(lanes[l], value(a[l], b[l]));
        }
    }
    let of = |l: usize| join(join(lanes[l], lanes[l + 16]), join(lanes[l + 8], lanes[l + 24]));
    let mut lanes: [A; FEW_LANES] = std::array::from_fn(of);
    let ((a, a_rest), (b, b_rest)) = (a_rest.as_chunks::<FEW_LANES>(), b_rest.as_chunks::<FEW_LANES>());
    for (a, b) in a.iter().zip(b) {
        for l in 0..FEW_LANES {
            lanes[l] = join(lanes[l], value(a[l], b[l]));
        }
    }
    for ((lane, &a), &b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane = join(*lane, value(a, b));
    }
    folded(&lanes, join)
}

/// All lanes in one. Not inlined: if the compiler sees the lanes as single numbers that are joined here, it no longer
/// sees the vectors that they are above: the gradient of batch norm took 1.2 ns per number on one core instead of 0.5.
#[inline(never)]
fn folded<A: Copy>(lanes: &[A; FEW_LANES], join: impl Fn(A, A) -> A) -> A {
    let [a, b, c, d, e, f, g, h] = *lanes;
    join(join(join(a, e), join(c, g)), join(join(b, f), join(d, h)))
}

/// The sum of `value(a, b)` over pairs of numbers.
#[inline(always)]
pub(super) fn sum_of(a: &[f32], b: &[f32], value: impl Fn(f32, f32) -> f64) -> f64 {
    in_lanes(a, b, 0.0, value, |a, b| a + b)
}

/// Takes the numbers of `range` into `sums`, the first of which is the first that is met.
#[inline(never)]
fn take<S: Simd, R: Reduction>(simd: S, x: &[f32], dims: &Coalesced<1>, range: Range<usize>, sums: &mut [R::Partial]) {
    vectorize!(simd, take_rows::<R>(x, dims, range, sums));
}

#[inline(always)]
fn take_rows<R: Reduction>(x: &[f32], dims: &Coalesced<1>, range: Range<usize>, sums: &mut [R::Partial]) {
    let (x, mut first, kept) = (&x[range.clone()], None, dims.row_strides() != [0]);
    for (row, [place]) in dims.rows(range.start, range.len()) {
        let (x, sums) = (&x[row], &mut sums[place - *first.get_or_insert(place)..]);
        if kept {
            sums.iter_mut().zip(x).for_each(|(sum, &x)| *sum = R::join(*sum, R::value(x)));
        } else {
            sums[0] = R::join(sums[0], in_lanes(x, x, R::START, |x, _| R::value(x), R::join));
        }
    }
}
