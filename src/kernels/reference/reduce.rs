use super::strided::for_each_offset;
use crate::Real;
use crate::kernels::{Axes, Strides};
use crate::shape::Shape;

/// Strides under which an element finds its place in the result of a reduction: 0 along the axes marked in `over`.
pub fn reduced_strides(shape: &Shape, over: Axes) -> Strides {
    let mut strides = Strides::default();
    let mut step = 1;
    for axis in (0..shape.len()).rev().filter(|&axis| !over[axis]) {
        strides[axis] = step;
        step *= shape[axis];
    }
    strides
}

/// `y[j]` = sum of all `x[i]` whose index i is j along the axes that stay, in f64.
pub fn sum(x: &[Real], shape: &Shape, over: Axes, y: &mut [Real]) {
    let mut sums = vec![0.0f64; y.len()];
    for_each_offset(shape, [&shape.strides(), &reduced_strides(shape, over)], |[i, j]| sums[j] += f64::from(x[i]));
    for (y, sum) in y.iter_mut().zip(sums) {
        *y = sum as Real;
    }
}

/// `y[j]` = largest of all `x[i]` whose index i is j along the axes that stay.
pub fn max(x: &[Real], shape: &Shape, over: Axes, y: &mut [Real]) {
    y.fill(Real::NEG_INFINITY);
    for_each_offset(shape, [&shape.strides(), &reduced_strides(shape, over)], |[i, j]| {
        if x[i] > y[j] || x[i].is_nan() {
            y[j] = x[i];
        }
    });
}
