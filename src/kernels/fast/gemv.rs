//! Products with vectors. Every number of a matrix that meets a vector is used once, so there is nothing to keep in
//! registers or to pack, and the matrix should just stream by: 1024 x 1024 takes 0.10 ms on one core, four rows at a
//! time; row by row it took 0.26. An outer product streams out in the same way.

use super::chunks::for_each_chunk;
use super::simd::{Simd, vectorize};

/// Numbers of the matrix that are worth a task of their own.
const TASK: usize = 1 << 19;

/// y (rows) = M v + bias, where M is (rows, v.len()), or (v.len(), rows) if it lies transposed.
pub fn gemv<S: Simd>(
    simd: S,
    m: &[f32],
    transposed: bool,
    v: &[f32],
    bias: &(dyn Fn(usize) -> f32 + Sync),
    y: &mut [f32],
) {
    let (rows, k) = (y.len(), v.len());
    let part = |first: usize, y: &mut [f32]| {
        y.iter_mut().enumerate().for_each(|(i, y)| *y = bias(first + i));
        vectorize!(
            simd,
            match transposed {
                true => add_rows(m, rows, first, v, y),
                false => add_dots(&m[first * k..][..y.len() * k], v, y),
            }
        )
    };
    // Parts depend on the sizes only, and each number of y is summed by one thread.
    let parts = (rows * k / TASK).clamp(1, 16);
    let len = rows.div_ceil(parts).next_multiple_of(16);
    for_each_chunk(y, len, part);
}

/// C (x.len(), y.len()) = x y^T + bias, a number for each column.
pub fn outer<S: Simd>(simd: S, x: &[f32], y: &[f32], bias: Option<&[f32]>, c: &mut [f32]) {
    let rows = (TASK / y.len()).max(1);
    for_each_chunk(c, rows * y.len(), |start, c| vectorize!(simd, write_rows(&x[start / y.len()..], y, bias, c)));
}

#[inline(always)]
fn write_rows(x: &[f32], y: &[f32], bias: Option<&[f32]>, c: &mut [f32]) {
    for (x, c) in x.iter().zip(c.chunks_exact_mut(y.len())) {
        match bias {
            None => c.iter_mut().zip(y).for_each(|(c, y)| *c = x * y),
            Some(bias) => c.iter_mut().zip(y).zip(bias).for_each(|((c, y), bias)| *c = x * y + bias),
        }
    }
}

/// y += M v, where M is (y.len(), v.len()): four rows at a time, or memory would wait for the end of each.
#[inline(always)]
fn add_dots(m: &[f32], v: &[f32], y: &mut [f32]) {
    const SUMS: usize = 16; // of each row: as many as it takes for the additions not to wait for each other
    let k = v.len();
    let row = |i: usize| &m[i * k..][..k];
    for (four, y) in y.chunks_mut(4).enumerate() {
        let rows: [&[f32]; 4] = std::array::from_fn(|r| row(4 * four + r.min(y.len() - 1)));
        let mut sums = [[0.0; SUMS]; 4];
        let whole = k / SUMS * SUMS;
        for l in (0..whole).step_by(SUMS) {
            let v: &[f32; SUMS] = v[l..].first_chunk().expect("a whole part");
            for (sums, row) in sums.iter_mut().zip(rows) {
                let row: &[f32; SUMS] = row[l..].first_chunk().expect("a whole part");
                for i in 0..SUMS {
                    sums[i] += row[i] * v[i];
                }
            }
        }
        for ((y, sums), row) in y.iter_mut().zip(sums).zip(rows) {
            let rest: f32 = row[whole..].iter().zip(&v[whole..]).map(|(x, v)| x * v).sum();
            *y += sums.iter().sum::<f32>() + rest;
        }
    }
}

/// y += v M [first..first + y.len()], four rows of M (.., width) at a time.
#[inline(always)]
fn add_rows(m: &[f32], width: usize, first: usize, v: &[f32], y: &mut [f32]) {
    let len = y.len();
    let row = |l: usize| &m[l * width + first..][..len];
    let whole = v.len() / 4 * 4;
    for l in (0..whole).step_by(4) {
        let (v, r) = (&v[l..l + 4], [row(l), row(l + 1), row(l + 2), row(l + 3)]);
        for (j, y) in y.iter_mut().enumerate() {
            *y += v[0] * r[0][j] + v[1] * r[1][j] + (v[2] * r[2][j] + v[3] * r[3][j]);
        }
    }
    for (l, v) in v.iter().enumerate().skip(whole) {
        for (y, x) in y.iter_mut().zip(row(l)) {
            *y += v * x;
        }
    }
}
