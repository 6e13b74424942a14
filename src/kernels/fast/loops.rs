//! [`Loops`]: as few nested loops as it takes to visit every element of a shape in order.
//!
//! Axes of size 1 are left out, and two neighbouring axes become one where every operand may walk through both in one
//! go: (N, C, H, W) plus a bias (C, 1, 1) is (N, C, HW) plus (0, 1, 0), and two equal shapes are one long row. What
//! remains is a short loop over rows; the row itself is left to a vectorised inner loop.

use crate::shape::{MAX_RANK, Shape, Strides};
use std::ops::Range;

/// The loops, outermost first, with the strides of K operands.
#[derive(Clone, Copy)]
pub struct Loops<const K: usize> {
    /// How many loops there are, at least one.
    pub depth: usize,
    pub sizes: [usize; MAX_RANK],
    /// `strides[axis][operand]`
    pub strides: [[usize; K]; MAX_RANK],
}

impl<const K: usize> Loops<K> {
    pub fn new(shape: &Shape, strides: [&Strides; K]) -> Loops<K> {
        let mut loops = Loops { depth: 0, sizes: [1; MAX_RANK], strides: [[1; K]; MAX_RANK] };
        for (axis, &size) in shape.iter().enumerate().filter(|&(_, &size)| size != 1) {
            let inner = strides.map(|strides| strides[axis]);
            let last = loops.depth.saturating_sub(1);
            if loops.depth > 0 && loops.strides[last] == inner.map(|stride| stride * size) {
                loops.sizes[last] *= size;
            } else {
                loops.sizes[loops.depth] = size;
                loops.depth += 1;
            }
            loops.strides[loops.depth - 1] = inner;
        }
        loops.depth = loops.depth.max(1);
        loops
    }

    /// The strides along a row.
    pub fn along_row(&self) -> [usize; K] {
        self.strides[self.depth - 1]
    }

    /// The rows, or parts of rows, that make up the elements `start..start + len`: for each its place in this range
    /// and the offset of its first element in each operand.
    #[inline(always)]
    pub fn rows(&self, start: usize, len: usize) -> Rows<'_, K> {
        let (mut index, mut offsets, mut rest) = ([0; MAX_RANK], [0; K], start);
        if start > 0 {
            for axis in (0..self.depth).rev() {
                index[axis] = rest % self.sizes[axis];
                rest /= self.sizes[axis];
                (0..K).for_each(|k| offsets[k] += index[axis] * self.strides[axis][k]);
            }
        }
        Rows { loops: self, index, offsets, at: 0, len }
    }
}

/// See [`Loops::rows`].
pub struct Rows<'a, const K: usize> {
    loops: &'a Loops<K>,
    index: [usize; MAX_RANK],
    offsets: [usize; K],
    at: usize,
    len: usize,
}

impl<const K: usize> Iterator for Rows<'_, K> {
    type Item = (Range<usize>, [usize; K]);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.len {
            return None;
        }
        let (sizes, strides, last) = (&self.loops.sizes, &self.loops.strides, self.loops.depth - 1);
        let n = (sizes[last] - self.index[last]).min(self.len - self.at);
        let row = (self.at..self.at + n, self.offsets);
        self.at += n;
        // Like an odometer: back to the row's first element, then one step along the outer axes.
        (0..K).for_each(|k| self.offsets[k] -= self.index[last] * strides[last][k]);
        self.index[last] = 0;
        for axis in (0..last).rev() {
            self.index[axis] += 1;
            (0..K).for_each(|k| self.offsets[k] += strides[axis][k]);
            if self.index[axis] < sizes[axis] {
                break;
            }
            (0..K).for_each(|k| self.offsets[k] -= sizes[axis] * strides[axis][k]);
            self.index[axis] = 0;
        }
        Some(row)
    }
}
