//! read_strided and write_strided: transpose, broadcast, narrow, pad and cat. See reference/strided.rs.
//!
//! 1. Dimensions are coalesced (coalesce.rs); rows that are contiguous on both sides are copied, rows of one number filled.
//! 2. Where the rows run across x, some other axis runs along x: the two are transposed in tiles of 16 x 16, so that
//!    each cache line is read once and written once.
//! 3. Threads take chunks of y.

use super::chunks::{CHUNK, for_each_chunk, rows_per_chunk};
use super::coalesce::Coalesced;
use super::simd::{Simd, vectorize};
use crate::kernels::View;
use crate::shape::{Shape, Strides};

pub fn read_strided<S: Simd>(simd: S, x: View, shape: &Shape, y: &mut [f32]) {
    if y.is_empty() {
        return;
    }
    let dims = Coalesced::new(shape, [&x.strides]);
    let inner = y.len() / dims.sizes[0];
    let along_x = (0..dims.depth).find(|&axis| dims.strides[axis] == [1]);
    match (dims.row_strides(), along_x) {
        ([step], Some(axis)) if step > 1 => for_each_chunk(y, rows_per_chunk(inner) * inner, |start, y| {
            let mut part = dims;
            part.sizes[0] = y.len() / inner;
            vectorize!(simd, transpose_planes(&x.data[start / inner * dims.strides[0][0]..], &part, axis, y));
        }),
        ([step], _) => for_each_chunk(y, CHUNK, |start, y| {
            for (row, [i]) in dims.rows(start, y.len()) {
                match step {
                    0 => y[row].fill(x.data[i]),
                    1 => y[row.clone()].copy_from_slice(&x.data[i..i + row.len()]),
                    _ => y[row].iter_mut().zip(x.data[i..].iter().step_by(step)).for_each(|(y, &x)| *y = x),
                }
            }
        }),
    }
}

/// `axis` runs along x, and the last axis along y: transposes these two for every index of the other axes.
#[inline(always)]
fn transpose_planes(x: &[f32], dims: &Coalesced<1>, axis: usize, y: &mut [f32]) {
    let last = dims.depth - 1;
    let mut others = Coalesced { depth: dims.depth, sizes: dims.sizes, strides: [[1, 1]; _] };
    let mut step = 1;
    for axis in (0..dims.depth).rev() {
        others.strides[axis] = [dims.strides[axis][0], step];
        step *= dims.sizes[axis];
    }
    (others.sizes[axis], others.sizes[last]) = (1, 1);
    let planes = others.sizes[..dims.depth].iter().product();
    let [[_, step_y], [step_x, _]] = [others.strides[axis], others.strides[last]];
    for (_, [i, j]) in others.rows(0, planes) {
        transpose(&x[i..], step_x, &mut y[j..], step_y, dims.sizes[axis], dims.sizes[last]);
    }
}

const TILE: usize = 16;

/// y[r * step_y + c] = x[c * step_x + r] for a plane of `rows` and `columns`.
#[inline(always)]
fn transpose(x: &[f32], step_x: usize, y: &mut [f32], step_y: usize, rows: usize, columns: usize) {
    for r0 in (0..rows).step_by(TILE) {
        for c0 in (0..columns).step_by(TILE) {
            let (height, width) = (TILE.min(rows - r0), TILE.min(columns - c0));
            let (x, y) = (&x[c0 * step_x + r0..], &mut y[r0 * step_y + c0..]);
            if height == TILE && width == TILE {
                let column = |c: usize| x[c * step_x..].first_chunk::<TILE>().expect("a whole tile");
                let tile: [&[f32; TILE]; TILE] = std::array::from_fn(column);
                for r in 0..TILE {
                    let row = y[r * step_y..].first_chunk_mut::<TILE>().expect("a whole tile");
                    *row = std::array::from_fn(|c| tile[c][r]);
                }
            } else {
                for (r, c) in (0..height).flat_map(|r| (0..width).map(move |c| (r, c))) {
                    y[r * step_y + c] = x[c * step_x + r];
                }
            }
        }
    }
}

pub fn write_strided<S: Simd>(_: S, x: &[f32], shape: &Shape, y: &mut [f32], strides: &Strides) {
    if x.is_empty() {
        return;
    }
    let dims = Coalesced::new(shape, [strides]);
    let (size, step, inner) = (dims.sizes[0], dims.strides[0][0], x.len() / dims.sizes[0]);
    // How far from its first element one index of the outermost axis writes: less than a step, if nothing overlaps.
    let reach: usize = (1..dims.depth).map(|axis| (dims.sizes[axis] - 1) * dims.strides[axis][0]).sum();
    if reach >= step {
        return write_rows(x, &dims, 0, y);
    }
    let rows = rows_per_chunk(inner);
    for_each_chunk(&mut y[..(size - 1) * step + reach + 1], rows * step, |start, y| {
        let from = start / step;
        write_rows(&x[from * inner..(from + rows).min(size) * inner], &dims, from, y);
    });
}

/// Writes the indices of the outermost axis from `from` on.
fn write_rows(x: &[f32], dims: &Coalesced<1>, from: usize, y: &mut [f32]) {
    let (start, origin) = (from * dims.sizes[1..].iter().product::<usize>(), from * dims.strides[0][0]);
    let [step] = dims.row_strides();
    for (row, [j]) in dims.rows(start, x.len()) {
        let (x, y) = (&x[row], &mut y[j - origin..]);
        match step {
            1 => y[..x.len()].copy_from_slice(x),
            _ => x.iter().enumerate().for_each(|(k, &x)| y[k * step] = x),
        }
    }
}
