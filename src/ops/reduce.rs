//! Many numbers into few: sum, mean, var and max over any axes.

use crate::Real;
use crate::graph::Save::{Input, Output};
use crate::graph::record;
use crate::kernels::{self, Binary};
use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;
use crate::variable::Variable;

/// Which axes a reduction runs over, and whether they stay with size 1: `x.sum(..)` over all, `x.sum(1)`,
/// `x.sum(-1)`, `x.sum([0, 2])`, `x.sum(keepdim(1))`, `x.sum(keepdim([0, 2]))`.
#[derive(Clone)]
pub struct Axes {
    list: Option<Vec<isize>>,
    keep: bool,
}

/// The same axes, but they stay with size 1, so that the result broadcasts against what it was made from.
#[track_caller]
pub fn keepdim(axes: impl Into<Axes>) -> Axes {
    Axes { keep: true, ..axes.into() }
}

impl From<std::ops::RangeFull> for Axes {
    fn from(_: std::ops::RangeFull) -> Axes {
        Axes { list: None, keep: false }
    }
}

impl From<isize> for Axes {
    fn from(axis: isize) -> Axes {
        Axes { list: Some(vec![axis]), keep: false }
    }
}

impl<const N: usize> From<[isize; N]> for Axes {
    fn from(axes: [isize; N]) -> Axes {
        Axes { list: Some(axes.to_vec()), keep: false }
    }
}

/// What a reduction leaves: which axes go, the shape that remains, and that with the reduced axes kept as 1.
struct Reduced {
    over: kernels::Axes,
    shape: Shape,
    kept: Shape,
    /// How many numbers go into each result.
    count: usize,
}

impl Reduced {
    #[track_caller]
    fn new(op: &str, of: &Shape, axes: Axes) -> Reduced {
        let mut over = [false; MAX_RANK];
        match &axes.list {
            None => over[..of.len()].fill(true),
            Some(list) => {
                for &axis in list {
                    let twice = std::mem::replace(&mut over[of.axis(op, axis)], true);
                    assert!(!twice, "{op}: axis {axis} of {of} is named twice");
                }
            }
        }
        let sizes: Vec<usize> = (0..of.len()).map(|axis| if over[axis] { 1 } else { of[axis] }).collect();
        let kept = Shape::new(&sizes);
        let rest: Vec<usize> = (0..of.len()).filter(|&axis| !over[axis]).map(|axis| of[axis]).collect();
        let count = (0..of.len()).filter(|&axis| over[axis]).map(|axis| of[axis]).product();
        Reduced { over, shape: if axes.keep { kept } else { Shape::new(&rest) }, kept, count }
    }
}

impl Variable {
    /// y = sum of x over `axes`,  dx = gy repeated along them
    ///
    /// # Panics
    /// If one of the axes does not exist or is named twice.
    #[track_caller]
    pub fn sum(&self, axes: impl Into<Axes>) -> Variable {
        self.reduced("sum", &Reduced::new("sum", &self.shape(), axes.into()))
    }

    #[track_caller]
    fn reduced(&self, name: &'static str, to: &Reduced) -> Variable {
        let (x, kept) = (self.value(), to.kept);
        let shape = *x.shape();
        let y = Tensor::build(to.shape, |y| kernels::sum(x.data(), &shape, to.over, y));
        record(name, &[self], &[], y, move |gy, _| vec![Some(gy.reshape(kept).broadcast_to(shape))])
    }

    /// y = mean of x over `axes`; NaN over no numbers.
    ///
    /// # Panics
    /// If one of the axes does not exist or is named twice.
    #[track_caller]
    pub fn mean(&self, axes: impl Into<Axes>) -> Variable {
        let to = Reduced::new("mean", &self.shape(), axes.into());
        self.reduced("mean", &to) / to.count as Real
    }

    /// y = biased variance of x over `axes`, the mean of (x - mean(x))^2 (`torch.var` with `correction=0`). The norms
    /// calculate it in place, because they need x - mean(x) as well; this is for looking at activations or
    /// images.
    ///
    /// # Panics
    /// If one of the axes does not exist or is named twice.
    #[track_caller]
    pub fn var(&self, axes: impl Into<Axes>) -> Variable {
        let to = Reduced::new("var", &self.shape(), axes.into());
        let mean = self.reduced("mean", &to).reshape(to.kept) / to.count as Real;
        (self - mean).square().reduced("sum", &to) / to.count as Real
    }

    /// y = the largest number over `axes` (`torch.amax`), NaN if there is one; its gradient is shared evenly among
    /// equals.
    ///
    /// # Panics
    /// If one of the axes does not exist or is named twice, or there are no numbers along them.
    #[track_caller]
    pub fn max(&self, axes: impl Into<Axes>) -> Variable {
        let (x, to) = (self.value(), Reduced::new("max", &self.shape(), axes.into()));
        assert!(to.count > 0, "max: shape {} has nothing to choose from along these axes", x.shape());
        let y = Tensor::build(to.shape, |y| kernels::max(x.data(), x.shape(), to.over, y));
        // dx = gy / (how many are equal to y) where x = y, else 0
        record("max", &[self], &[Input(0), Output], y, move |gy, ctx| {
            let y = ctx.y().value().reshape(to.kept);
            let equal = Variable::new(ctx.x(0).value().binary("max", Binary::Equal, &y));
            let share = &equal / equal.sum_to(to.kept);
            vec![Some(gy.reshape(to.kept) * share)]
        })
    }

    /// The largest number over `axes`, which stay with size 1, as a constant; -inf over nothing. To subtract it keeps
    /// e^x from overflowing, and changes nothing in the softmax family. `op` is for messages.
    #[track_caller]
    pub(super) fn detached_max(&self, op: &str, axes: impl Into<Axes>) -> Variable {
        let (x, to) = (self.value(), Reduced::new(op, &self.shape(), axes.into()));
        Tensor::build(to.kept, |y| kernels::max(x.data(), x.shape(), to.over, y)).into()
    }

    /// Sums away what broadcasting to this shape from `shape` had repeated.
    #[track_caller]
    pub(super) fn sum_to(&self, shape: Shape) -> Variable {
        let own = self.shape();
        if own == shape {
            return self.clone();
        }
        let mut over = [false; MAX_RANK];
        let missing = own.len() - shape.len();
        for axis in 0..own.len() {
            over[axis] = axis < missing || shape[axis - missing] == 1;
        }
        let sizes: Vec<usize> = (0..own.len()).map(|axis| if over[axis] { 1 } else { own[axis] }).collect();
        self.reduced("sum", &Reduced { over, shape, kept: Shape::new(&sizes), count: 0 })
    }
}
