//! The innermost loop of every matmul and convolution: a tile of C stays in registers while k goes by.
//!
//! ```text
//!                 B: k rows, two vectors wide        for each of the k rows of B:
//!                ┌───────┬───────┐                       load its two vectors,
//!                │ b0    │ b1    │                       for each row of A:
//!                └───────┴───────┘                           broadcast one number a and
//!   A: 14 rows   ┌───────┬───────┐                           c0 += a b0,  c1 += a b1
//!   ┌─ k ───┐    │ c0    │ c1    │
//!   │ a ... │    │  28 vectors   │                   16 loads feed 28 multiply-adds (AVX-512), so the two
//!   └───────┘    └───────┴───────┘                   multipliers never wait; 8 loads feed 12 with AVX2.
//! ```
//!
//! What mattered: all loops over rows and vectors are unrolled, so that `sums` never leaves its registers; storing
//! straight from them, instead of adding what C holds to an array first, is worth 2 %.
//!
//! A lies row by row, [`A_STRIDE`] apart: a constant, so one pointer and constant offsets reach all rows, and packing
//! A is copying. Every number of C is summed over k in the same order whatever tile it falls into.

use super::runs::Run;
use super::simd::{Kernel, Simd, dispatch};

/// The most that one tile sums over; longer sums are made of several, through memory.
pub const K_BLOCK: usize = 256;
/// Numbers between rows of packed A. Not a power of two: 14 rows must not meet in the same lines of the cache.
pub const A_STRIDE: usize = K_BLOCK + 16;
/// The most rows a tile has at any level, rounded up to whole vectors.
pub const A_ROWS: usize = 16;
/// Vectors side by side in a tile.
pub const TILE_VECTORS: usize = 2;

/// What C is before the products are added.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    Zero,
    /// What is in memory.
    Itself,
    /// A number for each row of the tile.
    Rows(&'a [f32]),
    /// A number for each column of C.
    Columns(&'a [f32]),
}

/// One tile's work: C (rows, columns) = start + A (rows, k) B (k, columns).
pub struct Tile<'a> {
    pub rows: usize,
    pub k: usize,
    /// Rows of A, [`A_STRIDE`] apart.
    pub a: &'a [f32],
    /// Rows of B, `b_stride` apart.
    pub b: &'a [f32],
    pub b_stride: usize,
    /// Where the tile's first row of C begins, and how far apart the rows are.
    pub c: *mut f32,
    pub c_stride: usize,
    /// For each vector of the tile, where its lanes lie in a row of C.
    pub columns: [&'a [Run]; TILE_VECTORS],
    pub start: Start<'a>,
}

impl Tile<'_> {
    /// Does the tile's work.
    ///
    /// # Safety
    /// All of C's numbers that `rows` and `columns` name can be written, and nobody else uses them now.
    pub unsafe fn fill(self) {
        dispatch(Fill(self));
    }
}

/// A tile whose C may be written: only [`Tile::fill`] makes one.
struct Fill<'a>(Tile<'a>);

impl Kernel for Fill<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let tile = self.0;
        assert!(tile.k <= K_BLOCK && tile.a.len() >= (tile.rows - 1) * A_STRIDE + tile.k);
        let wide = !tile.columns[1].is_empty();
        let b_width = if wide { TILE_VECTORS * S::LANES } else { S::LANES };
        assert!(tile.k == 0 || tile.b.len() >= (tile.k - 1) * tile.b_stride + b_width);
        // SAFETY: A and B are as long as `sums` reads; C as `fill`'s caller promised.
        unsafe { if wide { tile.with_width::<S, 2>() } else { tile.with_width::<S, 1>() } }
    }
}

#[allow(clippy::needless_range_loop)] // i and j are rows and vectors everywhere here
impl Tile<'_> {
    #[inline(always)]
    unsafe fn with_width<S: Simd, const VECTORS: usize>(self) {
        // SAFETY: as for `Fill::run`.
        unsafe {
            match self.rows {
                1 => self.with_rows::<S, 1, VECTORS>(),
                2 => self.with_rows::<S, 2, VECTORS>(),
                3 => self.with_rows::<S, 3, VECTORS>(),
                4 => self.with_rows::<S, 4, VECTORS>(),
                5 => self.with_rows::<S, 5, VECTORS>(),
                6 => self.with_rows::<S, 6, VECTORS>(),
                7 => self.with_rows::<S, 7, VECTORS>(),
                8 => self.with_rows::<S, 8, VECTORS>(),
                9 => self.with_rows::<S, 9, VECTORS>(),
                10 => self.with_rows::<S, 10, VECTORS>(),
                11 => self.with_rows::<S, 11, VECTORS>(),
                12 => self.with_rows::<S, 12, VECTORS>(),
                13 => self.with_rows::<S, 13, VECTORS>(),
                14 => self.with_rows::<S, 14, VECTORS>(),
                rows => unreachable!("a tile of {rows} rows"),
            }
        }
    }

    #[inline(always)]
    unsafe fn with_rows<S: Simd, const ROWS: usize, const VECTORS: usize>(self) {
        if ROWS > S::TILE_ROWS {
            unreachable!("a tile of {ROWS} rows needs more registers"); // and is not even compiled
        }
        let first: &[f32; ROWS] = match self.start {
            Start::Rows(bias) => bias.first_chunk().expect("a number for each row"),
            _ => &[0.0; ROWS],
        };
        // SAFETY: `Fill::run` has checked A and B; C is as `fill`'s caller promised.
        unsafe {
            for i in 0..ROWS {
                for run in self.columns[..VECTORS].iter().filter_map(|runs| runs.first()) {
                    S::prefetch(self.c.wrapping_offset(run.at as isize).wrapping_add(i * self.c_stride));
                }
            }
            let sums = self.sums::<S, ROWS, VECTORS>(first);
            match self.start {
                Start::Zero | Start::Rows(_) => self.store(sums, None),
                Start::Itself => self.store(sums, Some((self.c, self.c_stride))),
                Start::Columns(bias) => self.store(sums, Some((bias.as_ptr(), 0))),
            }
        }
    }

    #[inline(always)]
    unsafe fn sums<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        first: &[f32; ROWS],
    ) -> [[S; VECTORS]; ROWS] {
        // SAFETY: `Fill::run` has checked that A and B are long enough.
        unsafe {
            let mut sums = [[S::splat(0.0); VECTORS]; ROWS];
            for i in 0..ROWS {
                sums[i] = [S::splat(first[i]); VECTORS];
            }
            let (mut a, mut b) = (self.a.as_ptr(), self.b.as_ptr());
            for _ in 0..self.k {
                let mut row = [S::splat(0.0); VECTORS];
                for j in 0..VECTORS {
                    row[j] = S::load(b.add(j * S::LANES));
                }
                for i in 0..ROWS {
                    let number = S::splat(*a.add(i * A_STRIDE));
                    for j in 0..VECTORS {
                        sums[i][j] = number.mul_add(row[j], sums[i][j]);
                    }
                }
                a = a.add(1);
                b = b.wrapping_add(self.b_stride);
            }
            sums
        }
    }

    /// Writes the sums to C, after adding rows that lie like C's: where they begin, and how far apart they are.
    #[inline(always)]
    unsafe fn store<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        sums: [[S; VECTORS]; ROWS],
        plus: Option<(*const f32, usize)>,
    ) {
        for j in 0..VECTORS {
            for run in self.columns[j].iter().take_while(|run| run.lanes != 0) {
                let c = self.c.wrapping_offset(run.at as isize);
                for i in 0..ROWS {
                    // SAFETY: these are numbers of C; and to add, of C or of a bias with a number for each column.
                    unsafe {
                        let mut sum = sums[i][j];
                        if let Some((start, stride)) = plus {
                            let start = start.wrapping_offset(run.at as isize).wrapping_add(i * stride);
                            sum = sum.add(S::splat(0.0).load_lanes(start, run.lanes));
                        }
                        sum.store_lanes(c.wrapping_add(i * self.c_stride), run.lanes);
                    }
                }
            }
        }
    }
}
