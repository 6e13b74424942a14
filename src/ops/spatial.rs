//! Pooling, padding and upsampling of images x (N, C, H, W).

use crate::Real;
use crate::graph::Save::Input;
use crate::graph::record;
use crate::kernels::{self, Planes, Pool};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::variable::Variable;

impl Variable {
    /// The largest number of each window of kernel x kernel pixels, `stride` apart: y (N, C, H_out, W_out) with
    /// H_out = (H - kernel) / stride + 1, rounded down: windows that would stick out are left out. The gradient goes to
    /// the first place of the window that holds the largest number.
    ///
    /// # Panics
    /// If x has not four axes, no window fits, or kernel or stride are 0.
    #[track_caller]
    pub fn max_pool2d(&self, kernel: usize, stride: usize) -> Variable {
        let shape = self.shape();
        check_windows("max_pool2d", &shape, kernel, stride);
        let size = Pool { planes: shape[0] * shape[1], h: shape[2], w: shape[3], kernel, stride };
        let y = pooled(&size, &self.value(), &self.value()).reshape([shape[0], shape[1], size.h_out(), size.w_out()]);
        record("max_pool2d", &[self], &[Input(0)], y, move |gy, ctx| {
            vec![Some(max_unpool(size, &ctx.x(0).value(), &gy))]
        })
    }

    /// The mean of each window, of the same windows as [`Variable::max_pool2d`].
    ///
    /// # Panics
    /// As [`Variable::max_pool2d`].
    #[track_caller]
    pub fn avg_pool2d(&self, kernel: usize, stride: usize) -> Variable {
        let shape = self.shape();
        check_windows("avg_pool2d", &shape, kernel, stride);
        let evenly = Tensor::full([1, 1, kernel, kernel], 1.0 / (kernel * kernel) as Real);
        let y = self.reshape([shape[0] * shape[1], 1, shape[2], shape[3]]).conv2d(&evenly.into(), None, stride, 0);
        let [h, w] = [y.shape()[2], y.shape()[3]];
        y.reshape([shape[0], shape[1], h, w])
    }

    /// So many columns of zeros on the left and on the right of the image, and rows above and below:
    /// y (N, C, top + H + bottom, left + W + right).
    ///
    /// # Panics
    /// If x has fewer than two axes.
    #[track_caller]
    pub fn pad2d(&self, left: usize, right: usize, top: usize, bottom: usize) -> Variable {
        self.pad(-1, left, right).pad(-2, top, bottom)
    }

    /// `scale` times as large; every pixel becomes a square: y (N, C, scale H, scale W).
    ///
    /// # Panics
    /// If x has not four axes.
    #[track_caller]
    pub fn upsample_nearest2d(&self, scale: usize) -> Variable {
        let shape = self.shape();
        assert!(shape.len() == 4, "upsample_nearest2d: x {shape} is not (N, C, H, W)");
        let [n, c, h, w] = [shape[0], shape[1], shape[2], shape[3]];
        let squares = self.reshape([n, c, h, 1, w, 1]).broadcast_to([n, c, h, scale, w, scale]);
        squares.reshape([n, c, h * scale, w * scale])
    }

    /// Twice as large, linear between the centres of the pixels (PyTorch: bilinear, align_corners = false):
    /// y (N, C, 2 H, 2 W).
    ///
    /// # Panics
    /// If x has not four axes.
    #[track_caller]
    pub fn upsample_bilinear2d(&self) -> Variable {
        let shape = self.shape();
        assert!(shape.len() == 4, "upsample_bilinear2d: x {shape} is not (N, C, H, W)");
        let size = Planes { planes: shape[0] * shape[1], h: shape[2], w: shape[3] };
        let y = Tensor::build([shape[0], shape[1], 2 * size.h, 2 * size.w], |y| {
            kernels::upsample_bilinear2d(&size, self.value().data(), y)
        });
        record("upsample_bilinear2d", &[self], &[], y, move |gy, _| vec![Some(gy.upsample_bilinear2d_dx())])
    }

    /// The adjoint of [`Variable::upsample_bilinear2d`], from (N, C, 2H, 2W) to (N, C, H, W).
    #[track_caller]
    fn upsample_bilinear2d_dx(&self) -> Variable {
        let shape = self.shape();
        let size = Planes { planes: shape[0] * shape[1], h: shape[2] / 2, w: shape[3] / 2 };
        let gx = Tensor::build([shape[0], shape[1], size.h, size.w], |gx| {
            kernels::upsample_bilinear2d_dx(&size, self.value().data(), gx)
        });
        record("upsample_bilinear2d_dx", &[self], &[], gx, |ggx, _| vec![Some(ggx.upsample_bilinear2d())])
    }
}

#[track_caller]
fn check_windows(op: &str, shape: &Shape, kernel: usize, stride: usize) {
    let fits = shape.len() == 4 && kernel > 0 && stride > 0 && shape[2] >= kernel && shape[3] >= kernel;
    assert!(fits, "{op}: windows of {kernel} with stride {stride} do not fit into x {shape}");
}

/// v at the places of x's largest numbers
fn pooled(size: &Pool, x: &Tensor, v: &Tensor) -> Tensor {
    Tensor::build([size.planes, size.h_out(), size.w_out()], |y| kernels::max_pool2d(size, x.data(), v.data(), y))
}

/// gy put back to the places of x's largest numbers: linear in gy, and x only says where.
#[track_caller]
fn max_unpool(size: Pool, x: &Tensor, gy: &Variable) -> Variable {
    let gx = Tensor::build(*x.shape(), |gx| kernels::max_pool2d_dx(&size, x.data(), gy.value().data(), gx));
    let (x, y_shape) = (x.clone(), gy.shape());
    record("max_pool2d_dx", &[gy], &[], gx, move |ggx, _| vec![Some(gather_maxima(size, &x, &ggx).reshape(y_shape))])
}

/// v at the places of x's largest numbers: linear in v.
#[track_caller]
fn gather_maxima(size: Pool, x: &Tensor, v: &Variable) -> Variable {
    let (y, x) = (pooled(&size, x, &v.value()), x.clone());
    record("max_pool2d_pick", &[v], &[], y, move |gy, _| vec![Some(max_unpool(size, &x, &gy))])
}
