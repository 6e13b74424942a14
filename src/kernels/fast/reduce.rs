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
    let fold = Fold { start: 0.0f64, row: sum_row, rows: add_row, join: |a, b| a + b, finish: |sum| sum as f32 };
    fold.reduce(x, shape, over, y);
}

pub fn max(x: &[f32], shape: &Shape, over: Axes, y: &mut [f32]) {
    let fold = Fold { start: f32::NEG_INFINITY, row: max_row, rows: raise_row, join: larger, finish: |max| max };
    fold.reduce(x, shape, over, y);
}

/// How many numbers become one, by way of an `A`.
struct Fold<A> {
    /// Of no numbers.
    start: A,
    /// Of a row of numbers.
    row: fn(&[f32]) -> A,
    /// Takes in one more row, each number into its own result.
    rows: fn(&[f32], &mut [A]),
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
                self.take(x, &loops, from * inner..to * inner, sums);
            });
        }
        // A block holds 16 numbers per result, too, or its partial results would be as much work as the numbers.
        let block = PIECE.max(16 * y.len()).div_ceil(inner);
        let blocks = size.div_ceil(block);
        if loops.depth > 1 && blocks < 8 {
            let (size, inner) = (loops.sizes[1], inner / loops.sizes[1]);
            return self.cut_results(y, size, x.len(), |from, to, sums| {
                for i in 0..loops.sizes[0] {
                    self.take(x, &loops, (i * size + from) * inner..(i * size + to) * inner, sums);
                }
            });
        }
        let mut partial = vec![self.start; blocks * y.len()];
        pieces(&mut partial, y.len(), x.len(), |start, sums| {
            let from = start / y.len() * block;
            self.take(x, &loops, from * inner..(from + block).min(size) * inner, sums);
        });
        for (i, y) in y.iter_mut().enumerate() {
            let sums = partial[i..].iter().step_by(partial.len() / blocks);
            *y = (self.finish)(sums.fold(self.start, |a, &b| (self.join)(a, b)));
        }
    }

    /// Cuts the outermost of the axes that stay, of `size`, into blocks and calls `take(from, to, sums)` for each.
    fn cut_results(&self, y: &mut [f32], size: usize, work: usize, take: impl Fn(usize, usize, &mut [A]) + Sync) {
        let width = y.len() / size;
        pieces(y, rows_per_piece(work / size) * width, work, |start, y| {
            let mut sums = vec![self.start; y.len()];
            take(start / width, (start + y.len()) / width, &mut sums);
            y.iter_mut().zip(sums).for_each(|(y, sum)| *y = (self.finish)(sum));
        });
    }

    /// Takes the numbers of `range` into `sums`, the first of which is the first that is met.
    fn take(&self, x: &[f32], loops: &Loops<1>, range: Range<usize>, sums: &mut [A]) {
        let (x, mut first, stays) = (&x[range.clone()], None, loops.along_row() != [0]);
        for (row, [place]) in loops.rows(range.start, range.len()) {
            let sums = &mut sums[place - *first.get_or_insert(place)..];
            match stays {
                true => (self.rows)(&x[row], sums),
                false => sums[0] = (self.join)(sums[0], (self.row)(&x[row])),
            }
        }
    }
}

const LANES: usize = 32;

/// Folds `one(a, b)` over pairs of numbers in lanes side by side.
#[inline(always)]
pub(super) fn in_lanes<A: Copy>(
    a: &[f32],
    b: &[f32],
    start: A,
    take: impl Fn(A, f32, f32) -> A,
    join: impl Fn(A, A) -> A,
) -> A {
    let mut lanes = [start; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for l in 0..LANES {
            lanes[l] = take(lanes[l], a[l], b[l]);
        }
    }
    for ((lane, &a), &b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane = take(*lane, a, b);
    }
    let mut n = LANES;
    while n > 1 {
        n /= 2;
        for l in 0..n {
            lanes[l] = join(lanes[l], lanes[l + n]);
        }
    }
    lanes[0]
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if (b > a) | b.is_nan() { b } else { a }
}

for_each_level! {
    fn sum_row(x: &[f32]) -> f64 {
        in_lanes(x, x, 0.0, |sum, x, _| sum + f64::from(x), |a, b| a + b)
    }

    fn add_row(x: &[f32], sums: &mut [f64]) {
        for (sum, &x) in sums.iter_mut().zip(x) {
            *sum += f64::from(x);
        }
    }

    fn max_row(x: &[f32]) -> f32 {
        in_lanes(x, x, f32::NEG_INFINITY, |max, x, _| larger(max, x), larger)
    }

    fn raise_row(x: &[f32], maxima: &mut [f32]) {
        for (max, &x) in maxima.iter_mut().zip(x) {
            *max = larger(*max, x);
        }
    }
}
