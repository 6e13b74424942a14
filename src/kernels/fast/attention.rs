//! attention and attention_dx. See reference/attention.rs.
//!
//! 1. Threads take heads. Scores exist for one block of queries at a time, so they stay in the caches of a core. As in
//!    FlashAttention (Dao et al., 2022), backward calculates the probabilities again instead of storing them. A block has
//!    all keys, so that a softmax sees its whole row.
//! 2. Products are gemm.rs, on one thread unless they are large. Where the vectors of a head lie far apart, packing brings
//!    them together; nothing is transposed in memory.
//! 3. Rows of scores are padded with -inf, of which the softmax makes zeros, to whole vectors of any instruction set.
//! 4. gk and gv, sums over all queries, are added up block by block.
//! 5. The next head's vectors are fetched into the cache during the softmax. Where heads lie side by side, each of them
//!    is in a few lines of its own, far from the next: waiting for them took a quarter of the time.

use super::chunks::{for_each_task, rows_per_chunk};
use super::gemm::{Output, Product, gemm, split};
use super::im2col::GatherMap;
use super::micro_kernel::Epilogue::{self, Accumulate, Store};
use super::pack::{Matrix, Operand};
use super::prefetch::LINE;
use super::reduce::in_lanes;
use super::simd::{MOST_LANES, Simd, vectorize};
use super::vmath::exp_of_negative;
use crate::kernels::{Attention, Vectors};
use crate::pool::Buffer;
use std::iter::once;

/// Multiply-adds that are worth a task of their own: some 20 microseconds.
const TASK: usize = 1 << 20;
/// Rows of scores are padded to a multiple of this.
const LANES: usize = MOST_LANES;

pub fn attention<S: Simd>(simd: S, size: &Attention, qkv: &[f32], y: &mut [f32]) {
    let &Attention { l, s, d, e, .. } = size;
    assert!(qkv.len() == size.qkv_len(), "attention: {size:?} of {} numbers", qkv.len());
    let (y, of_scores, of_value) = (Output::new(y), GatherMap::contiguous(simd, s), GatherMap::contiguous(simd, e));
    let (in_p, most) = (score_rows(size), most_queries(size));
    for_each_head(size, &|Head { qkv: [q, k, v], y: y_rows }, next| {
        let mut p = Buffer::scratch(most * in_p.row);
        for block in split(0..l, most, 1) {
            let (m, q, y_rows) = (block.len(), q.from(block.start), y_rows.from(block.start));
            // SAFETY: p is this task's, and each block of each head has its own part of y.
            unsafe {
                let scores = Output::new(&mut p);
                product(simd, (m, d, s), rows(qkv, q), columns(qkv, k), (&scores, in_p, &of_scores), Store);
                let prefetch = |row: usize| next.prefetch_qkv(simd, size, qkv, block.start + row);
                vectorize!(simd, softmax_rows(size, &mut p[..m * in_p.row], prefetch));
                product(simd, (m, s, e), rows(&p, in_p), rows(qkv, v), (&y, y_rows, &of_value), Store);
            }
        }
    });
}

pub fn attention_dx<S: Simd>(simd: S, size: &Attention, qkv: &[f32], gy: &[f32], gqkv: &mut [f32]) {
    let &Attention { l, s, d, e, .. } = size;
    assert!(qkv.len() == size.qkv_len(), "attention_dx: {size:?} of {} numbers", qkv.len());
    let g = Output::new(gqkv);
    let [of_scores, of_key, of_value] = [s, d, e].map(|len| GatherMap::contiguous(simd, len));
    let (in_p, most) = (score_rows(size), most_queries(size));
    for_each_head(size, &|Head { qkv: [q, k, v], y: y_rows }, next| {
        let [mut p, mut gs] = [0; 2].map(|_| Buffer::scratch(most * in_p.row));
        for block in split(0..l, most, 1) {
            let (m, q, y_rows) = (block.len(), q.from(block.start), y_rows.from(block.start));
            let sum = if block.start == 0 { Store } else { Accumulate };
            // SAFETY: p and gs are this task's, and each head has its own queries, keys and values.
            unsafe {
                let scores = Output::new(&mut p);
                product(simd, (m, d, s), rows(qkv, q), columns(qkv, k), (&scores, in_p, &of_scores), Store);
                let gp = Output::new(&mut gs);
                product(simd, (m, e, s), rows(gy, y_rows), columns(qkv, v), (&gp, in_p, &of_scores), Store);
                let len = m * in_p.row;
                let prefetch = |row: usize| {
                    next.prefetch_qkv(simd, size, qkv, block.start + row);
                    prefetch_vector(simd, gy, next.y, block.start + row, e);
                };
                vectorize!(simd, {
                    softmax_rows(size, &mut p[..len], prefetch);
                    backward_rows(size, &p[..len], &mut gs[..len]);
                });
                product(simd, (s, m, e), columns(&p, in_p), rows(gy, y_rows), (&g, v, &of_value), sum);
                product(simd, (m, s, d), rows(&gs, in_p), rows(qkv, k), (&g, q, &of_key), Store);
                product(simd, (s, m, d), columns(&gs, in_p), rows(qkv, q), (&g, k, &of_key), sum);
            }
        }
    });
}

/// Queries of a block, at most: as many as have scores for half of a core's L2 cache.
fn most_queries(size: &Attention) -> usize {
    rows_per_chunk(score_rows(size).row).min(size.l.max(1))
}

/// How scores lie.
fn score_rows(size: &Attention) -> Vectors {
    Vectors { start: 0, row: size.s.next_multiple_of(LANES).max(LANES) }
}

/// Where the vectors of a head are.
struct Head {
    qkv: [Vectors; 3],
    y: Vectors,
}

impl Head {
    fn new(size: &Attention, number: usize) -> Head {
        let (sample, head) = (number / size.heads, number % size.heads);
        Head { qkv: size.places(sample, head), y: size.y_places(sample, head) }
    }

    /// Fetches one query, key and value into the cache.
    #[inline(always)]
    fn prefetch_qkv<S: Simd>(&self, simd: S, size: &Attention, qkv: &[f32], row: usize) {
        for (at, len) in self.qkv.into_iter().zip([size.d, size.d, size.e]) {
            prefetch_vector(simd, qkv, at, row, len);
        }
    }
}

#[inline(always)]
fn prefetch_vector<S: Simd>(simd: S, data: &[f32], at: Vectors, row: usize, len: usize) {
    let start = data.as_ptr().wrapping_add(at.start + row * at.row);
    for line in (0..len).step_by(LINE) {
        simd.prefetch(start.wrapping_add(line));
    }
}

/// Calls `run` with each head of each sample and with the next one, in parallel.
fn for_each_head(size: &Attention, run: &(dyn Fn(Head, Head) + Sync)) {
    let heads = size.samples * size.heads;
    let per_task = (TASK / (size.l * size.s * (size.d + size.e)).max(1)).max(1);
    let tasks = heads.div_ceil(per_task);
    let task = |t: usize| {
        for head in t * per_task..heads.min((t + 1) * per_task) {
            run(Head::new(size, head), Head::new(size, head + 1));
        }
    };
    if tasks == 1 { task(0) } else { for_each_task(tasks, &task) }
}

/// The matrix whose rows are these vectors.
fn rows(data: &[f32], at: Vectors) -> Operand<Matrix<'_>> {
    Operand { rows: Matrix { data: data.get(at.start..).unwrap_or(&[]), width: at.row }, transposed: false }
}

/// The matrix whose columns are these vectors.
fn columns(data: &[f32], at: Vectors) -> Operand<Matrix<'_>> {
    Operand { transposed: true, ..rows(data, at) }
}

/// C (m, n) = A (m, k) B (k, n) with an epilogue, where the rows of C are vectors of an output.
///
/// # Safety
/// Nobody else uses these vectors now, and they do not overlap.
unsafe fn product<S: Simd>(
    simd: S,
    (m, k, n): (usize, usize, usize),
    a: Operand<Matrix>,
    b: Operand<Matrix>,
    (c, at, map): (&Output, Vectors, &GatherMap),
    epilogue: Epilogue,
) {
    let product = |_| once(Product { a, b, k, c: c.matrix(at.start, m, at.row, map), epilogue });
    // SAFETY: as the caller promises.
    unsafe { gemm(simd, (1, m, n, k), product) }
}

/// p = softmax(scores / sqrt(d)) of each row, which is given to `prefetch` by its number.
#[inline(always)]
fn softmax_rows(size: &Attention, scores: &mut [f32], prefetch: impl Fn(usize)) {
    let scale = size.scale();
    for (i, row) in scores.chunks_exact_mut(score_rows(size).row).enumerate() {
        prefetch(i);
        row[size.s..].fill(f32::NEG_INFINITY);
        let max = in_lanes(row, row, f32::NEG_INFINITY, |x, _| x, |a, b| if b > a { b } else { a });
        let mut sums = [0.0; LANES];
        for part in row.as_chunks_mut::<LANES>().0 {
            for (x, sum) in part.iter_mut().zip(&mut sums) {
                *x = exp_of_negative((*x - max) * scale);
                *sum += *x;
            }
        }
        let inverse = 1.0 / in_lanes(&sums, &sums, 0.0, |x, _| x, |a, b| a + b);
        row.iter_mut().for_each(|x| *x *= inverse);
    }
}

/// gs = p (gp - sum of p gp over the row) / sqrt(d), where `gs` holds gp.
#[inline(always)]
fn backward_rows(size: &Attention, p: &[f32], gs: &mut [f32]) {
    let (scale, row) = (size.scale(), score_rows(size).row);
    for (p, gs) in p.chunks_exact(row).zip(gs.chunks_exact_mut(row)) {
        gs[size.s..].fill(0.0);
        let p_gp = in_lanes(p, gs, 0.0, |p, gp| p * gp, |a, b| a + b);
        gs.iter_mut().zip(p).for_each(|(gs, p)| *gs = p * (*gs - p_gp) * scale);
    }
}
