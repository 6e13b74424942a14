use crate::Real;
use crate::kernels::{Strides, View};
use crate::shape::{MAX_RANK, Shape};

/// Calls `visit` with the offset, under each of the strides, of every element of `shape` in order.
pub fn for_each_offset<const N: usize>(shape: &Shape, strides: [&Strides; N], mut visit: impl FnMut([usize; N])) {
    let mut index = [0; MAX_RANK];
    for _ in 0..shape.count() {
        visit(strides.map(|strides| index.iter().zip(strides).map(|(i, stride)| i * stride).sum()));
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

/// `y[i] = x[i]` for every index i of `shape`, where x is read through its strides.
pub fn read_strided(x: View, shape: &Shape, y: &mut [Real]) {
    let mut y = y.iter_mut();
    for_each_offset(shape, [&x.strides], |[i]| *y.next().expect("y has shape") = x.data[i]);
}

/// `y[i] = x[i]` for every index i of `shape`, where y is written through its strides.
pub fn write_strided(x: &[Real], shape: &Shape, y: &mut [Real], strides: &Strides) {
    let mut x = x.iter();
    for_each_offset(shape, [strides], |[i]| y[i] = *x.next().expect("x has shape"));
}
