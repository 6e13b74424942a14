//! layer_norm and layer_norm_dx. See reference/layer_norm.rs.
//!
//! 1. One pass over main memory each way: while a row is in the L1 cache, it is read for its mean, for its squared
//!    deviations, and for what is made of them.
//! 2. Mean and variance are summed in f64, as of a batch norm. The sums of gradients are f32 over a few numbers, and f64
//!    over these.
//! 3. ggamma and gbeta are summed along with gx: each block of rows that share a gamma has its own sums, which are folded
//!    in order at the end.

use super::chunks::{CHUNK, for_each_chunk, rows_per_chunk};
use super::reduce::{in_lanes, sum_of};
use super::simd::{Simd, vectorize};
use crate::kernels::LayerNorm;
use rayon::prelude::*;

pub fn layer_norm<S: Simd>(simd: S, norm: &LayerNorm, x: &[f32], y: &mut [f32], stats: &mut [f32]) {
    let (d, rows) = (norm.d, rows_per_chunk(norm.d));
    if x.is_empty() {
        return stats.fill(f32::NAN);
    }
    let chunks = y.par_chunks_mut(rows * d).zip(stats.par_chunks_mut(rows * 2)).enumerate();
    let run = |(i, (y, stats)): Chunk| {
        vectorize!(simd, norm_rows(norm, i * rows, &x[i * rows * d..][..y.len()], y, stats));
    };
    chunks.for_each(&run as &(dyn Fn(Chunk) + Sync)); // a trait object as in chunks.rs
}

/// Rows of y and of their stats, and which chunk they are.
type Chunk<'a> = (usize, (&'a mut [f32], &'a mut [f32]));

#[allow(clippy::too_many_arguments)] // all that the kernel reads and writes
pub fn layer_norm_dx<S: Simd>(
    simd: S,
    norm: &LayerNorm,
    stats: &[f32],
    x: &[f32],
    gy: &[f32],
    gx: &mut [f32],
    ggamma: &mut [f32],
    gbeta: &mut [f32],
) {
    let d = norm.d;
    ggamma.fill(0.0);
    gbeta.fill(0.0);
    if x.is_empty() {
        return;
    }
    let Some([gamma, _]) = norm.affine else {
        return for_each_chunk(gx, rows_per_chunk(d) * d, |start, gx| {
            let end = start + gx.len();
            vectorize!(simd, backward_rows(d, &stats[start / d * 2..], &x[start..end], &gy[start..end], gx, None));
        });
    };
    let (group, most) = (norm.shared * d, rows_per_chunk(d).min(norm.shared) * d);
    let mut sums = vec![0.0; x.len() / group * group.div_ceil(most) * 2 * d];
    let starts = (0..x.len()).step_by(group).flat_map(|start| (start..start + group).step_by(most));
    let parts = gx.chunks_mut(group).flat_map(|gx| gx.chunks_mut(most)).zip(sums.chunks_mut(2 * d));
    let mut blocks: Vec<Block> = starts.zip(parts).collect();
    let run = |(start, (gx, sums)): &mut Block| {
        let (range, gamma) = (*start..*start + gx.len(), &gamma[*start / group * d..][..d]);
        let stats = &stats[*start / d * 2..];
        vectorize!(simd, backward_rows(d, stats, &x[range.clone()], &gy[range], gx, Some((gamma, sums))));
    };
    blocks.par_iter_mut().with_min_len((CHUNK / most).max(1)).for_each(&run as &(dyn Fn(&mut Block) + Sync));
    let groups = ggamma.chunks_mut(d).zip(gbeta.chunks_mut(d)).zip(sums.chunks_mut(group.div_ceil(most) * 2 * d));
    for ((ggamma, gbeta), sums) in groups {
        let (first, others) = sums.split_at_mut(2 * d);
        others.chunks(2 * d).for_each(|part| first.iter_mut().zip(part).for_each(|(sum, x)| *sum += x));
        ggamma.iter_mut().chain(gbeta).zip(first).for_each(|(y, sum)| *y = *sum as f32);
    }
}

/// Rows that share a gamma: where they begin, their gx, and their sums of gy x^ and gy.
type Block<'a> = (usize, (&'a mut [f32], &'a mut [f64]));

/// Mean and 1 / sqrt(var + eps) of a row.
#[inline(always)]
fn row_stats(x: &[f32], eps: f64) -> [f32; 2] {
    let count = x.len() as f64;
    let mean = sum_of(x, x, |x, _| f64::from(x)) / count;
    let var = sum_of(x, x, |x, _| (f64::from(x) - mean) * (f64::from(x) - mean)) / count;
    [mean as f32, (1.0 / (var + eps).sqrt()) as f32]
}

/// The sum of `value(a, b)` over pairs of numbers: f32 over short parts, f64 over these.
#[inline(always)]
fn row_sum(a: &[f32], b: &[f32], value: impl Fn(f32, f32) -> f32 + Copy) -> f64 {
    const PART: usize = 1024;
    let parts = a.chunks(PART).zip(b.chunks(PART));
    let mut sum = 0.0;
    for (a, b) in parts {
        sum += f64::from(in_lanes(a, b, 0.0, value, |a, b| a + b));
    }
    sum
}

/// The layer norm of the rows from `first` on.
#[inline(always)]
fn norm_rows(norm: &LayerNorm, first: usize, x: &[f32], y: &mut [f32], stats: &mut [f32]) {
    let rows = x.chunks_exact(norm.d).zip(y.chunks_exact_mut(norm.d)).zip(stats.as_chunks_mut().0);
    for (row, ((x, y), stats)) in rows.enumerate() {
        *stats = row_stats(x, norm.eps);
        let [mean, rstd] = *stats;
        match norm.affine_of(first + row) {
            None => y.iter_mut().zip(x).for_each(|(y, x)| *y = (x - mean) * rstd),
            Some([gamma, beta]) => {
                for (((y, x), gamma), beta) in y.iter_mut().zip(x).zip(gamma).zip(beta) {
                    *y = gamma * ((x - mean) * rstd) + beta;
                }
            }
        }
    }
}

/// gx of some rows. If they have a gamma, also adds the sums of gy x^ and of gy over them, one after the other, to `sums`.
#[inline(always)]
fn backward_rows(
    d: usize,
    stats: &[f32],
    x: &[f32],
    gy: &[f32],
    gx: &mut [f32],
    mut gamma_and_sums: Option<(&[f32], &mut [f64])>,
) {
    /// Rows whose sums are f32.
    const FEW: usize = 16;
    let mut few_sums = vec![0.0f32; if gamma_and_sums.is_some() { 2 * d } else { 0 }];
    let few_rows = x.chunks(FEW * d).zip(gy.chunks(FEW * d)).zip(gx.chunks_mut(FEW * d)).zip(stats.chunks(2 * FEW));
    for (((x, gy), gx), stats) in few_rows {
        few_sums.fill(0.0);
        let rows = x.chunks_exact(d).zip(gy.chunks_exact(d)).zip(gx.chunks_exact_mut(d)).zip(stats.as_chunks().0);
        for (((x, gy), gx), &[mean, rstd]) in rows {
            // gx holds g = gamma gy until its means are known.
            match &gamma_and_sums {
                None => gx.copy_from_slice(gy),
                Some((gamma, _)) => {
                    let (gy_hat, sum_gy) = few_sums.split_at_mut(d);
                    let sums = gy_hat.iter_mut().zip(sum_gy);
                    for ((((gx, x), gy), gamma), (gy_hat, sum_gy)) in gx.iter_mut().zip(x).zip(gy).zip(*gamma).zip(sums)
                    {
                        *gx = gamma * gy;
                        *gy_hat += gy * ((x - mean) * rstd);
                        *sum_gy += gy;
                    }
                }
            }
            let mean_g = (row_sum(gx, gx, |g, _| g) / d as f64) as f32;
            let mean_g_hat = (row_sum(gx, x, |g, x| g * ((x - mean) * rstd)) / d as f64) as f32;
            for (gx, x) in gx.iter_mut().zip(x) {
                *gx = rstd * (*gx - mean_g - (x - mean) * rstd * mean_g_hat);
            }
        }
        if let Some((_, sums)) = &mut gamma_and_sums {
            sums.iter_mut().zip(&few_sums).for_each(|(sum, x)| *sum += f64::from(*x));
        }
    }
}
