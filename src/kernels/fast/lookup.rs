//! gather_rows and scatter_rows. See reference/lookup.rs.
//!
//! Rows are copied, or added, whole. Where many are scattered, each thread owns some rows of the table and looks
//! through all indices for them: no two threads write to one row, and each row is summed in the order of the indices.

use super::chunks::{CHUNK, for_each_chunk, rows_per_chunk};
use super::simd::Simd;

pub fn gather_rows<S: Simd>(_: S, table: &[f32], width: usize, indices: &[usize], y: &mut [f32]) {
    for_each_chunk(y, rows_per_chunk(width) * width, |start, y| {
        for (y, &row) in y.chunks_exact_mut(width).zip(&indices[start / width..]) {
            y.copy_from_slice(&table[row * width..][..width]);
        }
    });
}

pub fn scatter_rows<S: Simd>(_: S, gy: &[f32], width: usize, indices: &[usize], gtable: &mut [f32]) {
    /// Each part of the table costs one look through the indices.
    const PARTS: usize = 16;
    let (rows, work) = (gtable.len() / width.max(1), gy.len() + gtable.len());
    let parts = if work < CHUNK { 1 } else { PARTS };
    for_each_chunk(gtable, rows.div_ceil(parts) * width, |start, gtable| {
        gtable.fill(0.0);
        let own = start / width..(start + gtable.len()) / width;
        for (gy, row) in gy.chunks_exact(width).zip(indices).filter(|(_, row)| own.contains(row)) {
            let sums = &mut gtable[(row - own.start) * width..][..width];
            sums.iter_mut().zip(gy).for_each(|(sum, g)| *sum += g);
        }
    });
}
