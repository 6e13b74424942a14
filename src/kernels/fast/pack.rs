//! Packing: copies parts of A and B to where the micro-kernel reads them, A row by row and B in panels of NR columns.
//!
//! A matrix, a transposed matrix, and the im2col matrix of a convolution (which never exists as a whole) are all
//! [`Rows`]: something that can copy a part of its rows. A factor whose rows are the columns of what is copied is
//! transposed here, in blocks that fit into registers; so matmul reads transposed matrices as they are.
//!
//! What mattered: no division and no test per vector. Copying itself is bound by the caches: 64 bytes take 1.7 ns from
//! the second level to the second level and 3.1 ns from the third, in whatever order.

use super::gemm::KC;
use super::micro_kernel::NR_VECTORS;
use super::simd::{Simd, lanes, vectorize};
use std::ops::Range;

/// Numbers between rows of packed A. Not a power of two: 14 rows must not meet in the same lines of the cache.
pub const A_STRIDE: usize = KC + 16;
/// The most rows that a micro-tile has with any instruction set, rounded up to whole vectors.
const A_ROWS: usize = 16;
/// Numbers of packed A, and of a block that waits to be transposed.
pub const A_PANEL: usize = A_ROWS * A_STRIDE;

/// A matrix that can be copied, row by row.
pub trait Rows: Sync {
    /// Copies `columns` of `rows` to `to`, rounded up to whole vectors, `stride` numbers from row to row.
    /// The first column is the first lane of a vector, where that matters.
    fn copy<S: Simd>(&self, simd: S, rows: Range<usize>, columns: Range<usize>, to: &mut [f32], stride: usize);
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
            let (height, width) = (k.len(), rows.len());
            self.copy(simd, k, rows, block, A_ROWS);
            transpose(simd, (block, A_ROWS), height, width, (to, A_STRIDE));
        } else {
            self.copy(simd, rows, k, to, A_STRIDE);
        }
    }

    /// Packs a panel of B, at most NR columns. `block` holds what waits to be transposed.
    pub fn pack_b<S: Simd>(&self, simd: S, k: Range<usize>, columns: Range<usize>, to: &mut [f32], block: &mut [f32]) {
        let nr = NR_VECTORS * S::LANES;
        if self.transposed {
            for (v, first) in columns.clone().step_by(S::LANES).enumerate() {
                let columns = first..columns.end.min(first + S::LANES);
                let (height, to) = (columns.len(), &mut to[v * S::LANES..]);
                self.copy(simd, columns, k.clone(), block, A_STRIDE);
                transpose(simd, (block, A_STRIDE), height, k.len(), (to, nr));
            }
        } else {
            self.copy(simd, k, columns, to, nr);
        }
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
