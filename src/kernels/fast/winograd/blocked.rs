//! The layout in which all of the algorithm works: channels in blocks of 16 side by side, one cache line (oneDNN calls it
//! nChw16c). The transforms work on whole vectors of channels, and the products at the points need no packing.

use super::transforms::POINTS;
use crate::kernels::fast::micro_kernel::Segment;
use crate::kernels::fast::simd::{Simd, lanes};
use std::ops::Range;

/// Channels in a block.
pub const BLOCK: usize = 16;
/// Points of a tile.
const COUNT: usize = POINTS * POINTS;
/// A cache line between points, since so many streams a power of two apart would meet in the same lines of the cache.
const GAP: usize = BLOCK;

/// Where the numbers at the points lie: for each point and block of channels, rows of [`BLOCK`] numbers.
#[derive(Clone, Copy)]
pub struct Layout {
    /// Blocks of channels.
    pub blocks: usize,
    pub rows: usize,
    /// Numbers from point to point.
    pub point: usize,
    /// Numbers from block to block.
    pub block: usize,
    /// Numbers in all.
    pub len: usize,
}

impl Layout {
    /// (point, block, row): for the tiles of images.
    pub fn by_point(blocks: usize, rows: usize) -> Layout {
        let point = blocks * rows * BLOCK + GAP;
        Layout { blocks, rows, point, block: rows * BLOCK, len: COUNT * point }
    }

    /// (block, point, row): for filters, each block of which is transformed at once.
    pub fn by_block(blocks: usize, rows: usize) -> Layout {
        let point = rows * BLOCK + GAP;
        Layout { blocks, rows, point, block: COUNT * point, len: blocks * COUNT * point }
    }
}

/// The distance of two neighbouring vectors of a row, the first of which is even, if blocks of channels are `block` numbers
/// apart.
pub fn vector_distance<S: Simd>(block: usize) -> usize {
    if 2 * S::LANES <= BLOCK { S::LANES } else { block }
}

/// The place of a vector in a row, if blocks of channels are `block` numbers apart.
pub fn vector_place<S: Simd>(vector: usize, block: usize) -> usize {
    vector * S::LANES / BLOCK * block + vector * S::LANES % BLOCK
}

/// All lanes of a vector, at this distance from the first vector of a micro-tile.
pub fn whole_vector<S: Simd>(distance: usize) -> [Segment; 1] {
    let at = distance.try_into().expect("a distance within 2^31 numbers");
    [Segment { at, lanes: lanes(0, S::LANES) }]
}

/// From planes to blocked pixels: `to[pixel][c]` = number `c * stride + pixel` of `from`, for `pixels` pixels and the
/// first `channels` channels; the others are zero.
#[inline(always)]
pub fn to_blocked<S: Simd>(simd: S, from: &[f32], stride: usize, channels: usize, pixels: usize, to: &mut [f32]) {
    assert!(channels > 0 && channels <= BLOCK && from.len() >= (channels - 1) * stride + pixels);
    assert!(to.len() >= pixels * BLOCK);
    if channels < BLOCK {
        to[..pixels * BLOCK].fill(0.0);
    }
    let (transposed, one_by_one) = split_channels::<S>(channels, pixels);
    for (pixel, to) in to.chunks_exact_mut(BLOCK).take(pixels).enumerate().filter(|_| !one_by_one.is_empty()) {
        for c in one_by_one.clone() {
            to[c] = from[c * stride + pixel];
        }
    }
    for c in transposed.step_by(S::LANES) {
        for pixel in (0..pixels).step_by(S::LANES) {
            let pixel = pixel.min(pixels - S::LANES); // the last square may overlap the one before
            // SAFETY: within both slices, as asserted.
            unsafe {
                let (from, to) = (from.as_ptr().add(c * stride + pixel), to.as_mut_ptr().add(pixel * BLOCK + c));
                simd.transpose(from, stride, to, BLOCK);
            }
        }
    }
}

/// The inverse: number `c * stride + pixel` of `to` = `from[pixel][c]`.
#[inline(always)]
pub fn from_blocked<S: Simd>(simd: S, from: &[f32], stride: usize, channels: usize, pixels: usize, to: &mut [f32]) {
    assert!(channels > 0 && channels <= BLOCK && to.len() >= (channels - 1) * stride + pixels);
    assert!(from.len() >= pixels * BLOCK);
    let (transposed, one_by_one) = split_channels::<S>(channels, pixels);
    for (pixel, from) in from.chunks_exact(BLOCK).take(pixels).enumerate().filter(|_| !one_by_one.is_empty()) {
        for c in one_by_one.clone() {
            to[c * stride + pixel] = from[c];
        }
    }
    for c in transposed.step_by(S::LANES) {
        for pixel in (0..pixels).step_by(S::LANES) {
            let pixel = pixel.min(pixels - S::LANES);
            // SAFETY: within both slices, as asserted.
            unsafe {
                let (from, to) = (from.as_ptr().add(pixel * BLOCK + c), to.as_mut_ptr().add(c * stride + pixel));
                simd.transpose(from, BLOCK, to, stride);
            }
        }
    }
}

/// The channels that fill whole squares of LANES x LANES, if there are as many pixels, and the others.
#[inline(always)]
fn split_channels<S: Simd>(channels: usize, pixels: usize) -> (Range<usize>, Range<usize>) {
    let squares = if pixels < S::LANES { 0 } else { channels - channels % S::LANES };
    (0..squares, squares..channels)
}
