//! The filter transform U = G g G^T, and its adjoint G^T U G, which takes the gradient at the points back to the weights.

use super::TAPS;
use super::blocked::{BLOCK, Layout, to_blocked};
use super::tiles::points;
use super::transforms::{FilterAdjoint, FilterTransform, POINTS, transform_2d};
use crate::kernels::Conv;
use crate::kernels::fast::chunks::for_each_chunk;
use crate::kernels::fast::simd::{Simd, vectorize};
use crate::pool::Buffer;

/// Where U lies: blocks of what the convolution computes, rows of what it reads.
pub fn layout(channels: usize, channels_out: usize) -> Layout {
    Layout::by_block(channels_out.div_ceil(BLOCK), channels.next_multiple_of(BLOCK))
}

/// U from w (C_out, C, 3, 3). If `backward`, from w rotated by 180 degrees and with C_out and C exchanged.
pub fn filter_transform<S: Simd>(simd: S, size: &Conv, w: &[f32], backward: bool, u: &mut [f32]) {
    let layout = if backward { layout(size.c_out, size.c) } else { layout(size.c, size.c_out) };
    assert_eq!(u.len(), layout.len);
    for_each_chunk(u, layout.block, |start, u| {
        vectorize!(simd, transform_block(simd, size, w, backward, start / layout.block, u, &layout));
    });
}

#[inline(always)]
fn transform_block<S: Simd>(
    simd: S,
    size: &Conv,
    w: &[f32],
    backward: bool,
    block: usize,
    u: &mut [f32],
    layout: &Layout,
) {
    let (from, to) = if backward { (size.c_out, size.c) } else { (size.c, size.c_out) };
    let channels = BLOCK.min(to - block * BLOCK);
    let mut taps = Buffer::scratch(from * TAPS * BLOCK);
    if backward {
        for (row, taps) in taps.chunks_exact_mut(TAPS * BLOCK).enumerate() {
            let w = &w[(row * size.c + block * BLOCK) * TAPS..];
            to_blocked(simd, w, TAPS, channels, TAPS, taps);
        }
    } else {
        let stride = size.c * TAPS;
        to_blocked(simd, &w[block * BLOCK * stride..], stride, channels, stride, &mut taps);
    }
    assert!(from <= layout.rows && u.len() == layout.block);
    for (row, taps) in taps.chunks_exact(TAPS * BLOCK).enumerate() {
        for lane in (0..BLOCK).step_by(S::LANES) {
            let mut g = [[simd.splat(0.0); 3]; 3];
            for tap in 0..TAPS {
                let from = if backward { TAPS - 1 - tap } else { tap };
                // SAFETY: there are as many taps.
                g[tap / 3][tap % 3] = unsafe { simd.load(taps.as_ptr().add(from * BLOCK + lane)) };
            }
            let transformed = transform_2d::<S, FilterTransform, FilterTransform, 3, POINTS>(simd, g);
            for (i, j) in points() {
                let place = (i * POINTS + j) * layout.point + row * BLOCK + lane;
                // SAFETY: a block of U has so many points and rows, as asserted.
                unsafe { simd.store(u.as_mut_ptr().add(place), transformed[i][j]) };
            }
        }
    }
    for u in u.chunks_exact_mut(layout.point) {
        u[from * BLOCK..].fill(0.0);
    }
}

/// gw (blocks of C_out, C, 9 taps, 16 of C_out) from its U, of which it may have fewer rows than the layout.
#[inline(always)]
pub fn filter_adjoint<S: Simd>(simd: S, u: &[f32], layout: &Layout, channels: usize, gw: &mut [f32]) {
    let block = channels * TAPS * BLOCK;
    assert!(channels <= layout.rows && u.len() == layout.len && gw.len() / block * layout.block <= layout.len);
    for (block, gw) in gw.chunks_exact_mut(block).enumerate() {
        for (row, gw) in gw.chunks_exact_mut(TAPS * BLOCK).enumerate() {
            for lane in (0..BLOCK).step_by(S::LANES) {
                let mut x = [[simd.splat(0.0); POINTS]; POINTS];
                for (i, j) in points() {
                    let place = block * layout.block + (i * POINTS + j) * layout.point + row * BLOCK + lane;
                    // SAFETY: U has so many blocks, points and rows, as asserted.
                    x[i][j] = unsafe { simd.load(u.as_ptr().add(place)) };
                }
                let g = transform_2d::<S, FilterAdjoint, FilterAdjoint, POINTS, 3>(simd, x);
                for tap in 0..TAPS {
                    // SAFETY: there are as many taps.
                    unsafe { simd.store(gw.as_mut_ptr().add(tap * BLOCK + lane), g[tap / 3][tap % 3]) };
                }
            }
        }
    }
}
