//! read_strided and write_strided: transpose, broadcast, narrow, pad and cat. See reference.rs.
//!
//! 1. Axes are joined (loops.rs); rows that are contiguous on both sides are copied, rows of one number filled.
//! 2. Where the rows run across x, some other axis runs along x: the two are transposed in tiles of 16 x 16, so that
//!    each cache line is read once and written once.
//! 3. Threads take pieces of y.

use super::cpu::for_each_level;
use super::loops::Loops;
use super::pieces::{PIECE, pieces, rows_per_piece};
use crate::kernels::View;
use crate::shape::{Shape, Strides};

pub fn read_strided(x: View, shape: &Shape, y: &mut [f32]) {
    if y.is_empty() {
        return;
    }
    let loops = Loops::new(shape, [&x.strides]);
    let inner = y.len() / loops.sizes[0];
    let along_x = (0..loops.depth).find(|&axis| loops.strides[axis] == [1]);
    match (loops.along_row(), along_x) {
        ([step], Some(axis)) if step > 1 => pieces(y, rows_per_piece(inner) * inner, |start, y| {
            let mut part = loops;
            part.sizes[0] = y.len() / inner;
            transpose_planes(&x.data[start / inner * loops.strides[0][0]..], &part, axis, y);
        }),
        ([step], _) => pieces(y, PIECE, |start, y| {
            for (row, [i]) in loops.rows(start, y.len()) {
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
fn transpose_planes(x: &[f32], loops: &Loops<1>, axis: usize, y: &mut [f32]) {
    let last = loops.depth - 1;
    let mut others = Loops { depth: loops.depth, sizes: loops.sizes, strides: [[1, 1]; _] };
    let mut step = 1;
    for axis in (0..loops.depth).rev() {
        others.strides[axis] = [loops.strides[axis][0], step];
        step *= loops.sizes[axis];
    }
    (others.sizes[axis], others.sizes[last]) = (1, 1);
    let planes = others.sizes[..loops.depth].iter().product();
    let [[_, step_y], [step_x, _]] = [others.strides[axis], others.strides[last]];
    for (_, [i, j]) in others.rows(0, planes) {
        transpose(&x[i..], step_x, &mut y[j..], step_y, loops.sizes[axis], loops.sizes[last]);
    }
}

const TILE: usize = 16;

for_each_level! {
    /// y[r * step_y + c] = x[c * step_x + r] for a plane of `rows` and `columns`.
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
}

pub fn write_strided(x: &[f32], shape: &Shape, y: &mut [f32], strides: &Strides) {
    if x.is_empty() {
        return;
    }
    let loops = Loops::new(shape, [strides]);
    let (size, step, inner) = (loops.sizes[0], loops.strides[0][0], x.len() / loops.sizes[0]);
    // How far from its first element one index of the outermost axis writes: less than a step, if nothing overlaps.
    let reach: usize = (1..loops.depth).map(|axis| (loops.sizes[axis] - 1) * loops.strides[axis][0]).sum();
    if reach >= step {
        return write_rows(x, &loops, 0, y);
    }
    let rows = rows_per_piece(inner);
    pieces(&mut y[..(size - 1) * step + reach + 1], rows * step, |start, y| {
        let from = start / step;
        write_rows(&x[from * inner..(from + rows).min(size) * inner], &loops, from, y);
    });
}

/// Writes the indices of the outermost axis from `from` on.
fn write_rows(x: &[f32], loops: &Loops<1>, from: usize, y: &mut [f32]) {
    let (start, origin) = (from * loops.sizes[1..].iter().product::<usize>(), from * loops.strides[0][0]);
    let [step] = loops.along_row();
    for (row, [j]) in loops.rows(start, x.len()) {
        let (x, y) = (&x[row], &mut y[j - origin..]);
        match step {
            1 => y[..x.len()].copy_from_slice(x),
            _ => x.iter().enumerate().for_each(|(k, &x)| y[k * step] = x),
        }
    }
}
