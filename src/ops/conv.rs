//! Convolution and its two derivatives. All three are views of one form that is linear in x, w and gy each:
//! sum of gy[n, co, i, j] w[co, ci, di, dj] x[n, ci, i stride + di - padding, j stride + dj - padding].
//! Its derivative in gy is [`conv2d`](Variable::conv2d), in x [`conv2d_dx`], in w [`conv2d_dw`];
//! so the rule of each calls the other two, to any order.

use crate::Real;
use crate::graph::Save::Input;
use crate::graph::record;
use crate::hook::{self, Event};
use crate::kernels::{self, Conv};
use crate::shape::{MAX_COUNT, Shape};
use crate::tensor::Tensor;
use crate::variable::Variable;
use std::panic::Location;

impl Variable {
    /// y (N, C_out, H_out, W_out) from x (N, C, H, W), w (C_out, C, KH, KW) and bias (C_out), where x is zero outside:
    ///
    /// ```text
    /// y[n, co, i, j] = bias[co] + sum over ci, di, dj of
    ///                  w[co, ci, di, dj] x[n, ci, i stride + di - padding, j stride + dj - padding]
    /// ```
    ///
    /// H_out = (H + 2 padding - KH) / stride + 1, rounded down; W_out likewise. The zeros outside are multiplied as
    /// [`pad2d`](Variable::pad2d)'s would be: 0 times a weight that is infinite is NaN.
    ///
    /// # Panics
    /// If x or w have not four axes, channels differ, the bias is not (C_out), the stride is 0, or the kernel is empty
    /// or larger than the padded image.
    #[track_caller]
    pub fn conv2d(&self, w: &Variable, bias: Option<&Variable>, stride: usize, padding: usize) -> Variable {
        let size = conv_size(self, w, bias, stride, padding);
        let y = convolve(&size, self, bias, |x, bias, y| kernels::conv2d(&size, x, w.value().data(), bias, y));
        let (mut inputs, has_bias) = (vec![self, w], bias.is_some());
        inputs.extend(bias);
        // dbias = sum of gy over all axes but the channels
        record("conv2d", &inputs, &[Input(0), Input(1)], y, move |gy, ctx| {
            let gx = ctx.needs_grad(0).then(|| conv2d_dx(size, &gy, &ctx.x(1)));
            let gw = ctx.needs_grad(1).then(|| conv2d_dw(size, &ctx.x(0), &gy));
            let mut grads = vec![gx, gw];
            grads.extend(has_bias.then(|| ctx.needs_grad(2).then(|| gy.sum([0, 2, 3]))));
            grads
        })
    }

    /// The transposed convolution, which enlarges (Zeiler et al., 2010: deconvolution): x (N, C, H, W),
    /// w (C, C_out, KH, KW), bias (C_out), y (N, C_out, H_out, W_out) with H_out = (H - 1) stride - 2 padding + KH.
    /// Each pixel x(i, j) adds x(i, j) w to the pixels of y from (i stride - padding, j stride - padding) on. It is the
    /// adjoint of [`conv2d`](Variable::conv2d).
    ///
    /// # Panics
    /// If x or w have not four axes, channels differ, the bias is not (C_out), the stride is 0, image or kernel are
    /// empty, or nothing is left within the padding.
    #[track_caller]
    pub fn conv_transpose2d(&self, w: &Variable, bias: Option<&Variable>, stride: usize, padding: usize) -> Variable {
        let (x_shape, w_shape) = (self.shape(), w.shape());
        let fits = x_shape.len() == 4 && w_shape.len() == 4 && x_shape[1] == w_shape[0];
        assert!(fits, "conv_transpose2d: x {x_shape} and weight {w_shape} do not fit");
        let [c, c_out, kh, kw] = [w_shape[0], w_shape[1], w_shape[2], w_shape[3]];
        let b_shape = bias.map_or(Shape::new(&[c_out]), Variable::shape);
        assert!(*b_shape == [c_out], "conv_transpose2d: weight {w_shape}, bias {b_shape}: the bias must be ({c_out},)");
        let out = |size: usize, kernel: usize| {
            let padded = size.checked_sub(1)?.checked_mul(stride)?.checked_add(kernel)?;
            padded.checked_sub(padding.checked_mul(2)?).filter(|&left| stride > 0 && kernel > 0 && left > 0)
        };
        let (Some(h), Some(w_out)) = (out(x_shape[2], kh), out(x_shape[3], kw)) else {
            panic!(
                "conv_transpose2d: x {x_shape}, weight {w_shape}, stride {stride}, padding {padding}: no image is left"
            )
        };
        let size = Conv { n: x_shape[0], c: c_out, h, w: w_out, c_out: c, kh, kw, stride, padding };
        let y = conv2d_dx(size, self, w);
        if let Some(bias) = bias { y + bias.reshape([1, c_out, 1, 1]) } else { y }
    }
}

/// The weights w (C_out, C, KH, KW) in the form that the kernel of a convolution of this size computes with.
pub(crate) fn prepare_weights(size: &Conv, w: &Variable) -> Tensor {
    let prepare = |to: &mut [Real]| kernels::conv2d_prepare(size, w.value().data(), to);
    Tensor::build([kernels::conv2d_prepared_len(size)], prepare)
}

/// [`Variable::conv2d`] with prepared weights, where no graph is recorded.
#[track_caller]
pub(crate) fn conv2d_prepared(size: &Conv, x: &Variable, prepared: &Tensor, bias: Option<&Variable>) -> Variable {
    let y = convolve(size, x, bias, |x, bias, y| kernels::conv2d_prepared(size, x, prepared.data(), bias, y));
    let (inputs, caller) = ([x], Location::caller());
    hook::emit(|| Event::Forward { name: "conv2d", inputs: &inputs, output: &y, caller });
    y.into()
}

/// y, as `kernel(x, bias, y)` fills it in.
#[track_caller]
fn convolve(
    size: &Conv,
    x: &Variable,
    bias: Option<&Variable>,
    kernel: impl FnOnce(&[Real], Option<&[Real]>, &mut [Real]),
) -> Tensor {
    hook::emit(|| Event::Flops(size.flops()));
    let (x, bias) = (x.value(), bias.map(|b| b.value()));
    let shape = [size.n, size.c_out, size.h_out(), size.w_out()];
    Tensor::build(shape, |y| kernel(x.data(), bias.as_ref().map(|b| b.data()), y))
}

/// gx (N, C, H, W) from gy and w
#[track_caller]
fn conv2d_dx(size: Conv, gy: &Variable, w: &Variable) -> Variable {
    hook::emit(|| Event::Flops(size.flops()));
    let gx = Tensor::build([size.n, size.c, size.h, size.w], |gx| {
        kernels::conv2d_dx(&size, gy.value().data(), w.value().data(), gx)
    });
    record("conv2d_dx", &[gy, w], &[Input(0), Input(1)], gx, move |ggx, ctx| {
        let ggy = ctx.needs_grad(0).then(|| ggx.conv2d(&ctx.x(1), None, size.stride, size.padding));
        vec![ggy, ctx.needs_grad(1).then(|| conv2d_dw(size, &ggx, &ctx.x(0)))]
    })
}

/// gw (C_out, C, KH, KW) from x and gy
#[track_caller]
fn conv2d_dw(size: Conv, x: &Variable, gy: &Variable) -> Variable {
    hook::emit(|| Event::Flops(size.flops()));
    let gw = Tensor::build([size.c_out, size.c, size.kh, size.kw], |gw| {
        kernels::conv2d_dw(&size, x.value().data(), gy.value().data(), gw)
    });
    record("conv2d_dw", &[x, gy], &[Input(0), Input(1)], gw, move |ggw, ctx| {
        let gx = ctx.needs_grad(0).then(|| conv2d_dx(size, &ctx.x(1), &ggw));
        vec![gx, ctx.needs_grad(1).then(|| ctx.x(0).conv2d(&ggw, None, size.stride, size.padding))]
    })
}

/// The sizes of a convolution.
///
/// # Panics
/// As [`Variable::conv2d`].
#[track_caller]
pub(crate) fn conv_size(x: &Variable, w: &Variable, bias: Option<&Variable>, stride: usize, padding: usize) -> Conv {
    let (x, w) = (x.shape(), w.shape());
    assert!(x.len() == 4 && w.len() == 4, "conv2d: x {x}, weight {w}: both need four axes");
    assert!(x[1] == w[1], "conv2d: x {x}, weight {w}: {} channels meet {}", x[1], w[1]);
    assert!(stride > 0, "conv2d: x {x}, weight {w}: the stride must be at least 1");
    assert!(padding <= MAX_COUNT, "conv2d: x {x}, weight {w}, padding {padding}: no image is so large");
    let fits = w[2] > 0 && w[3] > 0 && x[2] + 2 * padding >= w[2] && x[3] + 2 * padding >= w[3];
    assert!(fits, "conv2d: x {x}, weight {w}, padding {padding}: the kernel does not fit into the image");
    if let Some(bias) = bias {
        assert!(*bias.shape() == [w[0]], "conv2d: weight {w}, bias {}: the bias must be ({},)", bias.shape(), w[0]);
    }
    let [n, c, h, width] = [x[0], x[1], x[2], x[3]];
    Conv { n, c, h, w: width, c_out: w[0], kh: w[2], kw: w[3], stride, padding }
}
