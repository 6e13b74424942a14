//! Matmul and convolutions against the reference, and the same bits whatever the number of threads.
//! `KERNELS=avx2` and `KERNELS=portable` test the other instruction sets.
#![cfg(not(feature = "f64"))]

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::LazyLock;
use tsukuru::kernels::{self, Conv, MatMul, reference};
use tsukuru::random::Rng;

fn random(len: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed, "kernels", 0);
    (0..len).map(|_| (2.0 * rng.uniform() - 1.0) as f32).collect()
}

/// Runs a kernel on a result full of NaN, with one and with three threads, and demands the same bits.
fn run(len: usize, kernel: impl Fn(&mut [f32]) + Sync) -> Vec<f32> {
    static POOLS: LazyLock<[ThreadPool; 2]> =
        LazyLock::new(|| [1, 3].map(|threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap()));
    let [one, three] = [0, 1].map(|pool| {
        let mut result = vec![f32::NAN; len];
        POOLS[pool].install(|| kernel(&mut result));
        result
    });
    assert!(one.iter().zip(&three).all(|(a, b)| a.to_bits() == b.to_bits()), "one and three threads differ");
    one
}

/// Rounding per term: a product's, and that of Winograd's convolutions.
const MATMUL: f32 = 1e-7;
const CONV: f32 = 2e-7;

/// Both are sums of `terms` products of numbers in [-1, 1], and `each` may add so much rounding. One product too few or too many is far beyond the tolerance.
fn assert_close(what: impl std::fmt::Debug, each: f32, terms: usize, fast: &[f32], plain: &[f32]) {
    let tolerance = 1e-6 + each * terms as f32;
    for (i, (f, p)) in fast.iter().zip(plain).enumerate() {
        assert!((f - p).abs() <= tolerance, "{what:?}: number {i} is {f}, not {p} (tolerance {tolerance})");
    }
}

fn check_matmul(batch: usize, m: usize, k: usize, n: usize) {
    for flags in 0..8 {
        let size = MatMul { batch, m, k, n, a_transposed: flags & 1 == 1, b_transposed: flags & 2 == 2 };
        let (a, b, bias) = (random(batch * m * k, 1), random(batch * k * n, 2), random(n, 3));
        let bias = (flags & 4 == 4).then_some(&bias[..]);
        let mut plain = vec![0.0; batch * m * n];
        reference::matmul(&size, &a, &b, bias, &mut plain);
        let fast = run(batch * m * n, |c| kernels::matmul(&size, &a, &b, bias, c));
        assert_close((size, bias.is_some()), MATMUL, k, &fast, &plain);
    }
}

#[test]
fn matmul_of_sizes_around_the_tiles() {
    for m in [0, 1, 2, 5, 6, 7, 13, 14, 15, 28, 29, 61] {
        for n in [0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65] {
            for k in [0, 1, 2, 17, 64] {
                check_matmul(1, m, k, n);
            }
        }
    }
}

#[test]
fn matmul_of_sizes_around_the_blocks() {
    for (m, k, n) in [
        (3, 255, 5),
        (17, 256, 33),
        (16, 257, 31),
        (15, 513, 40),
        (101, 300, 211),
        (505, 31, 67),
        (29, 97, 1030),
        (128, 128, 128),
        (32, 784, 200),
        (200, 20, 784),
        (7, 1000, 3),
        (1, 997, 1),
        (1, 501, 1003),
        (1003, 501, 1),
        (2, 503, 499),
        (499, 503, 2),
    ] {
        check_matmul(1, m, k, n);
    }
}

#[test]
fn matmul_of_batches() {
    for batch in [0, 2, 3, 7] {
        check_matmul(batch, 5, 11, 7);
        check_matmul(batch, 33, 65, 31);
        check_matmul(batch, 0, 3, 2);
        check_matmul(batch, 1, 37, 50);
        check_matmul(batch, 50, 37, 1);
        check_matmul(batch, 19, 1, 23);
    }
    // More than one thread's share of vector products.
    check_matmul(150, 1, 37, 50);
    check_matmul(150, 50, 37, 1);
    check_matmul(150, 19, 1, 23);
}

fn check_conv(size: Conv) {
    let taps = size.c * size.kh * size.kw;
    let (x_len, y_len) = (size.n * size.c * size.h * size.w, size.n * size.c_out * size.h_out() * size.w_out());
    let (x, w, gy) = (random(x_len, 1), random(size.c_out * taps, 2), random(y_len, 3));
    let bias = random(size.c_out, 4);
    let mut plain = vec![0.0; y_len];
    for bias in [None, Some(&bias[..])] {
        reference::conv2d(&size, &x, &w, bias, &mut plain);
        let fast = run(y_len, |y| kernels::conv2d(&size, &x, &w, bias, y));
        assert_close((size, "y", bias.is_some()), CONV, taps, &fast, &plain);
    }
    let mut plain = vec![0.0; x_len];
    reference::conv2d_dx(&size, &gy, &w, &mut plain);
    let fast = run(x_len, |gx| kernels::conv2d_dx(&size, &gy, &w, gx));
    assert_close((size, "gx"), CONV, size.c_out * size.kh * size.kw, &fast, &plain);
    let mut plain = vec![0.0; w.len()];
    reference::conv2d_dw(&size, &x, &gy, &mut plain);
    let fast = run(w.len(), |gw| kernels::conv2d_dw(&size, &x, &gy, gw));
    assert_close((size, "gw"), CONV, y_len / size.c_out.max(1), &fast, &plain);
}

#[test]
fn conv_of_all_strides_paddings_and_kernels() {
    for (c, c_out) in [(2, 3), (5, 6)] {
        for stride in [1, 2, 3, 5] {
            for padding in [0, 1, 2, 4] {
                for (kh, kw) in [(1, 1), (2, 2), (3, 3), (5, 5), (1, 3), (3, 2), (7, 1)] {
                    for (h, w) in [(3, 4), (5, 5), (7, 7), (6, 9), (11, 5)] {
                        if h + 2 * padding >= kh && w + 2 * padding >= kw {
                            check_conv(Conv { n: 3, c, h, w, c_out, kh, kw, stride, padding });
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn conv_of_batches_channels_and_images() {
    for n in [0, 1, 3, 13] {
        for (c, c_out) in [(0, 2), (1, 1), (1, 17), (5, 0), (3, 33), (31, 7), (16, 64)] {
            for (h, w) in [(1, 1), (7, 7), (13, 17)] {
                check_conv(Conv { n, c, h, w, c_out, kh: 3, kw: 3, stride: 1, padding: 1 });
            }
        }
    }
}

#[test]
fn conv_of_the_u_nets_sizes() {
    for (n, c, c_out, side, kernel) in [(3, 64, 64, 28, 3), (2, 1, 64, 28, 3), (5, 40, 128, 14, 3), (19, 64, 40, 7, 3)]
    {
        check_conv(Conv { n, c, h: side, w: side, c_out, kh: kernel, kw: kernel, stride: 1, padding: kernel / 2 });
    }
    check_conv(Conv { n: 3, c: 64, h: 28, w: 28, c_out: 1, kh: 1, kw: 1, stride: 1, padding: 0 });
    check_conv(Conv { n: 2, c: 8, h: 65, w: 71, c_out: 16, kh: 3, kw: 3, stride: 1, padding: 1 });
    check_conv(Conv { n: 2, c: 8, h: 65, w: 71, c_out: 16, kh: 3, kw: 3, stride: 2, padding: 1 });
}

/// The padding is zeros that are multiplied like other numbers: 0 times infinity is NaN in every algorithm. Only
/// Winograd's makes NaN of infinity, and of numbers beside those that an infinite pixel reaches.
#[test]
fn one_number_that_is_not_finite_spoils_the_same_results() {
    let size = |c: usize, side: usize, kernel: usize, stride: usize| {
        let (h, w) = (side, side + 1);
        Conv { n: 2, c, h, w, c_out: c, kh: kernel, kw: kernel, stride, padding: kernel / 2 }
    };
    for (size, winograd) in [
        (size(2, 5, 3, 1), false), // direct
        (size(5, 6, 3, 1), false), // im2col
        (size(5, 6, 3, 2), false), // im2col of polyphase components
        (size(5, 7, 5, 3), false),
        (size(16, 16, 3, 1), true),
    ] {
        let (x_len, y_len) = (size.n * size.c * size.h * size.w, size.n * size.c_out * size.h_out() * size.w_out());
        let lens = [x_len, size.c_out * size.c * size.kh * size.kw, y_len];
        for bad in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            for (which, part) in (0..3).flat_map(|which| (0..5).map(move |part| (which, part))) {
                let mut all = lens.map(|len| random(len, len as u64));
                let at = part * (lens[which] - 1) / 4;
                all[which][at] = bad;
                let ([x, w, gy], said) = (&all, format!("{size:?}, where number {at} of factor {which} is {bad}"));
                let compare = |what: &str, plain: Vec<f32>, fast: Vec<f32>| {
                    assert!(plain.iter().any(|y| !y.is_finite()), "{what} of {said}: nothing is spoilt");
                    for (i, (f, p)) in fast.iter().zip(&plain).enumerate() {
                        let same = f == p || f.is_nan() && p.is_nan() || (f - p).abs() < 1e-2;
                        let spoilt = !f.is_finite() && (!p.is_finite() || which != 1);
                        assert!(same || winograd && spoilt, "{what} of {said}: number {i} is {f}, not {p}");
                    }
                };
                let [mut y, mut gx, mut gw] = [y_len, x_len, lens[1]].map(|len| vec![0.0; len]);
                if which != 2 {
                    reference::conv2d(&size, x, w, None, &mut y);
                    compare("y", y, run(y_len, |y| kernels::conv2d(&size, x, w, None, y)));
                }
                if which != 0 {
                    reference::conv2d_dx(&size, gy, w, &mut gx);
                    compare("gx", gx, run(x_len, |gx| kernels::conv2d_dx(&size, gy, w, gx)));
                }
                if which != 1 {
                    reference::conv2d_dw(&size, x, gy, &mut gw);
                    compare("gw", gw, run(lens[1], |gw| kernels::conv2d_dw(&size, x, gy, gw)));
                }
            }
        }
    }
}
