//! Copies blocks of A and B to where the tiles want them: A row by row, B in panels as wide as a tile.
//!
//! A matrix, a matrix that lies transposed, and the patches of images that a convolution multiplies by its weights
//! (im2col, which never exists as a whole) are all [`Rows`]: something that can copy a part of its rows. Whether a row
//! of that is a row of the factor or a column of it is the [`Operand`]'s flag; a transpose happens here, in blocks that
//! fit into registers.
//!
//! What mattered: no division and no test per vector (a loop over the runs of a vector, unrolled when this is compiled:
//! a 64-channel 3x3 convolution by patches took 7.1 ms on one core instead of 9.6). Copying itself is bound by the
//! caches: 64 bytes take 1.7 ns from the second level to the second level and 3.1 ns from the third, in whatever order.

use super::runs::Runs;
use super::simd::{Kernel, Simd, dispatch, lanes};
use super::tile::{A_ROWS, A_STRIDE, TILE_VECTORS};
use std::ops::Range;

/// A matrix that can be copied, row by row.
pub trait Rows: Sync {
    /// Copies `columns` of `rows` to `to`, rounded up to whole vectors, `stride` numbers from row to row.
    /// The first column is the first lane of a vector, where that matters.
    fn copy(&self, rows: Range<usize>, columns: Range<usize>, to: &mut [f32], stride: usize);
}

/// One factor of a product. If it is transposed, `rows` are its columns.
pub struct Operand<R> {
    pub rows: R,
    pub transposed: bool,
}

/// Numbers of a packed panel of A.
pub const A_PANEL: usize = A_ROWS * A_STRIDE;
/// Numbers of a block that waits to be transposed.
pub const BLOCK: usize = A_PANEL;

impl<R: Rows> Operand<R> {
    /// Packs a panel of A: rows [`A_STRIDE`] apart.
    pub fn pack_a(&self, rows: Range<usize>, k: Range<usize>, to: &mut [f32], block: &mut [f32]) {
        if self.transposed {
            let (height, width) = (k.len(), rows.len());
            self.rows.copy(k, rows, block, A_ROWS);
            dispatch(Transpose { from: block, from_stride: A_ROWS, height, width, to, to_stride: A_STRIDE });
        } else {
            self.rows.copy(rows, k, to, A_STRIDE);
        }
    }

    /// Packs a panel of B: at most [`TILE_VECTORS`] vectors wide, and that far apart.
    pub fn pack_b(&self, k: Range<usize>, columns: Range<usize>, lanes: usize, to: &mut [f32], block: &mut [f32]) {
        let width = TILE_VECTORS * lanes;
        if self.transposed {
            for (v, first) in columns.clone().step_by(lanes).enumerate() {
                let columns = first..columns.end.min(first + lanes);
                let (height, to) = (columns.len(), &mut to[v * lanes..]);
                self.rows.copy(columns, k.clone(), block, A_STRIDE);
                let (from_stride, to_stride) = (A_STRIDE, width);
                dispatch(Transpose { from: block, from_stride, height, width: k.len(), to, to_stride });
            }
        } else {
            self.rows.copy(k, columns, to, width);
        }
    }
}

/// A matrix whose rows lie one after the other.
pub struct Matrix<'a> {
    pub data: &'a [f32],
    pub width: usize,
}

impl Rows for Matrix<'_> {
    fn copy(&self, rows: Range<usize>, columns: Range<usize>, to: &mut [f32], stride: usize) {
        dispatch(CopyMatrix { matrix: self, rows, columns, to, stride });
    }
}

struct CopyMatrix<'a> {
    matrix: &'a Matrix<'a>,
    rows: Range<usize>,
    columns: Range<usize>,
    to: &'a mut [f32],
    stride: usize,
}

impl Kernel for CopyMatrix<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let CopyMatrix { matrix, rows, columns, to, stride } = self;
        let (whole, rest) = (columns.len() / S::LANES, columns.len() % S::LANES);
        check_room::<S>(rows.len(), columns.len(), to, stride);
        for (r, row) in rows.enumerate() {
            let from = &matrix.data[row * matrix.width + columns.start..][..columns.len()];
            // SAFETY: `from` has these lanes, and `check_room` has made sure that `to` has room.
            unsafe {
                let (from, to) = (from.as_ptr(), to.as_mut_ptr().add(r * stride));
                for v in 0..whole {
                    S::load(from.add(v * S::LANES)).store(to.add(v * S::LANES));
                }
                if rest > 0 {
                    let vector = S::splat(0.0).load_lanes(from.add(whole * S::LANES), lanes(0, rest));
                    vector.store(to.add(whole * S::LANES));
                }
            }
        }
    }
}

/// The patches of a group of images that the taps of a convolution's kernel see: row (channel, tap), column (image,
/// pixel).
pub struct Patches<'a> {
    data: &'a [f32],
    channels: usize,
    channel_stride: usize,
    taps: usize,
    runs: &'a Runs,
}

impl<'a> Patches<'a> {
    /// `runs` has a row per tap; a channel begins `channel_stride` after the one before.
    pub fn new(data: &'a [f32], channels: usize, channel_stride: usize, taps: usize, runs: &'a Runs) -> Patches<'a> {
        let end = channels.saturating_sub(1) * channel_stride + runs.end();
        assert!(channels == 0 || end <= data.len(), "patches end at {end}, beyond {} numbers", data.len());
        Patches { data, channels, channel_stride, taps, runs }
    }
}

impl Rows for Patches<'_> {
    fn copy(&self, rows: Range<usize>, columns: Range<usize>, to: &mut [f32], stride: usize) {
        dispatch(CopyPatches { patches: self, rows, columns, to, stride });
    }
}

struct CopyPatches<'a> {
    patches: &'a Patches<'a>,
    rows: Range<usize>,
    columns: Range<usize>,
    to: &'a mut [f32],
    stride: usize,
}

impl Kernel for CopyPatches<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        check_room::<S>(self.rows.len(), self.columns.len(), self.to, self.stride);
        assert!(self.rows.end <= self.patches.channels * self.patches.taps);
        assert!(self.columns.start.is_multiple_of(S::LANES), "patches are copied from the start of a vector");
        // SAFETY: `check_room` has made sure that `to` has room.
        unsafe {
            match self.patches.runs.slots() {
                1 => self.with_slots::<S, 1>(),
                2 => self.with_slots::<S, 2>(),
                3 => self.with_slots::<S, 3>(),
                4 => self.with_slots::<S, 4>(),
                _ => self.with_slots::<S, 0>(),
            }
        }
    }
}

impl CopyPatches<'_> {
    /// `SLOTS` is the number of runs in a vector, if it is known when this is compiled, or 0.
    #[inline(always)]
    unsafe fn with_slots<S: Simd, const SLOTS: usize>(self) {
        let CopyPatches { patches, rows, columns, to, stride } = self;
        let slots = if SLOTS > 0 { SLOTS } else { patches.runs.slots() };
        let vectors = columns.start / S::LANES..columns.end.div_ceil(S::LANES);
        let (mut channel, mut tap) = (rows.start / patches.taps.max(1), rows.start % patches.taps.max(1));
        for r in 0..rows.len() {
            let plane = patches.data.as_ptr().wrapping_add(channel * patches.channel_stride);
            let runs = patches.runs.vectors(tap, vectors.clone());
            for (v, runs) in runs.chunks_exact(slots).enumerate() {
                // SAFETY: `Patches::new` made sure that all runs of all channels lie in the data; the caller, that `to`
                // has room.
                unsafe {
                    let mut vector = S::splat(0.0);
                    for run in runs {
                        vector = vector.load_lanes(plane.wrapping_offset(run.at as isize), run.lanes);
                    }
                    vector.store(to.as_mut_ptr().add(r * stride + v * S::LANES));
                }
            }
            tap += 1;
            if tap == patches.taps {
                (channel, tap) = (channel + 1, 0);
            }
        }
    }
}

/// Whether rows, rounded up to whole vectors, fit into `to`.
#[inline(always)]
fn check_room<S: Simd>(rows: usize, columns: usize, to: &[f32], stride: usize) {
    let width = columns.next_multiple_of(S::LANES);
    let room = rows <= 1 || width <= stride;
    assert!(rows == 0 || room && (rows - 1) * stride + width <= to.len(), "{rows} rows of {width} do not fit");
}

/// Turns a block; both sides are rounded up to whole vectors.
struct Transpose<'a> {
    from: &'a [f32],
    from_stride: usize,
    height: usize,
    width: usize,
    to: &'a mut [f32],
    to_stride: usize,
}

impl Kernel for Transpose<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Transpose { from, from_stride, height, width, to, to_stride } = self;
        let (height, width) = (height.next_multiple_of(S::LANES), width.next_multiple_of(S::LANES));
        assert!(height == 0 || width == 0 || from.len() >= (height - 1) * from_stride + width);
        assert!(height == 0 || width == 0 || to.len() >= (width - 1) * to_stride + height);
        for j in (0..width).step_by(S::LANES) {
            for i in (0..height).step_by(S::LANES) {
                // SAFETY: both blocks lie within `from` and `to`, as checked above.
                unsafe {
                    let from = from.as_ptr().add(i * from_stride + j);
                    S::transpose(from, from_stride, to.as_mut_ptr().add(j * to_stride + i), to_stride);
                }
            }
        }
    }
}
