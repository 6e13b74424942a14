//! What is timed of the two kernels that nearly all time goes to.

use super::Harness;
use tsukuru::Real;
use tsukuru::kernels::{self, Conv, MatMul};

fn numbers(len: usize) -> Vec<Real> {
    (0..len).map(|i| (i % 17) as Real / 16.0 - 0.5).collect()
}

pub fn time_matmul(harness: &mut Harness, name: &str, size: &MatMul) {
    if !harness.wants(name) {
        return;
    }
    let &MatMul { m, k, n, .. } = size;
    let (a, b, mut c) = (numbers(m * k), numbers(k * n), numbers(m * n));
    harness.time(name, 2.0 * (m * k * n) as f64, || kernels::matmul(size, &a, &b, None, &mut c));
}

/// Forward, backward to the image, backward to the weights, and all three; `name` makes a name of each.
pub fn time_conv(harness: &mut Harness, size: &Conv, name: impl Fn(&str) -> String) {
    let [fwd, dx, dw, all] = ["fwd", "dx", "dw", "fwdbwd"].map(name);
    if ![&fwd, &dx, &dw, &all].into_iter().any(|name| harness.wants(name)) {
        return;
    }
    let weights = size.c_out * size.c * size.kh * size.kw;
    let pixels = size.n * size.h_out() * size.w_out();
    let (x, w, gy) = (numbers(size.n * size.c * size.h * size.w), numbers(weights), numbers(pixels * size.c_out));
    let (mut y, mut gx, mut gw) = (gy.clone(), x.clone(), w.clone());
    let flops = 2.0 * (pixels * weights) as f64;
    harness.time(&fwd, flops, || kernels::conv2d(size, &x, &w, None, &mut y));
    harness.time(&dx, flops, || kernels::conv2d_dx(size, &gy, &w, &mut gx));
    harness.time(&dw, flops, || kernels::conv2d_dw(size, &x, &gy, &mut gw));
    harness.time(&all, 3.0 * flops, || {
        kernels::conv2d(size, &x, &w, None, &mut y);
        kernels::conv2d_dx(size, &gy, &w, &mut gx);
        kernels::conv2d_dw(size, &x, &gy, &mut gw);
    });
}
