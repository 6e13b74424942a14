//! The gradient of the weights.

use super::planes::from_pixels;
use super::points::{POINTS, PointsToWeights, both};
use super::product::{BLOCK, ChannelsByTiles, Layout, Product};
use super::spread::{Outputs, Pixels, spread_images};
use super::tiling::{Squares, Tiling, points};
use super::{SCRATCH, Scratch, TAPS, TILES, at_least};
use crate::kernels::Conv;
use crate::kernels::fast::simd::{Kernel, Simd, dispatch};
use crate::pool::Buffer;
use rayon::prelude::*;

/// Partial sums: they are added in order, so their number may depend on sizes only.
const CHUNKS: usize = 8;
/// Tiles that are worth a partial sum.
const CHUNK_TILES: usize = 128;

pub fn conv2d_dw(size: &Conv, x: &[f32], gy: &[f32], gw: &mut [f32]) {
    let (h_out, w_out) = (size.h_out(), size.w_out());
    let tiling = Tiling::new(h_out, w_out);
    let squares = (&tiling.pixels(size.padding, size.h, size.w), &tiling.pixels(0, h_out, w_out));
    let (x_image, y_image) = (size.c * size.h * size.w, size.c_out * h_out * w_out);
    let chunks = (size.n * tiling.count() / CHUNK_TILES).clamp(1, CHUNKS.min(size.n));
    let images = size.n.div_ceil(chunks);
    let out_blocks = size.c_out.div_ceil(BLOCK);
    let partial = out_blocks * size.c * TAPS * BLOCK;
    let mut partials = Buffer::scratch(size.n.div_ceil(images) * partial);
    let tasks = partials.par_chunks_exact_mut(partial).zip(x.par_chunks(images * x_image));
    tasks.zip(gy.par_chunks(images * y_image)).with_max_len(1).for_each(|((gw, x), gy)| {
        SCRATCH.with_borrow_mut(|scratch| {
            dispatch(PartOfDw { size, tiling: &tiling, squares, x, gy, gw, scratch });
        });
    });
    let (block_of_partial, block_of_gw) = (size.c * TAPS * BLOCK, BLOCK * size.c * TAPS);
    gw.par_chunks_mut(block_of_gw).enumerate().for_each(|(block, gw)| {
        let parts =
            partials.chunks_exact(partial).map(|partial| &partial[block * block_of_partial..][..block_of_partial]);
        let mut sum = Buffer::scratch(block_of_partial);
        sum.fill(0.0);
        parts.for_each(|part| sum.iter_mut().zip(part).for_each(|(sum, x)| *sum += x));
        dispatch(FromPixels { from: &sum, pixels: size.c * TAPS, to: gw });
    });
}

struct FromPixels<'a> {
    from: &'a [f32],
    pixels: usize,
    to: &'a mut [f32],
}

impl Kernel for FromPixels<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let channels = self.to.len() / self.pixels;
        // SAFETY: the CPU has the instructions of S.
        unsafe { from_pixels::<S>(self.from, self.pixels, channels, self.pixels, self.to) }
    }
}

/// The gradient of the weights from some images; gw (blocks of C_out, C, 9 taps, 16 of C_out).
struct PartOfDw<'a> {
    size: &'a Conv,
    tiling: &'a Tiling,
    squares: (&'a Squares<6>, &'a Squares<4>),
    x: &'a [f32],
    gy: &'a [f32],
    gw: &'a mut [f32],
    scratch: &'a mut Scratch,
}

impl Kernel for PartOfDw<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let PartOfDw { size, tiling, squares, x, gy, gw, scratch } = self;
        let (plane, plane_out) = (size.h * size.w, size.h_out() * size.w_out());
        let (blocks, out_blocks) = (size.c.div_ceil(BLOCK), size.c_out.div_ceil(BLOCK));
        let u_layout = Layout::by_block(out_blocks, blocks * BLOCK);
        let images = TILES.div_ceil(tiling.count());
        let Scratch { pixels, v, m, sums } = scratch;
        let u = at_least(sums, u_layout.len);
        let pixels = at_least(pixels, (plane.max(plane_out) + 1) * BLOCK);
        let vectors = out_blocks * BLOCK / S::LANES;
        let groups = x.chunks(images * size.c * plane).zip(gy.chunks(images * size.c_out * plane_out));
        // SAFETY: the CPU has the instructions of S; V, W and U are as long as their layouts say.
        unsafe {
            for (group, (x, gy)) in groups.enumerate() {
                let images = x.len() / (size.c * plane);
                let tiles = images * tiling.count();
                let (v_layout, w_layout) = (Layout::by_point(blocks, tiles), Layout::by_point(out_blocks, tiles));
                let (v, w) = (at_least(v, v_layout.len), at_least(m, w_layout.len));
                spread_images::<S, Pixels, 6>(x, (size.c, plane), squares.0, tiling, pixels, v, &v_layout);
                spread_images::<S, Outputs, 4>(gy, (size.c_out, plane_out), squares.1, tiling, pixels, w, &w_layout);
                for (p, point) in points().enumerate() {
                    let tiles = tiling.using(point, images);
                    for vector in (0..vectors).step_by(2) {
                        for block in 0..blocks {
                            let product = Product {
                                a: v.as_ptr().add(p * v_layout.point + block * v_layout.block + tiles.start * BLOCK),
                                parts: 1,
                                steps: tiles.len(),
                                a_part: 0,
                                b: w.as_ptr().add(p * w_layout.point + tiles.start * BLOCK),
                                b_block: w_layout.block,
                                c: u.as_mut_ptr().add(p * u_layout.point + block * BLOCK * BLOCK),
                                c_block: u_layout.block,
                                add: group > 0,
                            };
                            product.run::<S, ChannelsByTiles>(0..BLOCK, vector..vectors.min(vector + 2));
                        }
                    }
                }
            }
            for (block, gw) in gw.chunks_exact_mut(size.c * TAPS * BLOCK).enumerate() {
                for (row, gw) in gw.chunks_exact_mut(TAPS * BLOCK).enumerate() {
                    for lane in (0..BLOCK).step_by(S::LANES) {
                        let mut x = [[S::splat(0.0); POINTS]; POINTS];
                        for (i, j) in points() {
                            let place = block * u_layout.block + (i * POINTS + j) * u_layout.point + row * BLOCK + lane;
                            x[i][j] = S::load(u.as_ptr().add(place));
                        }
                        let g = both::<S, PointsToWeights, PointsToWeights, POINTS, 3>(x);
                        for tap in 0..TAPS {
                            g[tap / 3][tap % 3].store(gw.as_mut_ptr().add(tap * BLOCK + lane));
                        }
                    }
                }
            }
        }
    }
}
