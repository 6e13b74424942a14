//! The convolutions of the U-Net at batch 128: forward, backward to the image, backward to the weights, and all three.

mod harness;

use harness::Harness;
use harness::kernels::time_conv;
use tsukuru::kernels::Conv;

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
        time_conv(&mut harness, &size, |pass| format!("conv3x3_{pass}_n128_{c}x{c_out}_{side}"));
    }
    let size = Conv { n: 128, c: 64, h: 28, w: 28, c_out: 1, kh: 1, kw: 1, stride: 1, padding: 0 };
    time_conv(&mut harness, &size, |pass| format!("conv1x1_{pass}_n128_64x1_28"));
    let size = Conv { n: 128, c: 64, h: 28, w: 28, c_out: 64, kh: 3, kw: 3, stride: 2, padding: 1 };
    time_conv(&mut harness, &size, |pass| format!("conv3x3_{pass}_n128_64x64_28_stride2"));
}
