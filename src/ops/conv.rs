//! Convolution and its two derivatives. All three are views of one form that is linear in x, w and gy each:
//! sum of gy[n, co, i, j] w[co, ci, di, dj] x[n, ci, i stride + di - padding, j stride + dj - padding].
//! Its derivative in gy is [`conv2d`](Variable::conv2d), in x [`conv2d_dx`], in w [`conv2d_dw`];
//! so the rule of each calls the other two, to any order.

use crate::graph::{X0, X1, record};
use crate::kernels::{self, Conv};
use crate::mode;
use crate::shape::MAX_COUNT;
use crate::tensor::Tensor;
use crate::variable::Variable;

impl Variable {
    /// y (N, C_out, H_out, W_out) from x (N, C, H, W), w (C_out, C, KH, KW) and bias (C_out);
    /// H_out = (H + 2 padding - KH) / stride + 1, rounded down.
    ///
    /// # Panics
    /// If channels differ, the stride is 0, or the kernel is empty or larger than the padded image.
    #[track_caller]
    pub fn conv2d(&self, w: &Variable, bias: Option<&Variable>, stride: usize, padding: usize) -> Variable {
        let size = conv_size(self, w, bias, stride, padding);
        let mut inputs = vec![self, w];
        inputs.extend(bias);
        // dbias = sum of gy over all but the channels
        record("conv2d", &inputs, X0 | X1, convolved(&size, self, w, bias), move |gy, c| {
            let gx = c.needs(0).then(|| conv2d_dx(size, &gy, &c.x(1)));
            let gw = c.needs(1).then(|| conv2d_dw(size, &c.x(0), &gy));
            let mut grads = vec![gx, gw];
            grads.extend((c.inputs() == 3).then(|| c.needs(2).then(|| gy.sum([0, 2, 3]))));
            grads
        })
    }

    /// The adjoint of a convolution, used to enlarge: x (N, C, H, W), w (C, C_out, KH, KW), bias (C_out),
    /// y (N, C_out, H_out, W_out) with H_out = (H - 1) stride - 2 padding + KH.
    ///
    /// # Panics
    /// If channels differ, the stride is 0, image or kernel are empty, or nothing is left within the padding.
    #[track_caller]
    pub fn conv_transpose2d(&self, weight: &Variable, bias: &Variable, stride: usize, padding: usize) -> Variable {
        let (x_shape, w_shape, b_shape) = (self.shape(), weight.shape(), bias.shape());
        let fits = x_shape.len() == 4 && w_shape.len() == 4 && x_shape[1] == w_shape[0] && *b_shape == [w_shape[1]];
        assert!(fits, "conv_transpose2d: x {x_shape}, weight {w_shape} and bias {b_shape} do not fit");
        let [c, c_out, kh, kw] = [w_shape[0], w_shape[1], w_shape[2], w_shape[3]];
        let out = |size: usize, kernel: usize| {
            let padded = size.checked_sub(1)?.checked_mul(stride)?.checked_add(kernel)?;
            padded.checked_sub(padding.checked_mul(2)?).filter(|&left| stride > 0 && kernel > 0 && left > 0)
        };
        let (Some(h), Some(w)) = (out(x_shape[2], kh), out(x_shape[3], kw)) else {
            panic!(
                "conv_transpose2d: x {x_shape}, weight {w_shape}, stride {stride}, padding {padding}: no image is left"
            )
        };
        let size = Conv { n: x_shape[0], c: c_out, h, w, c_out: c, kh, kw, stride, padding };
        conv2d_dx(size, self, weight) + bias.reshape([1, c_out, 1, 1])
    }
}

/// While no graph is recorded, weights are rarely updated: what the kernel makes of them is kept.
#[track_caller]
fn convolved(size: &Conv, x: &Variable, w: &Variable, bias: Option<&Variable>) -> Tensor {
    let (x, bias) = (x.value(), bias.map(|b| b.value()));
    let (x, bias) = (x.data(), bias.as_ref().map(|b| b.data()));
    Tensor::written([size.n, size.c_out, size.h_out(), size.w_out()], |y| {
        if mode::is_recording() {
            return kernels::conv2d(size, x, w.value().data(), bias, y);
        }
        let len = kernels::conv2d_prepared_len(size);
        let prepared = w.prepared(len, |w, prepared| kernels::conv2d_prepare(size, w, prepared));
        kernels::conv2d_prepared(size, x, prepared.data(), bias, y)
    })
}

/// gx (N, C, H, W) from gy and w
#[track_caller]
fn conv2d_dx(size: Conv, gy: &Variable, w: &Variable) -> Variable {
    let gx = Tensor::written([size.n, size.c, size.h, size.w], |gx| {
        kernels::conv2d_dx(&size, gy.value().data(), w.value().data(), gx)
    });
    record("conv2d_dx", &[gy, w], X0 | X1, gx, move |ggx, c| {
        let ggy = c.needs(0).then(|| ggx.conv2d(&c.x(1), None, size.stride, size.padding));
        vec![ggy, c.needs(1).then(|| conv2d_dw(size, &ggx, &c.x(0)))]
    })
}

/// gw (C_out, C, KH, KW) from x and gy
fn conv2d_dw(size: Conv, x: &Variable, gy: &Variable) -> Variable {
    let gw = Tensor::written([size.c_out, size.c, size.kh, size.kw], |gw| {
        kernels::conv2d_dw(&size, x.value().data(), gy.value().data(), gw)
    });
    record("conv2d_dw", &[x, gy], X0 | X1, gw, move |ggw, c| {
        let gx = c.needs(0).then(|| conv2d_dx(size, &c.x(1), &ggw));
        vec![gx, c.needs(1).then(|| c.x(0).conv2d(&ggw, None, size.stride, size.padding))]
    })
}

#[track_caller]
fn conv_size(x: &Variable, w: &Variable, bias: Option<&Variable>, stride: usize, padding: usize) -> Conv {
    let (x, w) = (x.shape(), w.shape());
    assert!(x.len() == 4 && w.len() == 4, "conv2d: x {x}, weight {w}: both need four axes");
    assert!(x[1] == w[1], "conv2d: x {x}, weight {w}: {} channels meet {}", x[1], w[1]);
    assert!(stride > 0, "conv2d: stride 0 never arrives");
    assert!(padding <= MAX_COUNT, "conv2d: x {x}, weight {w}, padding {padding}: no image is so large");
    let fits = w[2] > 0 && w[3] > 0 && x[2] + 2 * padding >= w[2] && x[3] + 2 * padding >= w[3];
    assert!(fits, "conv2d: x {x}, weight {w}, padding {padding}: the kernel does not fit into the image");
    if let Some(bias) = bias {
        assert!(*bias.shape() == [w[0]], "conv2d: weight {w}, bias {}: the bias must be ({},)", bias.shape(), w[0]);
    }
    let [n, c, h, width] = [x[0], x[1], x[2], x[3]];
    Conv { n, c, h, w: width, c_out: w[0], kh: w[2], kw: w[3], stride, padding }
}
