//! Coalesced dimensions: as few nested loops as it takes to visit every element of a shape in order.
//!
//! Axes of size 1 are left out, and two neighbouring axes become one where both are one axis in the memory of every
//! operand: (N, C, H, W) plus a bias (C, 1, 1) is (N, C, HW) plus (0, 1, 0), and two equal shapes are one long row. What
//! remains is a short loop over rows; the row itself is left to a vectorised inner loop.

use crate::shape::{MAX_RANK, Shape, Strides};
use std::ops::Range;

/// Sizes of coalesced dimensions, outermost first, with the strides of K operands.
#[derive(Clone, Copy)]
pub struct Coalesced<const K: usize> {
    /// How many dimensions there are, at least one.
    pub depth: usize,
    pub sizes: [usize; MAX_RANK],
    /// `strides[axis][operand]`
    pub strides: [[usize; K]; MAX_RANK],
}

impl<const K: usize> Coalesced<K> {
    pub fn new(shape: &Shape, strides: [&Strides; K]) -> Coalesced<K> {
        let mut dims = Coalesced { depth: 0, sizes: [1; MAX_RANK], strides: [[1; K]; MAX_RANK] };
        for (axis, &size) in shape.iter().enumerate().filter(|&(_, &size)| size != 1) {
            let inner = strides.map(|strides| strides[axis]);
            let last = dims.depth.saturating_sub(1);
            if dims.depth > 0 && dims.strides[last] == inner.map(|stride| stride * size) {
                dims.sizes[last] *= size;
            } else {
                dims.sizes[dims.depth] = size;
                dims.depth += 1;
            }
            dims.strides[dims.depth - 1] = inner;
        }
        dims.depth = dims.depth.max(1);
        dims
    }

    /// The strides along a row.
    pub fn row_strides(&self) -> [usize; K] {
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
        Rows { dims: self, index, offsets, at: 0, len }
    }
}

/// See [`Coalesced::rows`].
pub struct Rows<'a, const K: usize> {
    dims: &'a Coalesced<K>,
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
        let (sizes, strides, last) = (&self.dims.sizes, &self.dims.strides, self.dims.depth - 1);
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
