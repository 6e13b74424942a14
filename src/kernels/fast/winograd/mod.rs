//! 3x3 convolutions of stride 1 by Winograd's minimal filtering, F(4x4, 3x3) (Lavin and Gray, "Fast algorithms for
//! convolutional neural networks", 2016), and their derivatives (see `conv2d`, `conv2d_dx` and `conv2d_dw` in reference/conv.rs,
//! 45 lines). Per pair of channels, a tile of 4x4 outputs takes 36 multiplications instead of 144.
//!
//! # The idea
//!
//! To filter is to multiply polynomials: m outputs of a filter of 3 are coefficients of a product with m + 2. A
//! polynomial of degree m + 1 is known by its values at m + 2 points, and values are multiplied one by one. So a tile goes
//! to points, is multiplied there, and comes back; in two dimensions along the columns, then along the rows:
//!
//! ```text
//!   input x, 6x6 pixels          at 6x6 points              output y, 4x4
//!
//!     o o o o o o                 · · · · · ·
//!     o # # # # o                 · · · · · ·                # # # #
//!     o # # # # o   B^T x B       · · · · · ·    A^T m A     # # # #
//!     o # # # # o  --------->  V  · · · · · ·   -------->    # # # #
//!     o # # # # o                 · · · · · ·                # # # #
//!     o o o o o o                 · · · · · ·
//!                                  M = V U                  (padding 1: the outputs
//!   neighbours overlap              ^                        lie at the pixels #)
//!   by two pixels                   |
//!                                   |  G g G^T
//!                         filter g, 3x3 weights
//! ```
//!
//! # In order
//!
//! 1. Filter transform (filter.rs): U = G g G^T, a matrix (C, C_out) at each of the 36 points. Once per call; once for all
//!    where weights stay the same.
//! 2. Input transform (tiles.rs): V = B^T x B, a matrix (tiles, C) at each point.
//! 3. Products at the points ([`multiply`]): M = V U, 36 matrix products, by the same micro-kernel as all others.
//! 4. Output transform (tiles.rs): y = A^T M A.
//! 5. Gradient in x: a convolution of gy with the filter rotated by 180 degrees and its channels exchanged.
//! 6. Gradient in w (dw.rs): all these maps are linear, so it runs along the same arrows, by their adjoints. gy goes to the
//!    points, W = A gy A^T; there U' = V^T W is summed over all tiles; and back, gw = G^T U' G, once at the end.
//!
//! The points along each axis are 0, 3/4, -3/4, 3/2, -3/2 and infinity (transforms.rs). Their powers are exact in binary,
//! and rounding is less than half of that with Lavin and Gray's 0, 1, -1, 2, -2 and infinity: in a study with 64 channels of
//! 28x28, 3.9e-7 of the output's root mean square instead of 8.4e-7; summing directly has 2.9e-7. At the U-Net's sizes the
//! largest errors are 7.1e-6 (y), 1.0e-5 (gx) and 2.6e-6 (gw) of it (tests/winograd.rs prints them). An infinite or NaN
//! number makes its whole tile of outputs so, and rounding is relative to the tile's largest number.
//!
//! # What it gains
//!
//! A training step of the U-Net took 0.64 s with this instead of 1.56 with im2col (two Zen 4 cores). What matters, in order:
//! one task is a few images, about 48 tiles, so that V and M stay in the caches; channels lie in blocks of 16
//! (blocked.rs), so that the transforms work on whole vectors and the products need no packing; there are tiles of 3 beside
//! tiles of 4 where 4 does not divide the image, 5 to 15 % on 14x14 and 7x7. Threads share out images (and, in dw.rs, parts
//! of the batch): a single image is the work of one thread.

mod blocked;
mod dw;
mod filter;
mod tiles;
mod transforms;

use super::chunks::for_each_chunk;
use super::micro_kernel::{Epilogue, MicroTile, split_rows};
use super::simd::{Simd, vectorize};
use crate::kernels::Conv;
use crate::pool::Buffer;
use blocked::{BLOCK, Layout, from_blocked, vector_distance, vector_place, whole_vector};
pub use dw::conv2d_dw;
use filter::filter_transform;
use std::cell::RefCell;
use std::ops::Range;
use tiles::{Input, Tiling, output_transform, points, transform_images};

/// Tiles in a task, about.
const TILES: usize = 48;
/// Blocks of channels of the output that are computed together.
const TOGETHER: usize = 4;
/// Blocks of channels that a product sums over at once: their part of U stays in the first-level cache.
const SUM_BLOCKS: usize = 8;
const TAPS: usize = 9;
/// Fewer pixels in all are not worth the filter transform.
const PIXELS: usize = 256;

/// Whether this is a convolution that Winograd's algorithm is faster for.
pub fn supports(size: &Conv) -> bool {
    let small = size.c < BLOCK || size.c_out < BLOCK || size.n * size.h_out() * size.w_out() < PIXELS;
    let empty = size.h * size.w == 0; // padding makes outputs of no pixels at all
    (size.kh, size.kw, size.stride) == (3, 3, 1) && size.padding <= 2 && !small && !empty
}

/// How many numbers U is, the transformed filters of [`conv2d`].
pub fn weights_len(size: &Conv) -> usize {
    filter::layout(size.c, size.c_out).len
}

/// U from w, as [`conv2d`] reads it.
pub fn prepare_weights<S: Simd>(simd: S, size: &Conv, w: &[f32], u: &mut [f32]) {
    filter_transform(simd, size, w, false, u);
}

pub fn conv2d_dx<S: Simd>(simd: S, size: &Conv, gy: &[f32], w: &[f32], gx: &mut [f32]) {
    let [c, c_out, h, w_out] = [size.c_out, size.c, size.h_out(), size.w_out()];
    let backward = Conv { c, c_out, h, w: w_out, padding: 2 - size.padding, ..*size };
    let mut u = Buffer::scratch(weights_len(&backward));
    filter_transform(simd, size, w, true, &mut u);
    conv2d(simd, &backward, gy, &u, None, gx);
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

/// y from x and the transformed filters u.
pub fn conv2d<S: Simd>(simd: S, size: &Conv, x: &[f32], u: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    let (plane, plane_out) = (size.h * size.w, size.h_out() * size.w_out());
    let tiling = Tiling::new(size.h_out(), size.w_out());
    let x_squares = tiling.pixels(size.padding, size.h, size.w);
    let y_squares = tiling.pixels(0, size.h_out(), size.w_out());
    let (blocks, out_blocks) = (size.c.div_ceil(BLOCK), size.c_out.div_ceil(BLOCK));
    let u_layout = filter::layout(size.c, size.c_out);
    let images = images_per_task(size.n, tiling.count());
    let (x_image, y_image) = (size.c * plane, size.c_out * plane_out);
    let task = |start: usize, y: &mut [f32]| {
        let images = y.len() / y_image;
        let x = &x[start / y_image * x_image..][..images * x_image];
        let tiles = images * tiling.count();
        let v_layout = Layout::by_point(blocks, tiles);
        let m_layout = Layout::by_point(TOGETHER.min(out_blocks), tiles);
        SCRATCH.with_borrow_mut(|Scratch { pixels, v, m, .. }| {
            vectorize!(simd, {
                let (v, m) = (at_least(v, v_layout.len), at_least(m, m_layout.len));
                let pixels = at_least(pixels, (plane.max(plane_out) + 1) * BLOCK);
                let (x_size, v_out) = ((size.c, plane), (&mut *v, &v_layout));
                // SAFETY: the squares are those of the tiling, in a plane of x.
                unsafe { transform_images::<S, Input, 6>(simd, x, x_size, &x_squares, &tiling, pixels, v_out) }
                for first in (0..out_blocks).step_by(TOGETHER) {
                    let together = first..out_blocks.min(first + TOGETHER);
                    multiply(simd, (v, &v_layout), (u, &u_layout), (m, &m_layout), together.clone(), (&tiling, images));
                    for (image, y) in y.chunks_exact_mut(size.c_out * plane_out).enumerate() {
                        for (i, block) in together.clone().enumerate() {
                            let channels = block * BLOCK..size.c_out.min((block + 1) * BLOCK);
                            let mut block_bias = [0.0; BLOCK];
                            if let Some(bias) = bias {
                                block_bias[..channels.len()].copy_from_slice(&bias[channels.clone()]);
                            }
                            let (m, image) = ((&m[i * m_layout.block..], &m_layout), (image, images));
                            // SAFETY: the squares are those of the tiling, in a plane of y, for which there is room.
                            unsafe { output_transform(simd, m, &y_squares, &tiling, image, &block_bias, pixels) }
                            let y = &mut y[channels.start * plane_out..];
                            from_blocked(simd, pixels, plane_out, channels.len(), plane_out, y);
                        }
                    }
                }
            })
        })
    };
    assert_eq!(u.len(), u_layout.len);
    for_each_chunk(y, images * y_image, task);
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

/// M = V U at each point, for the blocks `out_blocks` of the output's channels, with which M begins.
#[inline(always)]
fn multiply<S: Simd>(
    simd: S,
    (v, v_layout): (&[f32], &Layout),
    (u, u_layout): (&[f32], &Layout),
    (m, m_layout): (&mut [f32], &Layout),
    out_blocks: Range<usize>,
    (tiling, images): (&Tiling, usize),
) {
    assert!(v.len() == v_layout.len && u.len() == u_layout.len && m.len() == m_layout.len);
    assert!(out_blocks.end <= u_layout.blocks && out_blocks.len() <= m_layout.blocks);
    assert!(v_layout.blocks * BLOCK <= u_layout.rows && m_layout.rows == v_layout.rows);
    let (first, second) = (whole_vector::<S>(0), whole_vector::<S>(vector_distance::<S>(m_layout.block)));
    let vectors = out_blocks.len() * BLOCK / S::LANES;
    for (p, point) in points().enumerate() {
        let tiles = tiling.using(point, images);
        assert!(tiles.end <= v_layout.rows);
        for vector in (0..vectors).step_by(2) {
            for part in (0..v_layout.blocks).step_by(SUM_BLOCKS) {
                for (row, rows) in split_rows::<S>(tiles.len()) {
                    // SAFETY: V, U and M have these points, blocks and rows, as asserted.
                    unsafe {
                        let (u, m) = (u.as_ptr().add(p * u_layout.point), m.as_mut_ptr().add(p * m_layout.point));
                        let u = u.add(out_blocks.start * u_layout.block + vector_place::<S>(vector, u_layout.block));
                        let tile = MicroTile::<BLOCK, 1> {
                            rows,
                            a: v.as_ptr().add(p * v_layout.point + part * v_layout.block + (tiles.start + row) * BLOCK),
                            parts: SUM_BLOCKS.min(v_layout.blocks - part),
                            part: BLOCK,
                            a_part: v_layout.block,
                            b: u.add(part * BLOCK * BLOCK),
                            b_row: BLOCK,
                            b_vector: vector_distance::<S>(u_layout.block),
                            c: m.add(vector_place::<S>(vector, m_layout.block) + (tiles.start + row) * BLOCK),
                            c_row: BLOCK,
                            columns: [&first, if vector + 1 < vectors { &second } else { &[] }],
                            epilogue: if part > 0 { Epilogue::Accumulate } else { Epilogue::Store },
                        };
                        tile.compute::<S, 0>(simd, &mut []);
                    }
                }
            }
        }
    }
}
