//! The convolutions of the U-Net at batch 128: forward, backward to the image, backward to the weights, and all three.

mod harness;

use harness::{Harness, Work};
use tsukuru::Real;
use tsukuru::kernels::{self, Conv};

fn main() {
    let mut harness = Harness::new();
    let layers = [
        (64, 64, 28),
        (192, 64, 28),
        (384, 128, 14),
        (256, 256, 7),
        (64, 128, 14),
        (128, 128, 14),
        (128, 256, 7),
        (1, 64, 28),
    ];
    for (c, c_out, side) in layers {
        let size = Conv { n: 128, c, h: side, w: side, c_out, kh: 3, kw: 3, stride: 1, padding: 1 };
        time(&mut harness, &size, &format!("n128_{c}x{c_out}_{side}"), "conv3x3");
    }
    let size = Conv { n: 128, c: 64, h: 28, w: 28, c_out: 1, kh: 1, kw: 1, stride: 1, padding: 0 };
    time(&mut harness, &size, "n128_64x1_28", "conv1x1");
    let size = Conv { n: 128, c: 64, h: 28, w: 28, c_out: 64, kh: 3, kw: 3, stride: 2, padding: 1 };
    time(&mut harness, &size, "n128_64x64_28_stride2", "conv3x3");
}

fn time(harness: &mut Harness, size: &Conv, name: &str, kind: &str) {
    let [fwd, dx, dw, all] = ["fwd", "dx", "dw", "fwdbwd"].map(|pass| format!("{kind}_{pass}_{name}"));
    if ![&fwd, &dx, &dw, &all].into_iter().any(|name| harness.wants(name)) {
        return;
    }
    let numbers = |len: usize| -> Vec<Real> { (0..len).map(|i| (i % 17) as Real / 16.0 - 0.5).collect() };
    let weights = size.c_out * size.c * size.kh * size.kw;
    let pixels = size.n * size.h_out() * size.w_out();
    let (x, w, gy) = (numbers(size.n * size.c * size.h * size.w), numbers(weights), numbers(pixels * size.c_out));
    let (mut y, mut gx, mut gw) = (gy.clone(), x.clone(), w.clone());
    let flops = 2.0 * (pixels * weights) as f64;
    harness.time(&fwd, Work::Flops(flops), || kernels::conv2d(size, &x, &w, None, &mut y));
    harness.time(&dx, Work::Flops(flops), || kernels::conv2d_dx(size, &gy, &w, &mut gx));
    harness.time(&dw, Work::Flops(flops), || kernels::conv2d_dw(size, &x, &gy, &mut gw));
    harness.time(&all, Work::Flops(3.0 * flops), || {
        kernels::conv2d(size, &x, &w, None, &mut y);
        kernels::conv2d_dx(size, &gy, &w, &mut gx);
        kernels::conv2d_dw(size, &x, &gy, &mut gw);
    });
}
