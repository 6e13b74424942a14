//! gather_rows and scatter_rows. See reference.rs.
//!
//! Rows are copied, or added, whole. Where many are scattered, each thread owns some rows of the table and looks
//! through all indices for them: no two threads write to one row, and each row is summed in the order of the indices.

use super::pieces::{PIECE, pieces, rows_per_piece};

pub fn gather_rows(table: &[f32], width: usize, indices: &[usize], y: &mut [f32]) {
    pieces(y, rows_per_piece(width) * width, |start, y| {
        for (y, &row) in y.chunks_exact_mut(width).zip(&indices[start / width..]) {
            y.copy_from_slice(&table[row * width..][..width]);
        }
    });
}

pub fn scatter_rows(gy: &[f32], width: usize, indices: &[usize], gtable: &mut [f32]) {
    /// Each part of the table costs one look through the indices.
    const PARTS: usize = 16;
    let (rows, work) = (gtable.len() / width.max(1), gy.len() + gtable.len());
    let parts = if work < PIECE { 1 } else { PARTS };
    pieces(gtable, rows.div_ceil(parts) * width, |start, gtable| {
        gtable.fill(0.0);
        let own = start / width..(start + gtable.len()) / width;
        for (gy, row) in gy.chunks_exact(width).zip(indices).filter(|(_, row)| own.contains(row)) {
            let sums = &mut gtable[(row - own.start) * width..][..width];
            sums.iter_mut().zip(gy).for_each(|(sum, g)| *sum += g);
        }
    });
}
