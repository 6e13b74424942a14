use super::*;
use tsukuru::kernels::{self, BatchNorm, Channels, reference};

const SIZES: [Channels; 12] = [
    Channels { n: 1, c: 1, s: 2 },
    Channels { n: 2, c: 3, s: 1 },
    Channels { n: 128, c: 1000, s: 1 },
    Channels { n: 3, c: 5, s: 15 },
    Channels { n: 3, c: 5, s: 32 },
    Channels { n: 17, c: 31, s: 49 },
    Channels { n: 33, c: 65, s: 196 },
    Channels { n: 9, c: 16, s: 784 },
    Channels { n: 1, c: 1, s: 200_003 },
    Channels { n: 0, c: 3, s: 4 },
    Channels { n: 3, c: 0, s: 4 },
    Channels { n: 3, c: 2, s: 0 },
];

/// Norms of c channels, without and with a ReLU.
fn for_each_norm(c: usize, check: impl Fn(&BatchNorm)) {
    let (mean, gamma, beta) = (numbers(c, 21), numbers(c, 22), numbers(c, 24));
    let rstd: Vec<f32> = numbers(c, 23).iter().map(|x| x.abs() + 0.5).collect();
    for relu in [false, true] {
        check(&BatchNorm { mean: &mean, rstd: &rstd, gamma: &gamma, beta: &beta, relu });
    }
}

#[test]
fn stats_and_norm() {
    for size in SIZES {
        let Channels { n, c, s } = size;
        let x = numbers(n * c * s, 15);
        let stats = |stats: fn(&Channels, &[f32], &mut [f32], &mut [f32])| {
            let mut y = vec![123.0; 2 * c];
            let (mean, var) = y.split_at_mut(c);
            stats(&size, &x, mean, var);
            y
        };
        let got = on_any_threads(|| stats(kernels::channel_stats));
        assert_close(&format!("stats of {size:?}"), &got, &stats(reference::channel_stats), 1e-6);
        for_each_norm(c, |norm| {
            let want = result(x.len(), |y| reference::batch_norm(&size, norm, &x, y));
            let got = on_any_threads(|| result(x.len(), |y| kernels::batch_norm(&size, norm, &x, y)));
            assert_same_bits(&format!("norm of {size:?}, relu {}", norm.relu), &got, &want);
        });
    }
}

/// In f32, the mean of squares minus the square of the mean would be off by 100 %.
#[test]
fn variance_survives_a_large_mean() {
    for size in [Channels { n: 40, c: 3, s: 784 }, Channels { n: 4000, c: 3, s: 1 }] {
        let x: Vec<f32> = numbers(size.n * size.c * size.s, 18).iter().map(|x| 1000.0 + x).collect();
        let (mut mean, mut var) = ([0.0; 3], [0.0; 3]);
        kernels::channel_stats(&size, &x, &mut mean, &mut var);
        let x =
            |c: usize| x.iter().enumerate().filter(move |(i, _)| i / size.s % size.c == c).map(|(_, &x)| f64::from(x));
        for (c, var) in var.into_iter().enumerate() {
            let mu = x(c).sum::<f64>() / x(c).count() as f64;
            let want = x(c).map(|x| (x - mu) * (x - mu)).sum::<f64>() / x(c).count() as f64;
            assert!((f64::from(var) / want - 1.0).abs() < 1e-7, "{size:?}: {var} instead of {want}");
        }
    }
}

#[test]
fn backward() {
    for size in SIZES {
        let Channels { n, c, s } = size;
        let count = n * c * s;
        let (x, gy) = (numbers(count, 19), numbers(count, 20));
        for_each_norm(c, |norm| {
            let run = |fast: bool| {
                let mut y = vec![123.0; count + 2 * c];
                let (gx, rest) = y.split_at_mut(count);
                let (ggamma, gbeta) = rest.split_at_mut(c);
                match fast {
                    true => kernels::batch_norm_dx(&size, norm, &x, &gy, gx, ggamma, gbeta),
                    false => reference::batch_norm_dx(&size, norm, &x, &gy, gx, ggamma, gbeta),
                }
                y
            };
            let name = format!("backward of {size:?}, relu {}", norm.relu);
            assert_close(&name, &on_any_threads(|| run(true)), &run(false), 1e-6);
        });
    }
}
