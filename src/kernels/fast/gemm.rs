//! The blocked matrix product C (m, n) = A (m, k) B (k, n): five loops around the micro-kernel, numbered as in BLIS (Van
//! Zee and van de Geijn, "BLIS: a framework for rapidly instantiating BLAS functionality", 2015) from the outside in.
//!
//! | loop | over | in steps of | |
//! |---|---|---|---|
//! | 5 | n | NC = 512 or less | in parallel: each block of C belongs to one thread |
//! | 3 | m | MC = 588 or less | in parallel, too |
//! | 4 | k | KC = 256 | packs KC x NC of B, which stay in the second-level cache |
//! | 1 | m | MR (micro_kernel.rs) | packs MR x KC of A, which stay in the first-level cache |
//! | 2 | n | NR | one micro-tile of C: the micro-kernel |
//!
//! BLIS has them in the order 5, 4, 3, 2, 1. Here 3 is outside of 4, since blocks of C are what the threads share out:
//! no thread waits for another one's packing. And 1 is outside of 2: with B's panel in the first-level cache instead of
//! A's, 1024 x 1024 x 1024 took 16.2 instead of 14.9 ms.
//!
//! Of the time that 512 x 512 x 512 takes on one core (1.8 ms), 82 % is the micro-kernel's inner loop, which runs at the
//! multiply-add peak, 9 % is packing and 8 % is beginning and storing micro-tiles. Tried without gain: KC of 192, 320,
//! 384 and 512; fetching the next panel's numbers in advance.

use super::chunks::for_each_task;
use super::im2col::GatherMap;
use super::micro_kernel::{Epilogue, MicroTile, NR_VECTORS};
use super::pack::{A_PANEL, A_STRIDE, Operand, Rows};
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
/// The most rows of C in one task: enough to be worth packing B for them, and whole micro-tiles at any MR.
const MC: usize = 588;
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
    let (mr, nr) = (S::MR, NR_VECTORS * S::LANES);
    let tasks_wanted = (count * m * n * (k + WRITING) / TASK).min(TASKS_PER_THREAD * rayon::current_num_threads());
    let (mc, nc) = block_size((count, m, n), (mr, nr), tasks_wanted);
    let row_blocks: Vec<Range<usize>> = split(0..m, mc, mr).collect();
    let column_blocks: Vec<Range<usize>> = split(0..n, nc, nr).collect();
    // Loops 5 and 3: a task is one block (rows, columns) of one C.
    let task = |t: usize| {
        let (p, block) = (t / (row_blocks.len() * column_blocks.len()), t % (row_blocks.len() * column_blocks.len()));
        let (rows, columns) = (&row_blocks[block / column_blocks.len()], &column_blocks[block % column_blocks.len()]);
        SCRATCH.with_borrow_mut(|scratch| {
            let [packed_a, packed_b, block] =
                scratch.get_or_insert_with(|| [A_PANEL, KC * NC, A_PANEL].map(Buffer::scratch));
            for Product { a, b, k, c, epilogue } in products(p) {
                assert!(rows.end <= c.rows);
                let columns = columns.start..columns.end.min(c.columns.len());
                let panels = columns.clone().step_by(nr).map(|start| start..columns.end.min(start + nr));
                // Loop 4.
                for k in split(0..k, KC, 16) {
                    for (columns, packed_b) in panels.clone().zip(packed_b.chunks_mut(KC * nr)) {
                        b.pack_b(simd, k.clone(), columns, packed_b, block);
                    }
                    let epilogue = if k.start > 0 { Epilogue::Accumulate } else { epilogue };
                    // Loop 1.
                    for rows in split(rows.clone(), mr, 1) {
                        a.pack_a(simd, rows.clone(), k.clone(), packed_a, block);
                        // Loop 2.
                        for (columns, packed_b) in panels.clone().zip(packed_b.chunks(KC * nr)) {
                            let vector = columns.start / S::LANES;
                            let tile = MicroTile::<A_STRIDE, 1> {
                                rows: rows.len(),
                                a: packed_a.as_ptr(),
                                parts: 1,
                                part: k.len(),
                                a_part: 0,
                                b: packed_b.as_ptr(),
                                b_row: nr,
                                b_vector: S::LANES,
                                c: c.start.wrapping_add(rows.start * c.row_stride),
                                c_row: c.row_stride,
                                columns: [c.columns.vector(0, vector), c.columns.vector(0, vector + 1)],
                                epilogue: epilogue.of_rows_from(rows.start),
                                prefetch_c: true,
                            };
                            // SAFETY: A and B are packed; `Output::matrix` has checked C, this block of which belongs to
                            // this task.
                            unsafe { tile.compute_vectorized(simd) };
                        }
                    }
                }
            }
        });
    };
    let tasks = count * row_blocks.len() * column_blocks.len();
    if tasks_wanted <= 1 {
        (0..tasks).for_each(task);
    } else {
        for_each_task(tasks, &task);
    }
}

/// MC and NC, so small that there are as many tasks as wanted. They depend on the number of threads; the numbers of C do
/// not, since each is summed in the same order.
fn block_size((count, m, n): (usize, usize, usize), (mr, nr): (usize, usize), tasks_wanted: usize) -> (usize, usize) {
    let (mut mc, mut nc) = (MC, NC);
    while count * m.div_ceil(mc) * n.div_ceil(nc) < tasks_wanted {
        if m.min(mc) >= n.min(nc) && mc > mr {
            mc = m.min(mc).div_ceil(2).next_multiple_of(mr);
        } else if nc > nr {
            nc = n.min(nc).div_ceil(2).next_multiple_of(nr);
        } else {
            break;
        }
    }
    (mc, nc)
}

/// `range` in parts of nearly equal length, at most `most` and (but for the last) a multiple of `unit`; at least one.
pub fn split(range: Range<usize>, most: usize, unit: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = range.len().div_ceil(most).max(1);
    let len = range.len().div_ceil(parts).next_multiple_of(unit);
    (0..parts).map(move |p| range.end.min(range.start + p * len)..range.end.min(range.start + (p + 1) * len))
}
