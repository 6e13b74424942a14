//! Packing: copies parts of A and B to where the micro-kernel reads them, A row by row and B in panels of NR columns.
//!
//! A matrix, a transposed matrix, and the im2col matrix of a convolution (which never exists as a whole) are all
//! [`Rows`]: something that can copy a part of its rows. A factor whose rows are the columns of what is copied is
//! transposed here, in blocks that fit into registers; so matmul reads transposed matrices as they are.
//!
//! What mattered: no division and no test per vector. Copying itself is bound by the caches: 64 bytes take 1.7 ns from
//! the second level to the second level and 3.1 ns from the third, in whatever order.

use super::gemm::{KC, MC};
use super::micro_kernel::NR_VECTORS;
use super::prefetch::Prefetch;
use super::simd::{MOST_LANES, Simd, lanes, vectorize};
use std::ops::Range;

/// Numbers between rows of packed A. Not a power of two: 14 rows must not meet in the same lines of the cache.
pub const A_STRIDE: usize = KC + 16;
/// Numbers of a packed block of A.
pub const A_BLOCK: usize = (MC + MOST_LANES) * A_STRIDE;
/// Numbers of what waits to be transposed: a vector's lanes of rows of A (MC), or of B ([`A_STRIDE`]).
pub const TRANSPOSE_BLOCK: usize = MOST_LANES * (MC + MOST_LANES);
/// Rows of B that are packed before the next panel's.
const TOGETHER: usize = 16;

/// A matrix that can be copied, row by row.
pub trait Rows: Sync {
    /// Copies `columns` of `rows` to `to`, rounded up to whole vectors, `stride` numbers from row to row.
    /// The first column is the first lane of a vector, where that matters.
    fn copy<S: Simd>(&self, simd: S, rows: Range<usize>, columns: Range<usize>, to: &mut [f32], stride: usize);

    /// The cache lines of a part, if it is worth fetching them before they are copied.
    fn prefetch(&self, _rows: Range<usize>, _columns: Range<usize>) -> Prefetch {
        Prefetch::NONE
    }
}

/// One factor of a product. If it is transposed, `rows` are its columns.
#[derive(Clone, Copy)]
pub struct Operand<R> {
    pub rows: R,
    pub transposed: bool,
}

impl<R: Rows> Operand<R> {
    /// Packs some rows of A, [`A_STRIDE`] apart. `block` holds what waits to be transposed.
    pub fn pack_a<S: Simd>(&self, simd: S, rows: Range<usize>, k: Range<usize>, to: &mut [f32], block: &mut [f32]) {
        if self.transposed {
            let stride = rows.len().next_multiple_of(S::LANES);
            for first in k.clone().step_by(S::LANES) {
                let k_block = first..k.end.min(first + S::LANES);
                self.copy(simd, k_block.clone(), rows.clone(), block, stride);
                transpose(simd, (block, stride), k_block.len(), rows.len(), (&mut to[first - k.start..], A_STRIDE));
            }
        } else {
            self.copy(simd, rows, k, to, A_STRIDE);
        }
    }

    /// Packs columns of B in panels of NR. `block` holds what waits to be transposed.
    pub fn pack_b<S: Simd>(&self, simd: S, k: Range<usize>, columns: Range<usize>, to: &mut [f32], block: &mut [f32]) {
        let nr = NR_VECTORS * S::LANES;
        if self.transposed {
            for (v, first) in columns.clone().step_by(S::LANES).enumerate() {
                let columns = first..columns.end.min(first + S::LANES);
                let to = &mut to[v / NR_VECTORS * KC * nr + v % NR_VECTORS * S::LANES..];
                self.copy(simd, columns.clone(), k.clone(), block, A_STRIDE);
                transpose(simd, (block, A_STRIDE), columns.len(), k.len(), (to, nr));
            }
        } else {
            // A few rows of all panels, and the next: memory is read in order.
            for first in k.clone().step_by(TOGETHER) {
                let rows = first..k.end.min(first + TOGETHER);
                for (panel, start) in columns.clone().step_by(nr).enumerate() {
                    let to = &mut to[panel * KC * nr + (first - k.start) * nr..];
                    self.copy(simd, rows.clone(), start..columns.end.min(start + nr), to, nr);
                }
            }
        }
    }

    /// The cache lines that packing reads.
    pub fn prefetch(&self, rows: Range<usize>, columns: Range<usize>) -> Prefetch {
        if self.transposed { self.rows.prefetch(columns, rows) } else { self.rows.prefetch(rows, columns) }
    }

    #[inline(never)]
    fn copy<S: Simd>(&self, simd: S, rows: Range<usize>, columns: Range<usize>, to: &mut [f32], stride: usize) {
        vectorize!(simd, self.rows.copy(simd, rows, columns, to, stride));
    }
}

/// A matrix whose rows lie `width` apart.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    pub data: &'a [f32],
    pub width: usize,
}

impl Rows for Matrix<'_> {
    fn prefetch(&self, rows: Range<usize>, columns: Range<usize>) -> Prefetch {
        Prefetch::of(self.data, self.width, rows, columns)
    }

    #[inline(always)]
    fn copy<S: Simd>(&self, simd: S, rows: Range<usize>, columns: Range<usize>, to: &mut [f32], stride: usize) {
        let (whole, rest) = (columns.len() / S::LANES, columns.len() % S::LANES);
        check_room::<S>(rows.len(), columns.len(), to, stride);
        for (r, row) in rows.enumerate() {
            let from = &self.data[row * self.width + columns.start..][..columns.len()];
            // SAFETY: `from` has these lanes, and `check_room` has made sure that `to` has room.
            unsafe {
                let (from, to) = (from.as_ptr(), to.as_mut_ptr().add(r * stride));
                for v in 0..whole {
                    simd.store(to.add(v * S::LANES), simd.load(from.add(v * S::LANES)));
                }
                if rest > 0 {
                    let vector = simd.load_lanes(simd.splat(0.0), from.add(whole * S::LANES), lanes(0, rest));
                    simd.store(to.add(whole * S::LANES), vector);
                }
            }
        }
    }
}

/// Asserts that rows, rounded up to whole vectors, fit into `to`.
#[inline(always)]
pub fn check_room<S: Simd>(rows: usize, columns: usize, to: &[f32], stride: usize) {
    let width = columns.next_multiple_of(S::LANES);
    let room = rows <= 1 || width <= stride;
    assert!(rows == 0 || room && (rows - 1) * stride + width <= to.len(), "{rows} rows of {width} do not fit");
}

/// Transposes a block (height, width), both rounded up to whole vectors; rows are so far apart.
#[inline(never)]
fn transpose<S: Simd>(
    simd: S,
    (from, from_stride): (&[f32], usize),
    height: usize,
    width: usize,
    (to, to_stride): (&mut [f32], usize),
) {
    let (height, width) = (height.next_multiple_of(S::LANES), width.next_multiple_of(S::LANES));
    assert!(height == 0 || width == 0 || from.len() >= (height - 1) * from_stride + width);
    assert!(height == 0 || width == 0 || to.len() >= (width - 1) * to_stride + height);
    vectorize!(simd, {
        for j in (0..width).step_by(S::LANES) {
            for i in (0..height).step_by(S::LANES) {
                // SAFETY: both blocks lie within `from` and `to`, as checked above.
                unsafe {
                    let (from, to) = (from.as_ptr().add(i * from_stride + j), to.as_mut_ptr().add(j * to_stride + i));
                    simd.transpose(from, from_stride, to, to_stride);
                }
            }
        }
    });
}
