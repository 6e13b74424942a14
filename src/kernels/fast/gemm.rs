//! The blocked matrix product C (m, n) = A (m, k) B (k, n): five loops around the micro-kernel, numbered as in BLIS (Van
//! Zee and van de Geijn, "BLIS: a framework for rapidly instantiating BLAS functionality", 2015) from the outside in.
//!
//! | loop | over | in steps of | |
//! |---|---|---|---|
//! | 5 | n | NC = 512 or less | in parallel: each block of C belongs to one thread |
//! | 3 | m | MC = 588 or less | in parallel, too |
//! | 4 | k | KC = 256 | packs KC x NC of B for the second-level cache; and MC x KC of A if it is transposed |
//! | 1 | m | MR (micro_kernel.rs) | packs MR x KC of A otherwise, for the first-level cache |
//! | 2 | n | NR | one micro-tile of C: the micro-kernel |
//!
//! BLIS has them in the order 5, 4, 3, 2, 1. Here 3 is outside of 4, since blocks of C are what the threads share out:
//! no thread waits for another one's packing. And 1 is outside of 2: with B's panel in the first-level cache instead of
//! A's, 1024 x 1024 x 1024 took 1.09 times as long.
//!
//! A transposed is packed for the whole block, since a micro-tile's part of each of its rows is a single cache line, and
//! memory is read well only in order. What is packed next is fetched meanwhile (prefetch.rs).
//!
//! Tried without gain: KC of 192, 320, 384 and 512.

use super::chunks::for_each_task;
use super::im2col::GatherMap;
use super::micro_kernel::{Epilogue, FETCH_EVERY, MicroTile, NR_VECTORS};
use super::pack::{A_BLOCK, A_STRIDE, Operand, Rows, TRANSPOSE_BLOCK};
use super::prefetch::Prefetch;
use super::simd::Simd;
use crate::pool::Buffer;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::Range;

/// What one micro-tile sums over at most; longer sums are made of several, through C. (In whatever order the loops run,
/// a number of C is summed in the same order.)
pub const KC: usize = 256;
/// The most columns of B that are packed at once: KC x NC numbers are half a megabyte.
const NC: usize = 512;
/// The most rows of C in one task: enough to be worth packing B for them. MC x KC numbers are 0.6 megabytes.
pub const MC: usize = 588;
/// Multiply-adds that are worth a task of their own: some 30 microseconds with AVX-512.
const TASK: usize = 1 << 21;
/// Writing a number of C costs as much as this many multiply-adds.
const WRITING: usize = 16;
/// More tasks than threads, since other programs may slow one of the threads down.
const TASKS_PER_THREAD: usize = 2;

/// Memory that several threads write to at the same time, each to its own part.
pub struct Output<'a> {
    data: *mut f32,
    len: usize,
    borrowed: PhantomData<&'a mut [f32]>,
}

// SAFETY: the only access is by `gemm`, which gives each part to one thread.
unsafe impl Sync for Output<'_> {}

impl<'a> Output<'a> {
    pub fn new(data: &'a mut [f32]) -> Output<'a> {
        Output { data: data.as_mut_ptr(), len: data.len(), borrowed: PhantomData }
    }

    /// A matrix C of `rows` rows, `row_stride` apart, the first of which begins at `start`.
    pub fn matrix(&'a self, start: usize, rows: usize, row_stride: usize, columns: &'a GatherMap) -> OutputMatrix<'a> {
        let end = start + rows.saturating_sub(1) * row_stride + columns.end();
        assert!(end <= self.len || rows == 0, "C ends at {end}, beyond {} numbers", self.len);
        OutputMatrix { start: self.data.wrapping_add(start), rows, row_stride, columns }
    }
}

/// Where a matrix C lies in an output.
pub struct OutputMatrix<'a> {
    start: *mut f32,
    rows: usize,
    row_stride: usize,
    /// Where the columns lie in a row.
    columns: &'a GatherMap,
}

/// C = A B, with an epilogue.
pub struct Product<'a, A, B> {
    pub a: Operand<A>,
    pub b: Operand<B>,
    pub k: usize,
    pub c: OutputMatrix<'a>,
    pub epilogue: Epilogue<'a>,
}

thread_local! {
    /// Where a thread packs: A, B, and what waits to be transposed.
    static SCRATCH: RefCell<Option<[Buffer; 3]>> = const { RefCell::new(None) };
}

/// Computes `count` matrices C (m, n), in parallel if that pays. Each is a chain of products (m, k) x (k, n), computed
/// one after the other; `products` makes the chain of the p-th C. One that has fewer than n columns says so by its `c`.
///
/// # Safety
/// The matrices C do not overlap, and no two places (row, column) of one are the same; the products of a chain have the
/// same C. A bias per column has a number for each column, and the columns then lie one after the other.
pub unsafe fn gemm<'a, S: Simd, A: Rows, B: Rows, Chain: Iterator<Item = Product<'a, A, B>>>(
    simd: S,
    (count, m, n, k): (usize, usize, usize, usize),
    products: impl Fn(usize) -> Chain + Sync,
) {
    if count * m * n == 0 {
        return;
    }
    let (mr, nr, threads) = (S::MR, NR_VECTORS * S::LANES, rayon::current_num_threads());
    let tasks_wanted = (count * m * n * (k + WRITING) / TASK).min(TASKS_PER_THREAD * threads);
    let (row_parts, column_parts) = parts((count, m, n), (mr, nr), tasks_wanted, threads);
    // Loops 5 and 3: a task is one block (rows, columns) of one C.
    let task = |t: usize| {
        let (p, block) = (t / (row_parts * column_parts), t % (row_parts * column_parts));
        let rows = part(m, row_parts, 1, block / column_parts);
        let columns = part(n, column_parts, nr, block % column_parts);
        SCRATCH.with_borrow_mut(|scratch| {
            let scratch = scratch.get_or_insert_with(|| [A_BLOCK, KC * NC, TRANSPOSE_BLOCK].map(Buffer::scratch));
            for product in products(p) {
                // SAFETY: as the caller promises, and this block of C belongs to this task.
                unsafe { product.compute_block(simd, rows.clone(), columns.clone(), scratch) };
            }
        });
    };
    let tasks = count * row_parts * column_parts;
    if tasks_wanted <= 1 {
        (0..tasks).for_each(task);
    } else {
        for_each_task(tasks, &task);
    }
}

impl<A: Rows, B: Rows> Product<'_, A, B> {
    /// Computes a block of C, the columns of which may reach beyond its last one.
    ///
    /// # Safety
    /// As for [`gemm`], and nobody else uses this block now.
    unsafe fn compute_block<S: Simd>(
        &self,
        simd: S,
        rows: Range<usize>,
        columns: Range<usize>,
        [packed_a, packed_b, block]: &mut [Buffer; 3],
    ) {
        let Product { a, b, c, .. } = self;
        assert!(rows.end <= c.rows);
        let nr = NR_VECTORS * S::LANES;
        let columns = columns.start..columns.end.min(c.columns.len());
        let panels = columns.clone().step_by(nr).map(|start| start..columns.end.min(start + nr));
        let row_tiles = split(rows.clone(), S::MR, 1);
        let (tiles_of_row, tiles) = (panels.clone().count(), row_tiles.clone().count() * panels.clone().count());
        // Loop 4.
        for k in split(0..self.k, KC, 16) {
            let next_k = k.end..self.k.min(k.end + k.len());
            let calls = k.len().div_ceil(FETCH_EVERY); // of one micro-tile
            b.pack_b(simd, k.clone(), columns.clone(), packed_b, block);
            let next_b = b.prefetch(next_k.clone(), columns.clone()).in_calls(tiles * calls);
            // Of C, A and B.
            let mut prefetch = [Prefetch::NONE, Prefetch::NONE, next_b];
            if a.transposed {
                a.pack_a(simd, rows.clone(), k.clone(), packed_a, block);
                prefetch[1] = a.prefetch(rows.clone(), next_k).in_calls(tiles * calls);
            }
            let epilogue = if k.start > 0 { Epilogue::Accumulate } else { self.epilogue };
            // Loop 1.
            for tile_rows in row_tiles.clone() {
                let packed_a = if a.transposed {
                    &packed_a[(tile_rows.start - rows.start) * A_STRIDE..]
                } else {
                    a.pack_a(simd, tile_rows.clone(), k.clone(), packed_a, block);
                    let next_rows = tile_rows.end..rows.end.min(tile_rows.end + tile_rows.len());
                    prefetch[1] = a.prefetch(next_rows, k.clone()).in_calls(tiles_of_row * calls);
                    &packed_a[..]
                };
                let c_rows = c.start.wrapping_add(tile_rows.start * c.row_stride);
                // Loop 2.
                for (columns, packed_b) in panels.clone().zip(packed_b.chunks(KC * nr)) {
                    let vector = columns.start / S::LANES;
                    let segments = [c.columns.vector(0, vector), c.columns.vector(0, vector + 1)];
                    let c_start = c_rows.wrapping_offset(segments[0][0].at as isize);
                    prefetch[0] =
                        Prefetch::new(c_start, (tile_rows.len(), c.row_stride), columns.len()).in_calls(calls);
                    let tile = MicroTile::<A_STRIDE, 1> {
                        rows: tile_rows.len(),
                        a: packed_a.as_ptr(),
                        parts: 1,
                        part: k.len(),
                        a_part: 0,
                        b: packed_b.as_ptr(),
                        b_row: nr,
                        b_vector: S::LANES,
                        c: c_rows,
                        c_row: c.row_stride,
                        columns: segments,
                        epilogue: epilogue.of_rows_from(tile_rows.start),
                    };
                    // SAFETY: A and B are packed; `Output::matrix` has checked C; the rest is what the caller promises.
                    unsafe { tile.compute_vectorized(simd, &mut prefetch) };
                }
            }
        }
    }
}

/// Into how many parts m and n are cut: at least as many tasks as wanted, if there are so many micro-tiles, and the same
/// number for each thread, if m is cut. They depend on the number of threads; the numbers of C do not, since each is summed
/// in the same order.
fn parts(
    (count, m, n): (usize, usize, usize),
    (mr, nr): (usize, usize),
    tasks_wanted: usize,
    threads: usize,
) -> (usize, usize) {
    let (mut rows, mut columns) = (m.div_ceil(MC), n.div_ceil(NC));
    while count * rows * columns < tasks_wanted {
        if m / rows >= n / columns && m > rows * mr {
            rows *= 2;
        } else if n > columns * nr {
            columns *= 2;
        } else {
            break;
        }
    }
    while rows > 1 && !(count * rows * columns).is_multiple_of(threads) {
        rows += 1;
    }
    (rows, columns)
}

/// `range` in parts of nearly equal length, at most `most` and (but for the last) a multiple of `unit`; at least one.
pub fn split(range: Range<usize>, most: usize, unit: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    let parts = range.len().div_ceil(most).max(1);
    (0..parts).map(move |p| {
        let part = part(range.len(), parts, unit, p);
        range.start + part.start..range.start + part.end
    })
}

/// The p-th of `parts` parts of `0..len`.
fn part(len: usize, parts: usize, unit: usize, p: usize) -> Range<usize> {
    let size = len.div_ceil(parts).next_multiple_of(unit);
    len.min(p * size)..len.min((p + 1) * size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_gets_as_many_tasks_and_not_many_more_than_wanted() {
        for threads in [1, 2, 6, 8, 64] {
            let (rows, columns) = parts((1, 512, 512), (14, 32), 2 * threads, threads);
            let tasks = rows * columns;
            assert!(tasks.is_multiple_of(threads), "{rows} x {columns} tasks for {threads} threads");
            assert!((2 * threads..=4 * threads).contains(&tasks), "{rows} x {columns} tasks for {threads} threads");
        }
    }
}
