use super::*;
use tsukuru::kernels::{self, LayerNorm, reference};

/// Rows, their length, and how many share a gamma: few and many rows for one thread, and groups that are cut for several.
const SIZES: [[usize; 3]; 12] = [
    [1, 1, 1],
    [6, 5, 2],
    [6, 16, 6],
    [21, 33, 7],
    [100, 49, 1],
    [6272, 192, 49],
    [1000, 192, 1000],
    [1364, 192, 341],
    [2002, 192, 1001],
    [3, 200_003, 3],
    [0, 4, 3],
    [3, 0, 1],
];

/// Norms of rows, with gamma and beta and without.
fn for_each_norm([rows, d, shared]: [usize; 3], check: impl Fn(&LayerNorm)) {
    let (gamma, beta) = (numbers(rows / shared * d, 41), numbers(rows / shared * d, 42));
    for affine in [Some([&gamma[..], &beta[..]]), None] {
        check(&LayerNorm { d, eps: 1e-5, shared, affine });
    }
}

/// y, and mean and rstd of each row.
fn forward(fast: bool, norm: &LayerNorm, x: &[f32], rows: usize) -> Vec<f32> {
    let mut y = vec![123.0; x.len() + 2 * rows];
    let (y_part, stats) = y.split_at_mut(x.len());
    let run = if fast { kernels::layer_norm } else { reference::layer_norm };
    run(norm, x, y_part, stats);
    y
}

fn backward(fast: bool, norm: &LayerNorm, stats: &[f32], x: &[f32], gy: &[f32]) -> Vec<f32> {
    let params = norm.affine.map_or(0, |[gamma, _]| gamma.len());
    let mut y = vec![123.0; x.len() + 2 * params];
    let (gx, rest) = y.split_at_mut(x.len());
    let (ggamma, gbeta) = rest.split_at_mut(params);
    let run = if fast { kernels::layer_norm_dx } else { reference::layer_norm_dx };
    run(norm, stats, x, gy, gx, ggamma, gbeta);
    y
}

#[test]
fn layer_norm_forward_and_backward() {
    for size in SIZES {
        let count = size[0] * size[1];
        let (x, gy) = (numbers(count, 43), numbers(count, 44));
        for_each_norm(size, |norm| {
            let name = format!("layer norm of {size:?}, affine {}", norm.affine.is_some());
            let want = forward(false, norm, &x, size[0]);
            assert_close(&name, &on_any_threads(|| forward(true, norm, &x, size[0])), &want, 1e-6);
            let stats = &want[count..];
            let got = on_any_threads(|| backward(true, norm, stats, &x, &gy));
            assert_close(&format!("backward of {name}"), &got, &backward(false, norm, stats, &x, &gy), 2e-5);
        });
    }
}

/// One of them in a row makes NaN of this row only, and of the gammas that it shares.
#[test]
fn layer_norm_of_nan_and_infinity() {
    let size = [12, 40, 3];
    for special in [f32::NAN, f32::INFINITY, f32::MAX] {
        let (mut x, gy) = (numbers(480, 45), numbers(480, 46));
        x[7 * 40 + 33] = special;
        for_each_norm(size, |norm| {
            let name = format!("with {special}, affine {}", norm.affine.is_some());
            let want = forward(false, norm, &x, 12);
            assert_close(&name, &forward(true, norm, &x, 12), &want, 1e-6);
            let stats = &want[480..];
            assert_close(&name, &backward(true, norm, stats, &x, &gy), &backward(false, norm, stats, &x, &gy), 2e-5);
        });
    }
}
