//! channel_stats, batch_norm and batch_norm_dx. See reference/norm.rs.
//!
//! 1. x (N, C, S) is N C rows of S numbers, each of one channel. Threads take chunks of rows in the order of memory.
//! 2. Mean and variance take one pass over main memory: while a row is in the L1 cache, it is read for its mean and
//!    again for its squared deviations, so nothing cancels. As all rows have the same length, the channel's variance is
//!    the mean of its rows' variances plus the variance of its rows' means.
//! 3. Backward takes two passes: sums, then gx. x^, and where a ReLU let gy through, are calculated anew each time
//!    instead of being stored. Without a ReLU the same code compares with minus infinity.
//! 4. Everything that is summed is f64; the conversions hide behind main memory.

use super::chunks::{for_each_chunk, rows_per_chunk};
use super::reduce::sum_of;
use super::simd::{Simd, vectorize};
use crate::kernels::{BatchNorm, Channels};

pub fn channel_stats<S: Simd>(simd: S, size: &Channels, x: &[f32], mean: &mut [f32], var: &mut [f32]) {
    let &Channels { n, c, s } = size;
    if x.is_empty() {
        mean.fill(f32::NAN);
        return var.fill(f32::NAN);
    }
    let mut rows = vec![[0.0f64; 2]; n * c]; // each row's mean and sum of squared deviations
    for_each_chunk(&mut rows, rows_per_chunk(s), |start, rows| {
        vectorize!(simd, row_stats(s, &x[start * s..], rows));
    });
    let mut means = vec![0.0; c];
    for rows in rows.chunks(c) {
        means.iter_mut().zip(rows).for_each(|(mean, row)| *mean += row[0] / n as f64);
    }
    let mut squares = vec![0.0; c];
    for rows in rows.chunks(c) {
        for ((square, row), mean) in squares.iter_mut().zip(rows).zip(&means) {
            *square += row[1] + s as f64 * (row[0] - mean) * (row[0] - mean);
        }
    }
    mean.iter_mut().zip(means).for_each(|(y, mean)| *y = mean as f32);
    var.iter_mut().zip(squares).for_each(|(y, square)| *y = (square / (n * s) as f64) as f32);
}

pub fn batch_norm<S: Simd>(simd: S, size: &Channels, norm: &BatchNorm, x: &[f32], y: &mut [f32]) {
    let s = size.s;
    for_each_chunk(y, rows_per_chunk(s) * s, |start, y| {
        vectorize!(simd, norm_rows(size, norm, start / s, &x[start..start + y.len()], y));
    });
}

#[allow(clippy::too_many_arguments)] // all that the kernel reads and writes
pub fn batch_norm_dx<S: Simd>(
    simd: S,
    size: &Channels,
    norm: &BatchNorm,
    x: &[f32],
    gy: &[f32],
    gx: &mut [f32],
    ggamma: &mut [f32],
    gbeta: &mut [f32],
) {
    let &Channels { n, c, s } = size;
    if x.is_empty() {
        ggamma.fill(0.0);
        return gbeta.fill(0.0);
    }
    let mut rows = vec![[0.0f64; 2]; n * c]; // each row's sums of gy and of gy x^
    for_each_chunk(&mut rows, rows_per_chunk(s), |start, rows| {
        vectorize!(simd, row_sums(size, norm, start, &x[start * s..], &gy[start * s..], rows));
    });
    let mut sums = vec![[0.0; 2]; c];
    for rows in rows.chunks(c) {
        sums.iter_mut().zip(rows).for_each(|(sum, row)| *sum = [sum[0] + row[0], sum[1] + row[1]]);
    }
    gbeta.iter_mut().zip(&sums).for_each(|(y, sum)| *y = sum[0] as f32);
    ggamma.iter_mut().zip(&sums).for_each(|(y, sum)| *y = sum[1] as f32);
    let count = (n * s) as f64;
    let means: Vec<_> = sums.iter().map(|sum| sum.map(|sum| (sum / count) as f32)).collect();
    for_each_chunk(gx, rows_per_chunk(s) * s, |start, gx| {
        let end = start + gx.len();
        vectorize!(simd, backward_rows(size, norm, start / s, &means, &x[start..end], &gy[start..end], gx));
    });
}

#[inline(always)]
fn row_stats(s: usize, x: &[f32], rows: &mut [[f64; 2]]) {
    for (row, x) in rows.iter_mut().zip(x.chunks_exact(s)) {
        let mean = sum_of(x, x, |x, _| f64::from(x)) / s as f64;
        *row = [mean, sum_of(x, x, |x, _| (f64::from(x) - mean) * (f64::from(x) - mean))];
    }
}

#[inline(always)]
fn row_sums(size: &Channels, norm: &BatchNorm, first: usize, x: &[f32], gy: &[f32], rows: &mut [[f64; 2]]) {
    for (i, row) in rows.iter_mut().enumerate() {
        let (x, gy, c) = (&x[i * size.s..][..size.s], &gy[i * size.s..][..size.s], (first + i) % size.c);
        let (mean, rstd, (scale, shift), floor) = (norm.mean[c], norm.rstd[c], norm.scale_and_shift(c), norm.floor());
        let through = |x: f32, gy: f32| if scale * x + shift <= floor { 0.0 } else { gy };
        *row = [
            sum_of(x, gy, |x, gy| f64::from(through(x, gy))),
            sum_of(x, gy, |x, gy| f64::from(through(x, gy) * ((x - mean) * rstd))),
        ];
    }
}

/// The batch norm of the rows from `first` on.
#[inline(always)]
fn norm_rows(size: &Channels, norm: &BatchNorm, first: usize, x: &[f32], y: &mut [f32]) {
    for (i, y) in y.chunks_exact_mut(size.s).enumerate() {
        let (x, c) = (&x[i * size.s..][..size.s], (first + i) % size.c);
        let ((scale, shift), floor) = (norm.scale_and_shift(c), norm.floor());
        for (y, &x) in y.iter_mut().zip(x) {
            let value = scale * x + shift;
            *y = if value < floor { floor } else { value };
        }
    }
}

/// gx = gamma rstd (gy - mean(gy) - x^ mean(gy x^)) for the rows from `first` on; means per channel.
#[inline(always)]
fn backward_rows(
    size: &Channels,
    norm: &BatchNorm,
    first: usize,
    means: &[[f32; 2]],
    x: &[f32],
    gy: &[f32],
    gx: &mut [f32],
) {
    for (i, gx) in gx.chunks_exact_mut(size.s).enumerate() {
        let (x, gy, c) = (&x[i * size.s..][..size.s], &gy[i * size.s..][..size.s], (first + i) % size.c);
        let (mean, rstd, (scale, shift), floor) = (norm.mean[c], norm.rstd[c], norm.scale_and_shift(c), norm.floor());
        let [mean_gy, mean_gy_hat] = means[c];
        for ((gx, &x), &gy) in gx.iter_mut().zip(x).zip(gy) {
            let gy = if scale * x + shift <= floor { 0.0 } else { gy };
            *gx = scale * (gy - mean_gy - (x - mean) * rstd * mean_gy_hat);
        }
    }
}
