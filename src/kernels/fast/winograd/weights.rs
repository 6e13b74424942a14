//! Weights at the points.

use super::TAPS;
use super::planes::to_pixels;
use super::points::{POINTS, WeightsToPoints, both};
use super::product::{BLOCK, Layout};
use super::tiling::points;
use crate::kernels::Conv;
use crate::kernels::fast::simd::{Kernel, Simd, dispatch};
use crate::pool::Buffer;
use rayon::prelude::*;

/// Where U lies: blocks of what the convolution makes, rows of what it reads.
pub fn layout(channels: usize, channels_out: usize) -> Layout {
    Layout::by_block(channels_out.div_ceil(BLOCK), channels.next_multiple_of(BLOCK))
}

/// U = G w G^T, from w (C_out, C, 3, 3); of w turned round, and with C_out and C exchanged, if `turned`.
pub fn weights_to_points(size: &Conv, w: &[f32], turned: bool, u: &mut [f32]) {
    let layout = if turned { layout(size.c_out, size.c) } else { layout(size.c, size.c_out) };
    assert_eq!(u.len(), layout.len);
    u.par_chunks_exact_mut(layout.block).enumerate().for_each(|(block, numbers)| {
        dispatch(BlockOfWeights { size, w, turned, block, layout, numbers });
    });
}

struct BlockOfWeights<'a> {
    size: &'a Conv,
    w: &'a [f32],
    turned: bool,
    block: usize,
    layout: Layout,
    numbers: &'a mut [f32],
}

impl Kernel for BlockOfWeights<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let BlockOfWeights { size, w, turned, block, layout, numbers } = self;
        let (from, to) = if turned { (size.c_out, size.c) } else { (size.c, size.c_out) };
        let channels = BLOCK.min(to - block * BLOCK);
        let mut pixels = Buffer::scratch(from * TAPS * BLOCK);
        // SAFETY: the CPU has the instructions of S; reading and writing is within the slices: 36 points of `rows` rows.
        unsafe {
            if turned {
                for (row, pixels) in pixels.chunks_exact_mut(TAPS * BLOCK).enumerate() {
                    let w = &w[(row * size.c + block * BLOCK) * TAPS..];
                    to_pixels::<S>(w, TAPS, channels, TAPS, pixels);
                }
            } else {
                let stride = size.c * TAPS;
                to_pixels::<S>(&w[block * BLOCK * stride..], stride, channels, stride, &mut pixels);
            }
            assert!(from <= layout.rows && numbers.len() == layout.block);
            for (row, taps) in pixels.chunks_exact(TAPS * BLOCK).enumerate() {
                for lane in (0..BLOCK).step_by(S::LANES) {
                    let mut g = [[S::splat(0.0); 3]; 3];
                    for tap in 0..TAPS {
                        let from = if turned { TAPS - 1 - tap } else { tap };
                        g[tap / 3][tap % 3] = S::load(taps.as_ptr().add(from * BLOCK + lane));
                    }
                    let u = both::<S, WeightsToPoints, WeightsToPoints, 3, POINTS>(g);
                    for (i, j) in points() {
                        let place = (i * POINTS + j) * layout.point + row * BLOCK + lane;
                        u[i][j].store(numbers.as_mut_ptr().add(place));
                    }
                }
            }
        }
        for numbers in numbers.chunks_exact_mut(layout.point) {
            numbers[from * BLOCK..].fill(0.0);
        }
    }
}
