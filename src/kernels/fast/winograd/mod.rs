//! 3x3 convolutions of stride 1 by Winograd's minimal filtering (Lavin and Gray, "Fast algorithms for convolutional neural
//! networks", 2016), and their derivatives (see `conv2d`, `conv2d_dx` and `conv2d_dw` in reference.rs).
//!
//! A tile of 4x4 outputs takes 36 multiplications for each pair of channels instead of 144:
//!
//! ```text
//! x, 6x6 pixels of each tile   -- B^T . B -->  V (36 points; tiles, C)
//! w, 3x3 weights               -- G . G^T -->  U (36 points; C, C_out)       y: M = V U at each point
//! y, 4x4 outputs of each tile  <-- A^T . A --  M (36 points; tiles, C_out)
//! ```
//!
//! All these maps are linear, so the derivatives run along the same arrows. The one in x is a convolution with w turned
//! round. The one in w takes gy to the points by the adjoint of the last arrow, W = A gy A^T, sums U' = V^T W over all
//! tiles, and goes back by the adjoint of the second, gw = G^T U' G.
//!
//! An infinite or NaN number makes the whole tile of outputs so, and rounding is relative to the tile's largest number.
//!
//! A training step of the U-Net took 0.64 s with this instead of 1.56 with products of patches (two Zen 4 cores). What
//! matters, in order: one task is a few images, about 48 tiles, so that V and M stay in the second-level cache; 16
//! channels lie side by side, so that the maps work on whole vectors and the products need no packing; there are tiles
//! of 3 beside tiles of 4 where 4 does not divide the image.

mod dw;
mod planes;
mod points;
mod product;
mod spread;
mod tiling;
mod weights;

use super::simd::{Kernel, Simd, dispatch};
use crate::kernels::Conv;
use crate::pool::Buffer;
pub use dw::conv2d_dw;
use planes::from_pixels;
use product::{BLOCK, Layout, Product, TilesByChannels};
use rayon::prelude::*;
use spread::{Pixels, collect_image, spread_images};
use std::cell::RefCell;
use tiling::{Squares, Tiling, points};
use weights::weights_to_points;

/// Tiles in a task, about.
const TILES: usize = 48;
/// Blocks of channels of the output that are calculated together.
const TOGETHER: usize = 4;
/// Blocks of channels that a product sums over at once: their part of U stays in the first-level cache.
const SUM_BLOCKS: usize = 8;
const TAPS: usize = 9;
/// Fewer pixels in all are not worth taking the weights to the points.
const PIXELS: usize = 256;

/// Whether this is a convolution that Winograd's way is faster for.
pub fn suits(size: &Conv) -> bool {
    let small = size.c < BLOCK || size.c_out < BLOCK || size.n * size.h_out() * size.w_out() < PIXELS;
    let empty = size.h * size.w == 0; // padding makes outputs of no pixels at all
    (size.kh, size.kw, size.stride) == (3, 3, 1) && size.padding <= 2 && !small && !empty
}

/// How many numbers the weights of [`conv2d`] are at the points.
pub fn weights_len(size: &Conv) -> usize {
    weights::layout(size.c, size.c_out).len
}

/// Takes w to the points, as [`conv2d`] wants it.
pub fn prepare_weights(size: &Conv, w: &[f32], u: &mut [f32]) {
    weights_to_points(size, w, false, u);
}

pub fn conv2d_dx(size: &Conv, gy: &[f32], w: &[f32], gx: &mut [f32]) {
    let [c, c_out, h, w_out] = [size.c_out, size.c, size.h_out(), size.w_out()];
    let back = Conv { c, c_out, h, w: w_out, padding: 2 - size.padding, ..*size };
    let mut u = Buffer::scratch(weights_len(&back));
    weights_to_points(size, w, true, &mut u);
    conv2d(&back, gy, &u, None, gx);
}

/// Where a thread keeps what a task needs.
#[derive(Default)]
struct Scratch {
    pixels: Option<Buffer>,
    v: Option<Buffer>,
    m: Option<Buffer>,
    sums: Option<Buffer>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The first `len` numbers of a buffer, which is replaced if it is too short.
fn at_least(buffer: &mut Option<Buffer>, len: usize) -> &mut [f32] {
    if buffer.as_ref().is_none_or(|buffer| buffer.len() < len) {
        *buffer = None;
        *buffer = Some(Buffer::scratch(len));
    }
    &mut buffer.as_mut().expect("just made")[..len]
}

/// y from x and the weights u at the points.
pub fn conv2d(size: &Conv, x: &[f32], u: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    let (h_out, w_out) = (size.h_out(), size.w_out());
    let tiling = Tiling::new(h_out, w_out);
    let from = tiling.pixels(size.padding, size.h, size.w);
    let to = tiling.pixels(0, h_out, w_out);
    let images = images_per_task(size.n, tiling.count());
    let (x_image, y_image) = (size.c * size.h * size.w, size.c_out * h_out * w_out);
    let tasks = y.par_chunks_mut(images * y_image).zip(x.par_chunks(images * x_image));
    tasks.with_max_len(1).for_each(|(y, x)| {
        SCRATCH.with_borrow_mut(|scratch| {
            dispatch(SomeImages { size, tiling: &tiling, from: &from, to: &to, u, bias, x, y, scratch });
        });
    });
}

/// So many that a task has at most about [`TILES`] tiles, and that the threads end at about the same time. (Which images
/// are in a task changes no result.)
fn images_per_task(n: usize, tiles: usize) -> usize {
    let threads = rayon::current_num_threads();
    let longest = |images: usize| n.div_ceil(images).div_ceil(threads) * images;
    let sizes = 1..=TILES.div_ceil(tiles);
    let best = sizes.clone().map(longest).min().expect("one image at least");
    sizes.rev().find(|&images| longest(images) <= best + best / 20).expect("the best is one of them")
}

/// A task of [`conv2d`].
struct SomeImages<'a> {
    size: &'a Conv,
    tiling: &'a Tiling,
    from: &'a Squares<6>,
    to: &'a Squares<4>,
    u: &'a [f32],
    bias: Option<&'a [f32]>,
    x: &'a [f32],
    y: &'a mut [f32],
    scratch: &'a mut Scratch,
}

impl Kernel for SomeImages<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let SomeImages { size, tiling, from, to, u, bias, x, y, scratch } = self;
        let (plane, plane_out) = (size.h * size.w, size.h_out() * size.w_out());
        let images = x.len() / (size.c * plane);
        let (blocks, out_blocks) = (size.c.div_ceil(BLOCK), size.c_out.div_ceil(BLOCK));
        let tiles = images * tiling.count();
        let v_layout = Layout::by_point(blocks, tiles);
        let m_layout = Layout::by_point(TOGETHER.min(out_blocks), tiles);
        let Scratch { pixels, v, m, .. } = scratch;
        let (v, m) = (at_least(v, v_layout.len), at_least(m, m_layout.len));
        let pixels = at_least(pixels, (plane.max(plane_out) + 1) * BLOCK);
        let u_layout = weights::layout(size.c, size.c_out);
        assert_eq!((u.len(), y.len()), (u_layout.len, images * size.c_out * plane_out));
        // SAFETY: the CPU has the instructions of S; V, M and U are as long as their layouts say; y has no more images
        // than x, whose tiles M holds.
        unsafe {
            spread_images::<S, Pixels, 6>(x, (size.c, plane), from, tiling, pixels, v, &v_layout);
            for first in (0..out_blocks).step_by(TOGETHER) {
                let some = TOGETHER.min(out_blocks - first);
                let vectors = some * BLOCK / S::LANES;
                for (p, point) in points().enumerate() {
                    let rows = tiling.using(point, images);
                    for vector in (0..vectors).step_by(2) {
                        for part in (0..blocks).step_by(SUM_BLOCKS) {
                            let product = Product {
                                a: v.as_ptr().add(p * v_layout.point + part * v_layout.block),
                                parts: SUM_BLOCKS.min(blocks - part),
                                steps: BLOCK,
                                a_part: v_layout.block,
                                b: u.as_ptr().add(first * u_layout.block + p * u_layout.point + part * BLOCK * BLOCK),
                                b_block: u_layout.block,
                                c: m.as_mut_ptr().add(p * m_layout.point),
                                c_block: m_layout.block,
                                add: part > 0,
                            };
                            product.run::<S, TilesByChannels>(rows.clone(), vector..vectors.min(vector + 2));
                        }
                    }
                }
                for (image, y) in y.chunks_exact_mut(size.c_out * plane_out).enumerate() {
                    for block in 0..some {
                        let channel = (first + block) * BLOCK;
                        let channels = BLOCK.min(size.c_out - channel);
                        let mut plus = [0.0; BLOCK];
                        if let Some(bias) = bias {
                            plus[..channels].copy_from_slice(&bias[channel..][..channels]);
                        }
                        collect_image::<S>(
                            &m[block * m_layout.block..],
                            &m_layout,
                            to,
                            tiling,
                            (image, images),
                            &plus,
                            pixels,
                        );
                        from_pixels::<S>(pixels, plane_out, channels, plane_out, &mut y[channel * plane_out..]);
                    }
                }
            }
        }
    }
}
