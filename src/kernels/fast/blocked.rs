//! The loops around the tile: C (m, n) += A (m, k) B (k, n), in blocks that stay in the caches (Goto and van de Geijn,
//! "Anatomy of high-performance matrix multiplication", 2008). From the outside in:
//!
//! 1. blocks of C, in parallel: each number of C belongs to one thread;
//! 2. blocks of [`K_BLOCK`] of k: that part of B is packed, and stays in the second-level cache;
//! 3. a few rows of A, packed: they stay in the first-level cache
//! 4. while B's panels stream by, one tile of C for each.

use super::pack::{BLOCK, Operand, Rows, b_room};
use super::runs::Runs;
use super::simd::geometry;
use super::tile::{A_ROWS, A_STRIDE, K_BLOCK, Start, TILE_VECTORS, Tile};
use crate::pool::Buffer;
use rayon::prelude::*;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::Range;

/// Columns of B that are packed at once: K_BLOCK x 512 numbers are half a megabyte.
const COLUMN_BLOCK: usize = 512;
/// Rows of C in one task: enough to be worth packing B for them.
const ROW_BLOCK: usize = 504;
/// Multiply-adds that are worth a task of their own.
const TASK: usize = 1 << 20;

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
    assert!(rows.end <= c.rows && columns.len() <= COLUMN_BLOCK);
    SCRATCH.with_borrow_mut(|scratch| {
        let room = b_room(COLUMN_BLOCK, lanes);
        let scratch = scratch.get_or_insert_with(|| Scratch {
            a: Buffer::scratch(A_ROWS * A_STRIDE),
            b: Buffer::scratch(room),
            block: Buffer::scratch(BLOCK.max(A_ROWS * K_BLOCK)),
        });
        let mut from = 0;
        loop {
            let ks = from..k.min(from + k_block(k));
            let panel = ks.len().next_multiple_of(lanes) * width;
            b.pack_b(ks.clone(), columns.clone(), lanes, &mut scratch.b, panel, &mut scratch.block);
            for some in split(rows.clone(), tile_rows, 1) {
                a.pack_a(some.clone(), ks.clone(), lanes, &mut scratch.a, &mut scratch.block);
                for (p, column) in columns.clone().step_by(width).enumerate() {
                    let start = match plus {
                        _ if from > 0 => Start::Itself,
                        Plus::Nothing => Start::Zero,
                        Plus::Itself => Start::Itself,
                        Plus::Rows(bias) => Start::Rows(&bias[some.clone()]),
                        Plus::Columns(bias) => Start::Columns(bias),
                    };
                    let vector = column / lanes;
                    let tile = Tile {
                        rows: some.len(),
                        k: ks.len(),
                        a: &scratch.a,
                        b: &scratch.b[p * panel..],
                        b_stride: width,
                        c: c.start.wrapping_add(some.start * c.row_stride),
                        c_stride: c.row_stride,
                        columns: [c.columns.vector(0, vector), c.columns.vector(0, vector + 1)],
                        start,
                    };
                    // SAFETY: `Output::at` has checked the bounds; nobody else is there, as the caller promises.
                    unsafe { tile.fill() };
                }
            }
            from = ks.end;
            if from >= k {
                return;
            }
        }
    });
}

/// k in equal blocks of whole vectors.
fn k_block(k: usize) -> usize {
    k.div_ceil(k.div_ceil(K_BLOCK).max(1)).next_multiple_of(16)
}

/// `range` in parts of nearly equal length, at most `most` and (but for the last) a multiple of `unit`.
fn split(range: Range<usize>, most: usize, unit: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    let parts = range.len().div_ceil(most).max(1);
    let len = range.len().div_ceil(parts).next_multiple_of(unit).max(1);
    range.clone().step_by(len).map(move |start| start..range.end.min(start + len))
}

/// Calls `work` with blocks of C that cover all of `count` products (m, n), in parallel if that pays.
pub fn for_each_block(
    count: usize,
    (m, n, k): (usize, usize, usize),
    work: impl Fn(usize, Range<usize>, Range<usize>) + Sync,
) {
    let (lanes, tile_rows) = geometry();
    let tile = TILE_VECTORS * lanes;
    let (mut height, mut width) = (ROW_BLOCK, COLUMN_BLOCK);
    let size = |height: usize, width: usize| count * m.div_ceil(height) * n.div_ceil(width);
    let wanted = (count * m * n * k / TASK).min(8);
    while size(height, width) < wanted {
        if height.min(m) >= width.min(n) && height > tile_rows {
            height = (height.min(m)).div_ceil(2).next_multiple_of(tile_rows);
        } else if width > tile {
            width = width.min(n).div_ceil(2).next_multiple_of(tile);
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
