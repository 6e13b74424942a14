//! The loops around the tile: C (m, n) += A (m, k) B (k, n), in blocks that stay in the caches (Goto and van de Geijn,
//! "Anatomy of high-performance matrix multiplication", 2008). From the outside in:
//!
//! 1. blocks of C, in parallel: each number of C belongs to one thread;
//! 2. blocks of [`K_BLOCK`] of k: that part of B is packed, and stays in the second-level cache;
//! 3. a few rows of A, packed: they stay in the first-level cache
//! 4. while B's panels stream by, one tile of C for each.
//!
//! Of the time that 512 x 512 x 512 takes on one core (1.8 ms), 82 % is the tiles' inner loop, which runs at the
//! multiply-add peak, 9 % is packing and 8 % is beginning and storing tiles. Tried without gain: blocks of k of 192, 320,
//! 384 and 512; the loops 3 and 4 exchanged (B's panel in the first-level cache: 1024 takes 16.2 instead of 14.9 ms);
//! asking for the next panel's numbers in advance.

use super::pack::{A_PANEL, BLOCK, Operand, Rows};
use super::runs::Runs;
use super::simd::geometry;
use super::tile::{K_BLOCK, Start, TILE_VECTORS, Tile};
use crate::pool::Buffer;
use rayon::prelude::*;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::Range;

/// Columns of B that are packed at once: K_BLOCK x 512 numbers are half a megabyte.
const COLUMN_BLOCK: usize = 512;
/// Rows of C in one task: enough to be worth packing B for them, and whole tiles at any level.
const ROW_BLOCK: usize = 588;
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

// SAFETY: the only access is by `block`, whose callers give each part to one thread.
unsafe impl Sync for Output<'_> {}

/// Where a matrix C lies in an output.
pub struct Place<'a> {
    start: *mut f32,
    rows: usize,
    row_stride: usize,
    /// Where the columns lie in a row.
    columns: &'a Runs,
}

impl<'a> Output<'a> {
    pub fn new(data: &'a mut [f32]) -> Output<'a> {
        Output { data: data.as_mut_ptr(), len: data.len(), borrowed: PhantomData }
    }

    /// A matrix of `rows` rows, `row_stride` apart, the first of which begins at `start`.
    pub fn at(&'a self, start: usize, rows: usize, row_stride: usize, columns: &'a Runs) -> Place<'a> {
        let end = start + rows.saturating_sub(1) * row_stride + columns.end();
        assert!(end <= self.len || rows == 0, "C ends at {end}, beyond {} numbers", self.len);
        Place { start: self.data.wrapping_add(start), rows, row_stride, columns }
    }
}

/// What is added to the product.
#[derive(Clone, Copy)]
pub enum Plus<'a> {
    Nothing,
    /// What C holds.
    Itself,
    /// A number for each row.
    Rows(&'a [f32]),
    /// A number for each column.
    Columns(&'a [f32]),
}

/// Where a thread packs.
struct Scratch {
    a: Buffer,
    b: Buffer,
    block: Buffer,
}

thread_local! {
    static SCRATCH: RefCell<Option<Scratch>> = const { RefCell::new(None) };
}

/// C [rows, columns] = A B + plus. Columns begin at a whole tile.
///
/// # Safety
/// Nobody else reads or writes these rows and columns of C meanwhile.
pub unsafe fn block<A: Rows, B: Rows>(
    a: &Operand<A>,
    b: &Operand<B>,
    k: usize,
    plus: Plus,
    c: &Place,
    rows: Range<usize>,
    columns: Range<usize>,
) {
    let (lanes, tile_rows) = geometry();
    let width = TILE_VECTORS * lanes;
    let b_panel = K_BLOCK * width;
    assert!(rows.end <= c.rows && rows.len() <= ROW_BLOCK && columns.len() <= COLUMN_BLOCK);
    let row_panels: Vec<Range<usize>> = split(rows.clone(), tile_rows, 1).collect();
    let column_panels = columns.clone().step_by(width).map(|start| start..columns.end.min(start + width));
    let tile = |rows: &Range<usize>, columns: &Range<usize>, ks: &Range<usize>, a: &[f32], b: &[f32]| {
        let start = match plus {
            _ if ks.start > 0 => Start::Itself,
            Plus::Nothing => Start::Zero,
            Plus::Itself => Start::Itself,
            Plus::Rows(bias) => Start::Rows(&bias[rows.clone()]),
            Plus::Columns(bias) => Start::Columns(bias),
        };
        let (c_start, vector) = (c.start.wrapping_add(rows.start * c.row_stride), columns.start / lanes);
        let columns = [c.columns.vector(0, vector), c.columns.vector(0, vector + 1)];
        let tile = Tile {
            rows: rows.len(),
            k: ks.len(),
            a,
            b,
            b_stride: width,
            c: c_start,
            c_stride: c.row_stride,
            columns,
            start,
        };
        // SAFETY: `Output::at` has checked the bounds; nobody else is there, as the caller promises.
        unsafe { tile.fill() };
    };
    SCRATCH.with_borrow_mut(|scratch| {
        let Scratch { a: packed_a, b: packed_b, block } = scratch.get_or_insert_with(|| Scratch {
            a: Buffer::scratch(A_PANEL),
            b: Buffer::scratch(COLUMN_BLOCK.div_ceil(width) * b_panel),
            block: Buffer::scratch(BLOCK),
        });
        for ks in split(0..k, K_BLOCK, 16) {
            for (columns, to) in column_panels.clone().zip(packed_b.chunks_mut(b_panel)) {
                b.pack_b(ks.clone(), columns, lanes, to, block);
            }
            for rows in &row_panels {
                a.pack_a(rows.clone(), ks.clone(), packed_a, block);
                for (columns, b) in column_panels.clone().zip(packed_b.chunks(b_panel)) {
                    tile(rows, &columns, &ks, packed_a, b);
                }
            }
        }
    });
}

/// `range` in parts of nearly equal length, at most `most` and (but for the last) a multiple of `unit`; at least one.
fn split(range: Range<usize>, most: usize, unit: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = range.len().div_ceil(most).max(1);
    let len = range.len().div_ceil(parts).next_multiple_of(unit);
    (0..parts).map(move |p| range.end.min(range.start + p * len)..range.end.min(range.start + (p + 1) * len))
}

/// Calls `work` with blocks of C that cover all of `count` products (m, n), in parallel if that pays. Into how many
/// blocks C is cut depends on the number of threads; its numbers do not, since each is summed in the same order.
pub fn for_each_block(
    count: usize,
    (m, n, k): (usize, usize, usize),
    work: impl Fn(usize, Range<usize>, Range<usize>) + Sync,
) {
    if count * m * n == 0 {
        return;
    }
    let (lanes, tile_rows) = geometry();
    let tile = TILE_VECTORS * lanes;
    let (mut height, mut width) = (ROW_BLOCK, COLUMN_BLOCK);
    let wanted = (count * m * n * (k + WRITING) / TASK).min(TASKS_PER_THREAD * rayon::current_num_threads());
    while count * m.div_ceil(height) * n.div_ceil(width) < wanted {
        if m.min(height) >= n.min(width) && height > tile_rows {
            height = m.min(height).div_ceil(2).next_multiple_of(tile_rows);
        } else if width > tile {
            width = n.min(width).div_ceil(2).next_multiple_of(tile);
        } else {
            break;
        }
    }
    let rows: Vec<_> = split(0..m, height, tile_rows).collect();
    let columns: Vec<_> = split(0..n, width, tile).collect();
    let task = |t: usize| {
        let (t, column) = (t / columns.len(), &columns[t % columns.len()]);
        work(t / rows.len(), rows[t % rows.len()].clone(), column.clone());
    };
    let tasks = count * rows.len() * columns.len();
    if wanted <= 1 {
        (0..tasks).for_each(task);
    } else {
        (0..tasks).into_par_iter().with_max_len(1).for_each(task);
    }
}
