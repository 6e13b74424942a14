//! The gradient of the weights: gw = G^T (sum over tiles of (B^T x B) (A gy A^T)^T) G.

use super::blocked::{BLOCK, Layout, from_blocked, vector_distance, vector_place, whole_vector};
use super::filter::{filter_adjoint, layout};
use super::tiles::{Input, OutputGradient, Tiling, points, transform_images};
use super::{SCRATCH, Scratch, TAPS, TILES, at_least};
use crate::kernels::Conv;
use crate::kernels::fast::chunks::for_each_chunk;
use crate::kernels::fast::micro_kernel::{Epilogue, MicroTile, split_rows};
use crate::kernels::fast::simd::{Simd, vectorize};
use crate::pool::Buffer;

/// Partial sums: they are added in order, so their number may depend on sizes only.
const CHUNKS: usize = 8;
/// Tiles that are worth a partial sum.
const CHUNK_TILES: usize = 128;

pub fn conv2d_dw<S: Simd>(simd: S, size: &Conv, x: &[f32], gy: &[f32], gw: &mut [f32]) {
    let (plane, plane_out) = (size.h * size.w, size.h_out() * size.w_out());
    let tiling = Tiling::new(size.h_out(), size.w_out());
    let x_squares = tiling.pixels(size.padding, size.h, size.w);
    let gy_squares = tiling.pixels(0, size.h_out(), size.w_out());
    let chunks = (size.n * tiling.count() / CHUNK_TILES).clamp(1, CHUNKS.min(size.n));
    let chunk_images = size.n.div_ceil(chunks);
    let group_images = TILES.div_ceil(tiling.count());
    let (blocks, out_blocks) = (size.c.div_ceil(BLOCK), size.c_out.div_ceil(BLOCK));
    let u_layout = layout(size.c, size.c_out);
    let (x_image, gy_image) = (size.c * plane, size.c_out * plane_out);
    let block_of_partial = size.c * TAPS * BLOCK;
    let partial = out_blocks * block_of_partial;
    let chunk = |start: usize, gw: &mut [f32]| {
        let first = start / partial * chunk_images;
        let images = first..size.n.min(first + chunk_images);
        let (x, gy) =
            (&x[images.start * x_image..images.end * x_image], &gy[images.start * gy_image..images.end * gy_image]);
        SCRATCH.with_borrow_mut(|Scratch { pixels, v, m, sums }| {
            vectorize!(simd, {
                let u = at_least(sums, u_layout.len);
                let pixels = at_least(pixels, (plane.max(plane_out) + 1) * BLOCK);
                let groups = x.chunks(group_images * x_image).zip(gy.chunks(group_images * gy_image));
                for (group, (x, gy)) in groups.enumerate() {
                    let images = x.len() / x_image;
                    let tiles = images * tiling.count();
                    let (v_layout, w_layout) = (Layout::by_point(blocks, tiles), Layout::by_point(out_blocks, tiles));
                    let (v, w) = (at_least(v, v_layout.len), at_least(m, w_layout.len));
                    let (x_size, v_out) = ((size.c, plane), (&mut *v, &v_layout));
                    let (gy_size, w_out) = ((size.c_out, plane_out), (&mut *w, &w_layout));
                    // SAFETY: both sets of squares are those of the tiling, in planes of these sizes.
                    unsafe {
                        transform_images::<S, Input, 6>(simd, x, x_size, &x_squares, &tiling, pixels, v_out);
                        transform_images::<S, OutputGradient, 4>(
                            simd,
                            gy,
                            gy_size,
                            &gy_squares,
                            &tiling,
                            pixels,
                            w_out,
                        );
                    }
                    multiply(simd, (v, &v_layout), (w, &w_layout), (u, &u_layout), group > 0, (&tiling, images));
                }
                filter_adjoint(simd, u, &u_layout, size.c, gw);
            })
        });
    };
    let mut partials = Buffer::scratch(size.n.div_ceil(chunk_images) * partial);
    for_each_chunk(&mut partials, partial, chunk);
    for_each_chunk(gw, block_of_partial, |start, gw| {
        let block = start / block_of_partial;
        let mut sum = Buffer::scratch(block_of_partial);
        sum.fill(0.0);
        for partial in partials.chunks_exact(partial) {
            let partial = &partial[block * block_of_partial..][..block_of_partial];
            sum.iter_mut().zip(partial).for_each(|(sum, x)| *sum += x);
        }
        let pixels = size.c * TAPS;
        vectorize!(simd, from_blocked(simd, &sum, pixels, gw.len() / pixels, pixels, gw));
    });
}

/// U = V^T W, or U += V^T W, at each point: sums over tiles.
#[inline(always)]
fn multiply<S: Simd>(
    simd: S,
    (v, v_layout): (&[f32], &Layout),
    (w, w_layout): (&[f32], &Layout),
    (u, u_layout): (&mut [f32], &Layout),
    accumulate: bool,
    (tiling, images): (&Tiling, usize),
) {
    assert!(v.len() == v_layout.len && w.len() == w_layout.len && u.len() == u_layout.len);
    assert!(v_layout.blocks * BLOCK <= u_layout.rows && w_layout.blocks <= u_layout.blocks);
    assert_eq!(v_layout.rows, w_layout.rows);
    let (first, second) = (whole_vector::<S>(0), whole_vector::<S>(vector_distance::<S>(u_layout.block)));
    let vectors = w_layout.blocks * BLOCK / S::LANES;
    for (p, point) in points().enumerate() {
        let tiles = tiling.using(point, images);
        assert!(tiles.end <= v_layout.rows);
        for vector in (0..vectors).step_by(2) {
            for block in 0..v_layout.blocks {
                for (row, rows) in split_rows::<S>(BLOCK) {
                    // SAFETY: V, W and U have these points, blocks and rows, as asserted.
                    unsafe {
                        let (w, u) = (w.as_ptr().add(p * w_layout.point), u.as_mut_ptr().add(p * u_layout.point));
                        let tile = MicroTile::<1, BLOCK> {
                            rows,
                            a: v.as_ptr().add(p * v_layout.point + block * v_layout.block + tiles.start * BLOCK + row),
                            parts: 1,
                            part: tiles.len(),
                            a_part: 0,
                            b: w.add(vector_place::<S>(vector, w_layout.block) + tiles.start * BLOCK),
                            b_row: BLOCK,
                            b_vector: vector_distance::<S>(w_layout.block),
                            c: u.add(vector_place::<S>(vector, u_layout.block) + (block * BLOCK + row) * BLOCK),
                            c_row: BLOCK,
                            columns: [&first, if vector + 1 < vectors { &second } else { &[] }],
                            epilogue: if accumulate { Epilogue::Accumulate } else { Epilogue::Store },
                        };
                        tile.compute::<S, BLOCK>(simd, &mut []);
                    }
                }
            }
        }
    }
}
