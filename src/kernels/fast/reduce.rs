//! sum and max over any axes. See reference.rs.
//!
//! 1. Axes are joined (loops.rs) until axes that go and axes that stay alternate: (N, C, H, W) -> C is (N, C, HW).
//! 2. A row that goes is folded in 32 lanes side by side: vector additions without waiting for each other. Under a row
//!    that stays, rows are added number by number.
//! 3. Sums are f64 throughout: the rounding error stays below 1e-7 of the sum of |x| at any length, and converting is
//!    hidden behind main memory.
//! 4. Threads take blocks of the outermost axis. If that axis goes, each block has its own partial results, folded in
//!    order at the end; if its blocks would be few, the next axis, which stays, is cut instead.

use super::cpu::for_each_level;
use super::loops::Loops;
use super::pieces::{PIECE, pieces, rows_per_piece};
use crate::kernels::Axes;
use crate::kernels::reference::reduced_strides;
use crate::shape::Shape;
use std::ops::Range;

pub fn sum(x: &[f32], shape: &Shape, over: Axes, y: &mut [f32]) {
    let fold = Fold { start: 0.0, take: take_sum, join: |a, b| a + b, finish: |sum| sum as f32 };
    fold.reduce(x, shape, over, y);
}

pub fn max(x: &[f32], shape: &Shape, over: Axes, y: &mut [f32]) {
    let fold = Fold { start: f32::NEG_INFINITY, take: take_max, join: larger, finish: |max| max };
    fold.reduce(x, shape, over, y);
}

/// How many numbers become one, by way of an `A`.
struct Fold<A> {
    /// Of no numbers.
    start: A,
    /// Takes a range of x into its results, the first of which is the first that it meets.
    take: fn(&[f32], &Loops<1>, Range<usize>, &mut [A]),
    join: fn(A, A) -> A,
    finish: fn(A) -> f32,
}

impl<A: Copy + Send + Sync> Fold<A> {
    fn reduce(&self, x: &[f32], shape: &Shape, over: Axes, y: &mut [f32]) {
        if x.is_empty() {
            return y.fill((self.finish)(self.start));
        }
        let loops = Loops::new(shape, [&reduced_strides(shape, over)]);
        let (size, stays) = (loops.sizes[0], loops.strides[0] != [0]);
        let inner = x.len() / size;
        if stays {
            return self.cut_results(y, size, x.len(), |from, to, sums| {
                (self.take)(x, &loops, from * inner..to * inner, sums);
            });
        }
        // A block holds 16 numbers per result, too, or its partial results would be as much work as the numbers.
        let block = PIECE.max(16 * y.len()).div_ceil(inner);
        let blocks = size.div_ceil(block);
        if loops.depth > 1 && blocks < 8 {
            let (size, inner) = (loops.sizes[1], inner / loops.sizes[1]);
            return self.cut_results(y, size, x.len(), |from, to, sums| {
                for i in 0..loops.sizes[0] {
                    (self.take)(x, &loops, (i * size + from) * inner..(i * size + to) * inner, sums);
                }
            });
        }
        let mut partial = vec![self.start; blocks * y.len()];
        pieces(&mut partial, y.len(), |start, sums| {
            let from = start / y.len() * block;
            (self.take)(x, &loops, from * inner..(from + block).min(size) * inner, sums);
        });
        for (i, y) in y.iter_mut().enumerate() {
            let sums = partial[i..].iter().step_by(partial.len() / blocks);
            *y = (self.finish)(sums.fold(self.start, |a, &b| (self.join)(a, b)));
        }
    }

    /// Cuts the outermost of the axes that stay, of `size`, into blocks and calls `take(from, to, sums)` for each.
    fn cut_results(&self, y: &mut [f32], size: usize, work: usize, take: impl Fn(usize, usize, &mut [A]) + Sync) {
        let width = y.len() / size;
        pieces(y, rows_per_piece(work / size) * width, |start, y| {
            let mut sums = vec![self.start; y.len()];
            take(start / width, (start + y.len()) / width, &mut sums);
            y.iter_mut().zip(sums).for_each(|(y, sum)| *y = (self.finish)(sum));
        });
    }
}

const LANES: usize = 32;
const FEW_LANES: usize = 8;

/// Folds `value(a, b)` over pairs of numbers in lanes side by side; a short rest in fewer lanes.
#[inline(always)]
fn in_lanes<A: Copy>(
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

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if (b > a) | b.is_nan() { b } else { a }
}

/// Takes the numbers of `range` into `sums`, the first of which is the first that is met.
#[inline(always)]
fn take<A: Copy>(
    x: &[f32],
    loops: &Loops<1>,
    range: Range<usize>,
    sums: &mut [A],
    start: A,
    value: impl Fn(f32) -> A,
    join: impl Fn(A, A) -> A + Copy,
) {
    let (x, mut first, stays) = (&x[range.clone()], None, loops.along_row() != [0]);
    for (row, [place]) in loops.rows(range.start, range.len()) {
        let (x, sums) = (&x[row], &mut sums[place - *first.get_or_insert(place)..]);
        if stays {
            sums.iter_mut().zip(x).for_each(|(sum, &x)| *sum = join(*sum, value(x)));
        } else {
            sums[0] = join(sums[0], in_lanes(x, x, start, |x, _| value(x), join));
        }
    }
}

for_each_level! {
    fn take_sum(x: &[f32], loops: &Loops<1>, range: Range<usize>, sums: &mut [f64]) {
        take(x, loops, range, sums, 0.0, f64::from, |a, b| a + b);
    }

    fn take_max(x: &[f32], loops: &Loops<1>, range: Range<usize>, maxima: &mut [f32]) {
        take(x, loops, range, maxima, f32::NEG_INFINITY, |x| x, larger);
    }
}
