//! The same numbers elsewhere: reshape, flatten, permute, transpose, broadcast_to, narrow and its adjoint pad, cat.

use crate::graph::record;
use crate::kernels::{self, View};
use crate::shape::{MAX_RANK, Shape, Strides};
use crate::tensor::Tensor;
use crate::variable::Variable;

impl Variable {
    /// The same numbers in another shape, without copying them.
    ///
    /// # Panics
    /// If that has another number of elements.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Variable {
        let (from, to) = (self.shape(), shape.into());
        if from == to {
            return self.clone();
        }
        let y = self.value().reshape(to);
        record("reshape", &[self], &[], y, move |gy, _| vec![Some(gy.reshape(from))])
    }

    /// All axes from `axis` on as one: `x.flatten(1)` makes (N, C H W) of x (N, C, H, W).
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn flatten(&self, axis: isize) -> Variable {
        let shape = self.shape();
        let (kept, joined) = shape.split_at(shape.axis("flatten", axis));
        self.reshape(&[kept, &[joined.iter().product()]].concat()[..])
    }

    /// Axis i of the result is axis `axes[i]` of x (NumPy: `transpose(axes)`).
    ///
    /// # Panics
    /// If `axes` do not hold each axis once.
    #[track_caller]
    pub fn permute(&self, axes: &[usize]) -> Variable {
        let x = self.value();
        let (shape, strides) = (x.shape(), x.shape().strides());
        let inverse: Vec<usize> = (0..shape.len()).filter_map(|axis| axes.iter().position(|&a| a == axis)).collect();
        let once = inverse.len() == shape.len() && axes.len() == shape.len();
        assert!(once, "permute: {axes:?} do not hold each axis of {shape} once");
        let mut permuted = Strides::default();
        axes.iter().zip(&mut permuted).for_each(|(&axis, stride)| *stride = strides[axis]);
        let sizes: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
        let y = read(&x, 0, &permuted, Shape::new(&sizes));
        record("permute", &[self], &[], y, move |gy, _| vec![Some(gy.permute(&inverse))])
    }

    /// x with two axes exchanged: `x.transpose(-2, -1)` transposes each matrix of x (.., m, n) to (.., n, m).
    ///
    /// # Panics
    /// If one of the axes does not exist.
    #[track_caller]
    pub fn transpose(&self, axis0: isize, axis1: isize) -> Variable {
        let shape = self.shape();
        let mut axes: Vec<usize> = (0..shape.len()).collect();
        axes.swap(shape.axis("transpose", axis0), shape.axis("transpose", axis1));
        self.permute(&axes)
    }

    /// x repeated to a larger shape by NumPy's rule: axes are aligned at the right, and those of size 1 are repeated.
    ///
    /// # Panics
    /// If x does not broadcast to it.
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Variable {
        let (from, to) = (self.shape(), shape.into());
        if from == to {
            return self.clone();
        }
        assert!(from.broadcast(&to) == Some(to), "broadcast_to: {from} does not broadcast to {to}");
        let y = read(&self.value(), 0, &from.strides_broadcast_to(&to), to);
        record("broadcast_to", &[self], &[], y, move |gy, _| vec![Some(gy.sum_to(from))])
    }

    /// The part start..start + len of one axis: narrow(0, 2, 3) of x (N, ..) is x\[2..5\] (3, ..).
    ///
    /// # Panics
    /// If the axis does not exist or is shorter.
    #[track_caller]
    pub fn narrow(&self, axis: isize, start: usize, len: usize) -> Variable {
        let shape = self.shape();
        let at = shape.axis("narrow", axis);
        let size = shape[at];
        let inside = start.checked_add(len).is_some_and(|end| end <= size);
        assert!(inside, "narrow: {len} from {start} on do not fit into axis {axis} of {shape}");
        let y = read(&self.value(), start * shape.strides()[at], &shape.strides(), with_size(&shape, at, len));
        record("narrow", &[self], &[], y, move |gy, _| vec![Some(gy.pad(axis, start, size - start - len))])
    }

    /// So many zeros before and after x along one axis.
    ///
    /// # Panics
    /// If the axis does not exist, or memory cannot hold the result.
    #[track_caller]
    pub fn pad(&self, axis: isize, before: usize, after: usize) -> Variable {
        let shape = self.shape();
        let at = shape.axis("pad", axis);
        let size = shape[at];
        let padded = with_size(&shape, at, before.saturating_add(size).saturating_add(after));
        let y = Tensor::build(padded, |y| {
            y.fill(0.0);
            write(&self.value(), before * padded.strides()[at], &padded.strides(), y);
        });
        record("pad", &[self], &[], y, move |gy, _| vec![Some(gy.narrow(axis, before, size))])
    }

    /// The parts one after another along one axis: of x (N, C, ..) and y (N, D, ..) along axis 1, (N, C + D, ..).
    ///
    /// # Panics
    /// If there is no part, the axis does not exist, or the parts differ in another axis.
    #[track_caller]
    pub fn cat(parts: &[&Variable], axis: isize) -> Variable {
        assert!(!parts.is_empty(), "cat: there is nothing to join");
        let first = parts[0].shape();
        let at = first.axis("cat", axis);
        let mut sizes = Vec::with_capacity(parts.len());
        for shape in parts.iter().map(|part| part.shape()) {
            let fits = shape.len() == first.len() && with_size(&shape, at, 0) == with_size(&first, at, 0);
            assert!(fits, "cat: {first} and {shape} differ in more than axis {axis}");
            sizes.push(shape[at]);
        }
        let joined = with_size(&first, at, sizes.iter().sum());
        let strides = joined.strides();
        let y = Tensor::build(joined, |y| {
            let mut offset = 0;
            for (part, size) in parts.iter().zip(&sizes) {
                write(&part.value(), offset, &strides, y);
                offset += size * strides[at];
            }
        });
        record("cat", parts, &[], y, move |gy, ctx| {
            let mut start = 0;
            let part = |(i, &size): (usize, &usize)| {
                start += size;
                ctx.needs_grad(i).then(|| gy.narrow(axis, start - size, size))
            };
            sizes.iter().enumerate().map(part).collect()
        })
    }
}

#[track_caller]
fn with_size(shape: &Shape, axis: usize, size: usize) -> Shape {
    let mut sizes = [0; MAX_RANK];
    sizes[..shape.len()].copy_from_slice(shape);
    sizes[axis] = size;
    Shape::new(&sizes[..shape.len()])
}

/// x from `offset` on, read through `strides`.
fn read(x: &Tensor, offset: usize, strides: &Strides, shape: Shape) -> Tensor {
    let data = x.data().get(offset..).unwrap_or(&[]);
    Tensor::build(shape, |y| kernels::read_strided(View { data, strides: *strides }, &shape, y))
}

/// Writes x into y from `offset` on, through y's strides.
fn write(x: &Tensor, offset: usize, strides: &Strides, y: &mut [crate::Real]) {
    if !x.data().is_empty() {
        kernels::write_strided(x.data(), x.shape(), &mut y[offset..], strides);
    }
}
