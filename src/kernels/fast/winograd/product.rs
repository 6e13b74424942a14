//! The matrix products at the points, on numbers that lie in blocks of 16 channels.

use super::points::POINTS;
use crate::kernels::fast::simd::Simd;
use std::ops::Range;

/// Channels in a block: one cache line.
pub const BLOCK: usize = 16;

/// Where numbers lie: for each point and block of channels, rows of [`BLOCK`] numbers.
#[derive(Clone, Copy)]
pub struct Layout {
    pub rows: usize,
    /// Numbers from point to point.
    pub point: usize,
    /// Numbers from block to block.
    pub block: usize,
    /// Numbers in all.
    pub len: usize,
}

/// Points of a tile.
const COUNT: usize = POINTS * POINTS;
/// A cache line between points, since so many streams a power of two apart would meet in the same lines of the cache.
const GAP: usize = BLOCK;

impl Layout {
    /// (point, block, row): for the tiles of images.
    pub fn by_point(blocks: usize, rows: usize) -> Layout {
        let point = blocks * rows * BLOCK + GAP;
        Layout { rows, point, block: rows * BLOCK, len: COUNT * point }
    }

    /// (block, point, row): for weights, each block of which is made at once.
    pub fn by_block(blocks: usize, rows: usize) -> Layout {
        let point = rows * BLOCK + GAP;
        Layout { rows, point, block: COUNT * point, len: blocks * COUNT * point }
    }
}

/// Row i, step k of A is number i * ROW + k * STEP of its part: rows are tiles and steps are channels, or the other
/// way round.
pub trait Sides {
    const ROW: usize;
    const STEP: usize;
}

/// Rows are tiles.
pub struct TilesByChannels;

impl Sides for TilesByChannels {
    const ROW: usize = BLOCK;
    const STEP: usize = 1;
}

/// Rows are channels.
pub struct ChannelsByTiles;

impl Sides for ChannelsByTiles {
    const ROW: usize = 1;
    const STEP: usize = BLOCK;
}

/// C = A B, or C += A B, where B and C lie in blocks of columns.
#[derive(Clone, Copy)]
pub struct Product {
    pub a: *const f32,
    /// A's steps are `parts` parts of `steps` each, which lie `a_part` numbers apart.
    pub parts: usize,
    pub steps: usize,
    pub a_part: usize,
    /// Step k of B is row k.
    pub b: *const f32,
    pub b_block: usize,
    pub c: *mut f32,
    pub c_block: usize,
    pub add: bool,
}

impl Product {
    /// Does the work for `rows` of A and C, which are within 0..16 if rows are channels, and for vectors `vectors` of B
    /// and C, one or two.
    ///
    /// # Safety
    /// The CPU has the instructions of `S`, and A, B and C have all numbers that these sizes name; nobody else uses C's.
    #[inline(always)]
    pub unsafe fn run<S: Simd, A: Sides>(&self, rows: Range<usize>, vectors: Range<usize>) {
        let panels = rows.len().div_ceil(S::TILE_ROWS);
        let cut = |panel: usize| rows.start + rows.len() * panel / panels;
        for panel in 0..panels {
            let (first, height) = (cut(panel), cut(panel + 1) - cut(panel));
            // SAFETY: as the caller promises.
            unsafe {
                if vectors.len() == 2 {
                    self.tile::<S, A, 2>(first, height, vectors.start);
                } else {
                    self.tile::<S, A, 1>(first, height, vectors.start);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<S: Simd, A: Sides, const VECTORS: usize>(&self, first: usize, rows: usize, vector: usize) {
        // SAFETY: as the caller of `run` promises.
        unsafe {
            match rows {
                1 => self.sums::<S, A, 1, VECTORS>(first, vector),
                2 => self.sums::<S, A, 2, VECTORS>(first, vector),
                3 => self.sums::<S, A, 3, VECTORS>(first, vector),
                4 => self.sums::<S, A, 4, VECTORS>(first, vector),
                5 => self.sums::<S, A, 5, VECTORS>(first, vector),
                6 => self.sums::<S, A, 6, VECTORS>(first, vector),
                7 => self.sums::<S, A, 7, VECTORS>(first, vector),
                8 => self.sums::<S, A, 8, VECTORS>(first, vector),
                9 => self.sums::<S, A, 9, VECTORS>(first, vector),
                10 => self.sums::<S, A, 10, VECTORS>(first, vector),
                11 => self.sums::<S, A, 11, VECTORS>(first, vector),
                12 => self.sums::<S, A, 12, VECTORS>(first, vector),
                13 => self.sums::<S, A, 13, VECTORS>(first, vector),
                14 => self.sums::<S, A, 14, VECTORS>(first, vector),
                _ => unreachable!("a tile of {rows} rows"),
            }
        }
    }

    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // i and j are rows and vectors
    unsafe fn sums<S: Simd, A: Sides, const ROWS: usize, const VECTORS: usize>(&self, first: usize, vector: usize) {
        if ROWS > S::TILE_ROWS {
            unreachable!("a tile of {ROWS} rows needs more registers"); // and is not even compiled
        }
        // SAFETY: as the caller of `run` promises.
        unsafe {
            let place = |j: usize, block: usize| {
                let number = (vector + j) * S::LANES;
                number / BLOCK * block + number % BLOCK
            };
            let zero = S::splat(0.0);
            let mut sums = [[zero; VECTORS]; ROWS];
            let mut b = [self.b; VECTORS];
            let mut c = [self.c.add(first * BLOCK); VECTORS];
            for j in 0..VECTORS {
                b[j] = b[j].add(place(j, self.b_block));
                c[j] = c[j].add(place(j, self.c_block));
            }
            for part in 0..self.parts {
                let mut a = self.a.add(part * self.a_part + first * A::ROW);
                for _ in 0..self.steps {
                    let mut row = [zero; VECTORS];
                    for j in 0..VECTORS {
                        row[j] = S::load(b[j]);
                        b[j] = b[j].add(BLOCK);
                    }
                    for i in 0..ROWS {
                        let number = S::splat(*a.add(i * A::ROW));
                        for j in 0..VECTORS {
                            sums[i][j] = number.mul_add(row[j], sums[i][j]);
                        }
                    }
                    a = a.add(A::STEP);
                }
            }
            for i in 0..ROWS {
                for j in 0..VECTORS {
                    let c = c[j].add(i * BLOCK);
                    let sum = if self.add { sums[i][j].add(S::load(c)) } else { sums[i][j] };
                    sum.store(c);
                }
            }
        }
    }
}
