//! Images to the points, and back.

use super::planes::to_pixels;
use super::points::{LEFT_OUT, Map, OutputsToPoints, POINTS, PixelsToPoints, PointsToOutputs, both};
use super::product::{BLOCK, Layout};
use super::tiling::{Squares, Tiling};
use crate::kernels::fast::simd::Simd;

/// A map to the points for either size of tile.
pub trait Family<const N: usize> {
    type Map<const FOUR: bool>: Map<N, POINTS>;
}

/// x, B^T . B
pub struct Pixels;

impl Family<6> for Pixels {
    type Map<const FOUR: bool> = PixelsToPoints<FOUR>;
}

/// gy, A . A^T
pub struct Outputs;

impl Family<4> for Outputs {
    type Map<const FOUR: bool> = OutputsToPoints<FOUR>;
}

/// Takes all images of x (images, C, plane) to the points.
///
/// # Safety
/// The CPU has the instructions of `S`.
#[inline(always)]
pub unsafe fn spread_images<S: Simd, F: Family<N>, const N: usize>(
    x: &[f32],
    (channels, plane): (usize, usize),
    squares: &Squares<N>,
    tiling: &Tiling,
    pixels: &mut [f32],
    v: &mut [f32],
    layout: &Layout,
) {
    let images = x.len() / (channels * plane);
    assert!(v.len() == layout.len && layout.rows == images * tiling.count());
    for (image, x) in x.chunks_exact(channels * plane).enumerate() {
        for (block, x) in x.chunks(BLOCK * plane).enumerate() {
            // SAFETY: squares name pixels of the plane, or the one behind it, which is zero; V has a row for each tile.
            unsafe {
                to_pixels::<S>(x, plane, x.len() / plane, plane, pixels);
                pixels[plane * BLOCK..][..BLOCK].fill(0.0);
                let mut next = x.as_ptr_range().end;
                for (kind, squares) in squares.iter().enumerate() {
                    let first = tiling.start(kind, images) + image * squares.len();
                    let v = v.as_mut_ptr().add(block * layout.block + first * BLOCK);
                    match kind {
                        0 => spread::<S, F::Map<true>, F::Map<false>, N>(pixels, squares, v, layout.point, next),
                        1 => spread::<S, F::Map<true>, F::Map<true>, N>(pixels, squares, v, layout.point, next),
                        2 => spread::<S, F::Map<false>, F::Map<true>, N>(pixels, squares, v, layout.point, next),
                        _ => spread::<S, F::Map<false>, F::Map<false>, N>(pixels, squares, v, layout.point, next),
                    }
                    next = next.wrapping_add(squares.len() * NEXT_LINES * BLOCK);
                }
            }
        }
    }
}

/// Lines of the next block of channels that are asked for with each tile: 16 pixels of a tile of 4x4 in 16 channels.
const NEXT_LINES: usize = 16;

/// Takes tiles to the points. Meanwhile memory is asked for what comes `next`.
///
/// # Safety
/// The CPU has the instructions of `S`, `pixels` has all that the squares name, and `v` room for them at each point.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // i and j are rows and columns
unsafe fn spread<S: Simd, Down: Map<N, POINTS>, Along: Map<N, POINTS>, const N: usize>(
    pixels: &[f32],
    squares: &[[[u32; N]; N]],
    v: *mut f32,
    point: usize,
    next: *const f32,
) {
    for (tile, square) in squares.iter().enumerate() {
        for line in 0..NEXT_LINES {
            // SAFETY: any address will do.
            unsafe { S::prefetch(next.wrapping_add((tile * NEXT_LINES + line) * BLOCK)) };
        }
        for lane in (0..BLOCK).step_by(S::LANES) {
            // SAFETY: as the caller promises.
            unsafe {
                let mut x = [[S::splat(0.0); N]; N];
                for i in 0..N {
                    for j in 0..N {
                        x[i][j] = S::load(pixels.as_ptr().add(square[i][j] as usize * BLOCK + lane));
                    }
                }
                let x = both::<S, Down, Along, N, POINTS>(x);
                for i in 0..POINTS {
                    for j in 0..POINTS {
                        if (Down::FOUR || i != LEFT_OUT) && (Along::FOUR || j != LEFT_OUT) {
                            x[i][j].store(v.add((i * POINTS + j) * point + tile * BLOCK + lane));
                        }
                    }
                }
            }
        }
    }
}

/// Takes an image's tiles back from the points, one block of channels, and adds `plus` to each channel.
///
/// # Safety
/// The CPU has the instructions of `S`; `m` is the block's numbers in its layout.
#[inline(always)]
pub unsafe fn collect_image<S: Simd>(
    m: &[f32],
    layout: &Layout,
    squares: &Squares<4>,
    tiling: &Tiling,
    (image, images): (usize, usize),
    plus: &[f32; BLOCK],
    pixels: &mut [f32],
) {
    for (kind, squares) in squares.iter().enumerate() {
        let first = tiling.start(kind, images) + image * squares.len();
        // SAFETY: M has a row for each tile; squares name pixels of the plane, or the one behind it.
        unsafe {
            let m = m.as_ptr().add(first * BLOCK);
            let point = layout.point;
            match kind {
                0 => collect::<S, PointsToOutputs<true>, PointsToOutputs<false>>(m, point, squares, plus, pixels),
                1 => collect::<S, PointsToOutputs<true>, PointsToOutputs<true>>(m, point, squares, plus, pixels),
                2 => collect::<S, PointsToOutputs<false>, PointsToOutputs<true>>(m, point, squares, plus, pixels),
                _ => collect::<S, PointsToOutputs<false>, PointsToOutputs<false>>(m, point, squares, plus, pixels),
            }
        }
    }
}

/// Takes tiles back from the points.
///
/// # Safety
/// As for [`spread`], the other way round.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // i and j are rows and columns
unsafe fn collect<S: Simd, Down: Map<POINTS, 4>, Along: Map<POINTS, 4>>(
    m: *const f32,
    point: usize,
    squares: &[[[u32; 4]; 4]],
    plus: &[f32; BLOCK],
    pixels: &mut [f32],
) {
    for (tile, square) in squares.iter().enumerate() {
        for lane in (0..BLOCK).step_by(S::LANES) {
            // SAFETY: as the caller promises.
            unsafe {
                let mut x = [[S::splat(0.0); POINTS]; POINTS];
                for i in 0..POINTS {
                    for j in 0..POINTS {
                        if (Down::FOUR || i != LEFT_OUT) && (Along::FOUR || j != LEFT_OUT) {
                            x[i][j] = S::load(m.add((i * POINTS + j) * point + tile * BLOCK + lane));
                        }
                    }
                }
                let y = both::<S, Down, Along, POINTS, 4>(x);
                let plus = S::load(plus.as_ptr().add(lane));
                for i in 0..if Down::FOUR { 4 } else { 3 } {
                    for j in 0..if Along::FOUR { 4 } else { 3 } {
                        y[i][j].add(plus).store(pixels.as_mut_ptr().add(square[i][j] as usize * BLOCK + lane));
                    }
                }
            }
        }
    }
}
