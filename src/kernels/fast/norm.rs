//! channel_stats, channel_affine and batch_norm_dx. See reference.rs.
//!
//! 1. x (N, C, S) is N C rows of S numbers, each of one channel. Threads take pieces of rows in the order of memory.
//! 2. Mean and variance take one pass over main memory: while a row is in the L1 cache, it is read for its mean and
//!    again for its squared deviations, so nothing cancels. As all rows have the same length, the channel's variance is
//!    the mean of its rows' variances plus the variance of its rows' means.
//! 3. Backward takes two passes: sums, then gx. x^ is calculated anew each time instead of being stored.
//! 4. Everything that is summed is f64; the conversions hide behind main memory.

use super::cpu::for_each_level;
use super::pieces::{pieces, rows_per_piece};
use super::reduce::sum_of;
use crate::kernels::Channels;

pub fn channel_stats(size: &Channels, x: &[f32], mean: &mut [f32], var: &mut [f32]) {
    let &Channels { n, c, s } = size;
    if x.is_empty() {
        mean.fill(f32::NAN);
        return var.fill(f32::NAN);
    }
    let mut rows = vec![[0.0f64; 2]; n * c]; // each row's mean and sum of squared deviations
    pieces(&mut rows, rows_per_piece(s), |start, rows| row_stats(s, &x[start * s..], rows));
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

pub fn channel_affine(size: &Channels, x: &[f32], scale: &[f32], shift: &[f32], y: &mut [f32]) {
    let s = size.s;
    pieces(y, rows_per_piece(s) * s, |start, y| {
        affine_rows(size, start / s, &x[start..start + y.len()], scale, shift, y);
    });
}

#[allow(clippy::too_many_arguments)]
pub fn batch_norm_dx(
    size: &Channels,
    x: &[f32],
    gy: &[f32],
    mean: &[f32],
    rstd: &[f32],
    gamma: &[f32],
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
    pieces(&mut rows, rows_per_piece(s), |start, rows| {
        row_sums(size, start, &x[start * s..], &gy[start * s..], mean, rstd, rows);
    });
    let mut sums = vec![[0.0; 2]; c];
    for rows in rows.chunks(c) {
        sums.iter_mut().zip(rows).for_each(|(sum, row)| *sum = [sum[0] + row[0], sum[1] + row[1]]);
    }
    gbeta.iter_mut().zip(&sums).for_each(|(y, sum)| *y = sum[0] as f32);
    ggamma.iter_mut().zip(&sums).for_each(|(y, sum)| *y = sum[1] as f32);
    let count = (n * s) as f64;
    let channel = |c: usize| Backward {
        mean: mean[c],
        rstd: rstd[c],
        scale: gamma[c] * rstd[c],
        mean_gy: (sums[c][0] / count) as f32,
        mean_gy_hat: (sums[c][1] / count) as f32,
    };
    let channels: Vec<Backward> = (0..c).map(channel).collect();
    pieces(gx, rows_per_piece(s) * s, |start, gx| {
        let end = start + gx.len();
        backward_rows(size, start / s, &channels, &x[start..end], &gy[start..end], gx);
    });
}

/// What the second pass needs to know about a channel.
struct Backward {
    mean: f32,
    rstd: f32,
    scale: f32,
    mean_gy: f32,
    mean_gy_hat: f32,
}

for_each_level! {
    fn row_stats(s: usize, x: &[f32], rows: &mut [[f64; 2]]) {
        for (row, x) in rows.iter_mut().zip(x.chunks_exact(s)) {
            let mean = sum_of(x, x, |x, _| f64::from(x)) / s as f64;
            *row = [mean, sum_of(x, x, |x, _| (f64::from(x) - mean) * (f64::from(x) - mean))];
        }
    }

    fn row_sums(size: &Channels, first: usize, x: &[f32], gy: &[f32], mean: &[f32], rstd: &[f32],
                rows: &mut [[f64; 2]]) {
        for (i, row) in rows.iter_mut().enumerate() {
            let (x, gy, c) = (&x[i * size.s..][..size.s], &gy[i * size.s..][..size.s], (first + i) % size.c);
            let (mean, rstd) = (mean[c], rstd[c]);
            *row = [
                sum_of(gy, gy, |gy, _| f64::from(gy)),
                sum_of(x, gy, |x, gy| f64::from(gy * ((x - mean) * rstd))),
            ];
        }
    }

    /// y = scale x + shift for the rows from `first` on.
    fn affine_rows(size: &Channels, first: usize, x: &[f32], scale: &[f32], shift: &[f32], y: &mut [f32]) {
        for (i, y) in y.chunks_exact_mut(size.s).enumerate() {
            let (x, c) = (&x[i * size.s..][..size.s], (first + i) % size.c);
            let (scale, shift) = (scale[c], shift[c]);
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = scale * x + shift);
        }
    }

    /// gx = gamma rstd (gy - mean(gy) - x^ mean(gy x^)) for the rows from `first` on.
    fn backward_rows(size: &Channels, first: usize, channels: &[Backward], x: &[f32], gy: &[f32], gx: &mut [f32]) {
        for (i, gx) in gx.chunks_exact_mut(size.s).enumerate() {
            let (x, gy) = (&x[i * size.s..][..size.s], &gy[i * size.s..][..size.s]);
            let &Backward { mean, rstd, scale, mean_gy, mean_gy_hat } = &channels[(first + i) % size.c];
            for ((gx, &x), &gy) in gx.iter_mut().zip(x).zip(gy) {
                *gx = scale * (gy - mean_gy - (x - mean) * rstd * mean_gy_hat);
            }
        }
    }
}
