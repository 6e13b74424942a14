//! Fetching into the cache, while a micro-kernel computes, what is needed next: C, and what is packed next. Otherwise
//! packing waits for memory: a quarter of the time, for the gradient of a linear layer's weights (6272 rows, 512 to 128
//! numbers).
//!
//! The lines are asked for a few at a time, in between the multiply-adds: a core can wait for some twenty lines, and stops
//! at the next.

use super::simd::Simd;
use std::ops::Range;

/// Numbers of a cache line.
pub const LINE: usize = 16;

/// The cache lines of a part of a matrix, row by row.
pub struct Prefetch {
    at: *const f32,
    left_in_row: usize,
    per_row: usize,
    /// From the end of a row of lines.
    to_next_row: usize,
    left: usize,
    at_once: usize,
}

impl Prefetch {
    /// No lines.
    pub const NONE: Prefetch =
        Prefetch { at: std::ptr::null(), left_in_row: 0, per_row: 0, to_next_row: 0, left: 0, at_once: 0 };

    /// Of rows of `width` numbers that lie `row_stride` apart. They may be anywhere: fetching is not reading.
    pub fn new(start: *const f32, (rows, row_stride): (usize, usize), width: usize) -> Prefetch {
        let per_row = width.div_ceil(LINE);
        let to_next_row = row_stride.wrapping_sub(per_row * LINE);
        let left = rows * per_row;
        Prefetch { at: start, left_in_row: per_row, per_row, to_next_row, left, at_once: left }
    }

    /// Of some rows and columns of a matrix whose rows lie `row_stride` apart.
    pub fn of(data: &[f32], row_stride: usize, rows: Range<usize>, columns: Range<usize>) -> Prefetch {
        let start = data.as_ptr().wrapping_add(rows.start * row_stride + columns.start);
        Prefetch::new(start, (rows.len(), row_stride), columns.len())
    }

    /// All of them in so many calls of [`Prefetch::fetch`].
    pub fn in_calls(self, calls: usize) -> Prefetch {
        Prefetch { at_once: self.left.div_ceil(calls.max(1)), ..self }
    }

    /// Fetches the next lines.
    #[inline(always)]
    pub fn fetch<S: Simd>(&mut self, simd: S) {
        let lines = self.at_once.min(self.left);
        self.left -= lines;
        for _ in 0..lines {
            simd.prefetch(self.next());
        }
    }

    #[inline(always)]
    fn next(&mut self) -> *const f32 {
        let at = self.at;
        (self.at, self.left_in_row) = (at.wrapping_add(LINE), self.left_in_row - 1);
        if self.left_in_row == 0 {
            (self.at, self.left_in_row) = (self.at.wrapping_add(self.to_next_row), self.per_row);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::fast::simd::Portable;

    #[test]
    fn all_lines_of_a_part_are_fetched_row_by_row() {
        let data = [0.0f32; 100 * 7];
        let part = || Prefetch::of(&data, 100, 2..6, 16..51);
        let mut in_calls = part().in_calls(5);
        let left = [0; 5].map(|_| {
            in_calls.fetch(Portable);
            in_calls.left
        });
        assert_eq!(left, [9, 6, 3, 0, 0]);
        let mut lines = part();
        let places: Vec<usize> = (0..12).map(|_| (lines.next() as usize - data.as_ptr() as usize) / 4).collect();
        assert_eq!(places, [216, 232, 248, 316, 332, 348, 416, 432, 448, 516, 532, 548]);
    }
}
