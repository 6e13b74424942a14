//! Copies blocks of A and B to where the tiles want them: A row by row, B in panels as wide as a tile.
//!
//! A matrix, a matrix that lies transposed, and the patches of images that a convolution multiplies by its weights
//! (im2col, which never exists as a whole) are all [`Rows`]: something that can copy a part of its rows. Whether a row
//! of that is a row of the factor or a column of it is the [`Operand`]'s flag; a transpose happens here, in blocks that
//! fit into registers.

use super::runs::Runs;
use super::simd::{Kernel, Simd, dispatch, lanes};
use super::tile::{A_ROWS, A_STRIDE, K_BLOCK, TILE_VECTORS};
use std::ops::Range;

/// A matrix that can be copied, row by row.
pub trait Rows: Sync {
    /// Copies `columns` of `rows` to `to`, rounded up to whole vectors (with anything).
    /// The first column is the first lane of a vector, where that matters.
    fn copy(&self, rows: Range<usize>, columns: Range<usize>, to: &mut [f32], layout: Layout);
}

/// Vector v of row r goes to `r * row + v * LANES` within panel `v / panel_vectors`.
#[derive(Clone, Copy)]
pub struct Layout {
    pub row: usize,
    pub panel: usize,
    pub panel_vectors: usize,
}

/// One factor of a product. If it is transposed, `rows` are its columns.
pub struct Operand<R> {
    pub rows: R,
    pub transposed: bool,
}

/// Numbers between the rows of a block that waits to be transposed.
const BLOCK_STRIDE: usize = A_STRIDE;
/// Numbers in such a block.
pub const BLOCK: usize = A_ROWS * BLOCK_STRIDE;

impl<R: Rows> Operand<R> {
    /// Packs rows of A, for `k`: each [`A_STRIDE`] after the other.
    pub fn pack_a(&self, rows: Range<usize>, k: Range<usize>, lanes: usize, to: &mut [f32], block: &mut [f32]) {
        if self.transposed {
            let (height, width) = (k.len(), rows.len().next_multiple_of(lanes));
            self.rows.copy(k, rows, block, Layout { row: A_ROWS, panel: 0, panel_vectors: usize::MAX });
            dispatch(Transpose { from: block, from_stride: A_ROWS, height, width, to, to_stride: A_STRIDE });
        } else {
            self.rows.copy(rows, k, to, Layout { row: A_STRIDE, panel: 0, panel_vectors: usize::MAX });
        }
    }

    /// Packs columns of B, for `k`: panels of [`TILE_VECTORS`] vectors, `panel` numbers apart.
    pub fn pack_b(
        &self,
        k: Range<usize>,
        columns: Range<usize>,
        lanes: usize,
        to: &mut [f32],
        panel: usize,
        block: &mut [f32],
    ) {
        let row = TILE_VECTORS * lanes;
        if self.transposed {
            for (v, first) in columns.clone().step_by(lanes).enumerate() {
                let (height, width) = (columns.end.min(first + lanes) - first, k.len());
                let layout = Layout { row: BLOCK_STRIDE, panel: 0, panel_vectors: usize::MAX };
                self.rows.copy(first..first + height, k.clone(), block, layout);
                let to = &mut to[v / TILE_VECTORS * panel + v % TILE_VECTORS * lanes..];
                dispatch(Transpose { from: block, from_stride: BLOCK_STRIDE, height, width, to, to_stride: row });
            }
        } else {
            self.rows.copy(k, columns, to, Layout { row, panel, panel_vectors: TILE_VECTORS });
        }
    }
}

/// A matrix whose rows lie one after the other.
pub struct Matrix<'a> {
    pub data: &'a [f32],
    pub width: usize,
}

impl Rows for Matrix<'_> {
    fn copy(&self, rows: Range<usize>, columns: Range<usize>, to: &mut [f32], layout: Layout) {
        dispatch(CopyMatrix { matrix: self, rows, columns, to, layout });
    }
}

struct CopyMatrix<'a> {
    matrix: &'a Matrix<'a>,
    rows: Range<usize>,
    columns: Range<usize>,
    to: &'a mut [f32],
    layout: Layout,
}

impl Kernel for CopyMatrix<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let CopyMatrix { matrix, rows, columns, to, layout } = self;
        let vectors = columns.len().div_ceil(S::LANES);
        layout.check::<S>(rows.len(), vectors, to.len());
        for (r, row) in rows.enumerate() {
            let from = &matrix.data[row * matrix.width + columns.start..][..columns.len()];
            for v in 0..vectors {
                // SAFETY: `from` has these lanes, and `check` has made sure that `to` has room.
                unsafe {
                    let from = from.as_ptr().add(v * S::LANES);
                    let to = to.as_mut_ptr().add(layout.place::<S>(r, v));
                    let left = columns.len() - v * S::LANES;
                    if left >= S::LANES {
                        S::load(from).store(to);
                    } else {
                        S::splat(0.0).load_lanes(from, lanes(0, left)).store(to);
                    }
                }
            }
        }
    }
}

/// The patches of a group of images that the taps of a convolution's kernel see: row (channel, tap), column (image,
/// pixel).
pub struct Patches<'a> {
    data: &'a [f32],
    channel_stride: usize,
    taps: usize,
    runs: &'a Runs,
}

impl<'a> Patches<'a> {
    /// `runs` has a row per tap; a channel begins `channel_stride` after the one before.
    pub fn new(data: &'a [f32], channels: usize, channel_stride: usize, taps: usize, runs: &'a Runs) -> Patches<'a> {
        let end = channels.saturating_sub(1) * channel_stride + runs.end();
        assert!(channels == 0 || end <= data.len(), "patches end at {end}, beyond {} numbers", data.len());
        Patches { data, channel_stride, taps, runs }
    }
}

impl Rows for Patches<'_> {
    fn copy(&self, rows: Range<usize>, columns: Range<usize>, to: &mut [f32], layout: Layout) {
        dispatch(CopyPatches { patches: self, rows, columns, to, layout });
    }
}

struct CopyPatches<'a> {
    patches: &'a Patches<'a>,
    rows: Range<usize>,
    columns: Range<usize>,
    to: &'a mut [f32],
    layout: Layout,
}

impl Kernel for CopyPatches<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let CopyPatches { patches, rows, columns, to, layout } = self;
        let vectors = columns.len().div_ceil(S::LANES);
        layout.check::<S>(rows.len(), vectors, to.len());
        assert!(columns.start % S::LANES == 0, "patches are copied from the start of a vector");
        let first = columns.start / S::LANES;
        for panel in (0..vectors).step_by(layout.panel_vectors.min(vectors)) {
            let panel_end = panel.saturating_add(layout.panel_vectors).min(vectors);
            let (mut channel, mut tap) = (rows.start / patches.taps, rows.start % patches.taps);
            for r in 0..rows.len() {
                let plane = patches.data.as_ptr().wrapping_add(channel * patches.channel_stride);
                for v in panel..panel_end {
                    // SAFETY: `Patches::new` made sure that all runs of all channels lie in the data, and `check` that
                    // `to` has room.
                    unsafe {
                        let mut vector = S::splat(0.0);
                        for run in patches.runs.vector(tap, first + v) {
                            vector = vector.load_lanes(plane.wrapping_offset(run.at as isize), run.lanes);
                        }
                        vector.store(to.as_mut_ptr().add(layout.place::<S>(r, v)));
                    }
                }
                tap += 1;
                if tap == patches.taps {
                    (channel, tap) = (channel + 1, 0);
                }
            }
        }
    }
}

impl Layout {
    #[inline(always)]
    fn place<S: Simd>(&self, row: usize, vector: usize) -> usize {
        let (panel, v) = (vector / self.panel_vectors, vector % self.panel_vectors);
        panel * self.panel + row * self.row + v * S::LANES
    }

    fn check<S: Simd>(&self, rows: usize, vectors: usize, room: usize) {
        let panel = vectors.min(self.panel_vectors) * S::LANES;
        assert!(panel <= self.row || rows <= 1, "rows of {panel} numbers, {} apart", self.row);
        let end = vectors.saturating_sub(1) / self.panel_vectors * self.panel + rows.saturating_sub(1) * self.row;
        assert!(
            rows == 0 || vectors == 0 || end + panel <= room,
            "a block of {} numbers does not fit {room}",
            end + panel
        );
    }
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

/// Numbers of scratch that a block of B takes.
pub fn b_room(columns: usize, lanes: usize) -> usize {
    columns.next_multiple_of(TILE_VECTORS * lanes) * K_BLOCK
}
