//! Winograd's convolutions against sums in f64, number by number, at the U-Net's shapes and around the tiles.
#![cfg(not(feature = "f64"))]

use tsukuru::kernels::{self, Conv, Implementation};
use tsukuru::random::Rng;

/// x, w, gy, and the sums that conv2d, conv2d_dx and conv2d_dw stand for, each for one number of the result.
struct Case {
    size: Conv,
    x: Vec<f32>,
    w: Vec<f32>,
    gy: Vec<f32>,
}

impl Case {
    /// As in a network: x has passed a ReLU, w is PyTorch's default initialisation.
    fn new(size: Conv) -> Case {
        let mut rng = Rng::new(0, "winograd", 0);
        let (x_len, w_len) = (size.n * size.c * size.h * size.w, size.c_out * size.c * 9);
        let bound = 1.0 / (9.0 * size.c as f64).sqrt();
        Case {
            size,
            x: (0..x_len).map(|_| rng.normal().max(0.0) as f32).collect(),
            w: (0..w_len).map(|_| ((2.0 * rng.uniform() - 1.0) * bound) as f32).collect(),
            gy: (0..size.n * size.c_out * size.h_out() * size.w_out()).map(|_| rng.normal() as f32).collect(),
        }
    }

    fn x_at(&self, n: usize, c: usize, i: Option<usize>, j: Option<usize>) -> f64 {
        let Conv { h, w, .. } = self.size;
        match (i.filter(|&i| i < h), j.filter(|&j| j < w)) {
            (Some(i), Some(j)) => f64::from(self.x[((n * self.size.c + c) * h + i) * w + j]),
            _ => 0.0,
        }
    }

    fn y(&self, index: usize) -> f64 {
        let (h, w, padding) = (self.size.h_out(), self.size.w_out(), self.size.padding);
        let (n, co, i, j) =
            (index / (self.size.c_out * h * w), index / (h * w) % self.size.c_out, index / w % h, index % w);
        let term = |c: usize, tap: usize| {
            let x = self.x_at(n, c, (i + tap / 3).checked_sub(padding), (j + tap % 3).checked_sub(padding));
            f64::from(self.w[(co * self.size.c + c) * 9 + tap]) * x
        };
        (0..self.size.c).map(|c| (0..9).map(|tap| term(c, tap)).sum::<f64>()).sum()
    }

    fn gx(&self, index: usize) -> f64 {
        let Conv { c, h, w, c_out, padding, .. } = self.size;
        let (h_out, w_out) = (self.size.h_out(), self.size.w_out());
        let (n, ci, i, j) = (index / (c * h * w), index / (h * w) % c, index / w % h, index % w);
        let term = |co: usize, tap: usize| {
            let row = (i + padding).checked_sub(tap / 3).filter(|&row| row < h_out);
            let column = (j + padding).checked_sub(tap % 3).filter(|&column| column < w_out);
            let (Some(row), Some(column)) = (row, column) else { return 0.0 };
            let gy = self.gy[((n * c_out + co) * h_out + row) * w_out + column];
            f64::from(self.w[(co * c + ci) * 9 + tap]) * f64::from(gy)
        };
        (0..c_out).map(|co| (0..9).map(|tap| term(co, tap)).sum::<f64>()).sum()
    }

    fn gw(&self, index: usize) -> f64 {
        let Conv { n, c, c_out, padding, .. } = self.size;
        let (h, w) = (self.size.h_out(), self.size.w_out());
        let (co, ci, tap) = (index / (c * 9), index / 9 % c, index % 9);
        let row = |n: usize, i: usize| -> f64 {
            let gy = &self.gy[((n * c_out + co) * h + i) * w..][..w];
            let x = |j: usize| self.x_at(n, ci, (i + tap / 3).checked_sub(padding), (j + tap % 3).checked_sub(padding));
            gy.iter().enumerate().map(|(j, &gy)| f64::from(gy) * x(j)).sum()
        };
        (0..n).map(|n| (0..h).map(|i| row(n, i)).sum::<f64>()).sum()
    }
}

/// The largest error among up to `samples` numbers, over the root of the mean square of all.
fn worst(result: &[f32], samples: usize, exact: impl Fn(usize) -> f64) -> f64 {
    let rms = (result.iter().map(|&y| f64::from(y).powi(2)).sum::<f64>() / result.len() as f64).sqrt();
    let step = result.len().div_ceil(samples) | 1; // odd, so that it meets every row and column
    (0..result.len()).step_by(step).map(|i| (f64::from(result[i]) - exact(i)).abs()).fold(0.0, f64::max) / rms
}

/// The worst errors of y, gx and gw.
fn errors(size: Conv, samples: usize) -> [f64; 3] {
    let case = Case::new(size);
    let (mut y, mut gx, mut gw) = (case.gy.clone(), case.x.clone(), case.w.clone());
    for result in [&mut y, &mut gx, &mut gw] {
        result.fill(f32::NAN);
    }
    kernels::conv2d(&size, &case.x, &case.w, None, &mut y);
    kernels::conv2d_dx(&size, &case.gy, &case.w, &mut gx);
    kernels::conv2d_dw(&size, &case.x, &case.gy, &mut gw);
    [
        worst(&y, samples, |i| case.y(i)),
        worst(&gx, samples, |i| case.gx(i)),
        worst(&gw, samples.div_ceil(size.n), |i| case.gw(i)),
    ]
}

#[test]
fn the_u_nets_convolutions_are_as_exact_as_promised() {
    if kernels::implementation() == Implementation::Reference {
        return; // it does not use Winograd's algorithm, and takes minutes
    }
    for (c, c_out, side) in
        [(64, 64, 28), (192, 64, 28), (64, 128, 14), (128, 128, 14), (384, 128, 14), (128, 256, 7), (256, 256, 7)]
    {
        let size = Conv { n: 128, c, h: side, w: side, c_out, kh: 3, kw: 3, stride: 1, padding: 1 };
        let [y, gx, gw] = errors(size, 20_000);
        println!("{c}x{c_out}@{side}: y {y:.1e}, gx {gx:.1e}, gw {gw:.1e} of the rms");
        assert!(y < 1.5e-5 && gx < 1.5e-5 && gw < 5e-6, "{size:?}: y {y:e}, gx {gx:e}, gw {gw:e}");
    }
}

#[test]
fn any_size_padding_and_number_of_channels() {
    for (h, w) in [(1, 1), (2, 5), (3, 3), (4, 6), (7, 9), (8, 13), (11, 5), (14, 10)] {
        for padding in [0, 1, 2] {
            for (n, c, c_out) in [(40, 16, 16), (33, 17, 31), (45, 40, 130)] {
                if h + 2 * padding >= 3 && w + 2 * padding >= 3 {
                    let size = Conv { n, c, h, w, c_out, kh: 3, kw: 3, stride: 1, padding };
                    let worst = errors(size, 1000);
                    assert!(worst.iter().all(|&error| error < 1e-5), "{size:?}: {worst:?}");
                }
            }
        }
    }
}

#[test]
fn images_that_are_nothing_but_padding() {
    for (h, w) in [(0, 12), (12, 0), (0, 0)] {
        let size = Conv { n: 40, c: 16, h, w, c_out: 17, kh: 3, kw: 3, stride: 1, padding: 2 };
        let (x, weights, bias) = (vec![], vec![1.0; 17 * 16 * 9], vec![2.0; 17]);
        let (mut y, mut gx, mut gw) = (vec![f32::NAN; 40 * 17 * size.h_out() * size.w_out()], vec![], weights.clone());
        let gy = vec![1.0; y.len()];
        kernels::conv2d(&size, &x, &weights, Some(&bias), &mut y);
        kernels::conv2d_dx(&size, &gy, &weights, &mut gx);
        kernels::conv2d_dw(&size, &x, &gy, &mut gw);
        assert!(y.iter().all(|&y| y == 2.0) && gw.iter().all(|&gw| gw == 0.0), "{size:?}");
    }
}

#[test]
#[should_panic]
fn too_few_images_are_refused() {
    let size = Conv { n: 40, c: 16, h: 7, w: 9, c_out: 16, kh: 3, kw: 3, stride: 1, padding: 1 };
    let image = 16 * 7 * 9;
    kernels::conv2d(&size, &vec![0.0; 39 * image], &[0.0; 16 * 16 * 9], None, &mut vec![0.0; 40 * image]);
}
