use crate::Real;
use crate::kernels::{BatchNorm, Channels};

/// The places of channel c in x (N, C, S).
fn channel(size: &Channels, c: usize) -> impl Iterator<Item = usize> + Clone {
    let Channels { n, c: channels, s } = *size;
    (0..n).flat_map(move |i| (0..s).map(move |j| (i * channels + c) * s + j))
}

/// mean = sum of x / count and var = sum of (x - mean)^2 / count, for each channel.
pub fn channel_stats(size: &Channels, x: &[Real], mean: &mut [Real], var: &mut [Real]) {
    let count = (size.n * size.s) as f64;
    for c in 0..size.c {
        let x = channel(size, c).map(|i| f64::from(x[i]));
        let mu = x.clone().sum::<f64>() / count;
        mean[c] = mu as Real;
        var[c] = (x.map(|x| (x - mu).powi(2)).sum::<f64>() / count) as Real;
    }
}

/// y = gamma (x - mean) rstd + beta, or max(0, that), for each channel.
pub fn batch_norm(size: &Channels, norm: &BatchNorm, x: &[Real], y: &mut [Real]) {
    for c in 0..size.c {
        let ((scale, shift), floor) = (norm.scale_and_shift(c), norm.floor());
        for i in channel(size, c) {
            let value = scale * x[i] + shift;
            y[i] = if value < floor { floor } else { value };
        }
    }
}

/// With x^ = (x - mean) rstd and means over the channel,
/// gx = gamma rstd (gy - mean(gy) - x^ mean(gy x^)): Ioffe and Szegedy (2015), section 3, simplified.
/// A ReLU lets gy pass where y is above zero; y is computed again.
pub fn batch_norm_dx(
    size: &Channels,
    norm: &BatchNorm,
    x: &[Real],
    gy: &[Real],
    gx: &mut [Real],
    ggamma: &mut [Real],
    gbeta: &mut [Real],
) {
    let count = (size.n * size.s) as f64;
    for c in 0..size.c {
        let ((scale, shift), floor) = (norm.scale_and_shift(c), norm.floor());
        let hat = |i: usize| (x[i] - norm.mean[c]) * norm.rstd[c];
        let gy = |i: usize| if scale * x[i] + shift <= floor { 0.0 } else { gy[i] };
        let sum_gy: f64 = channel(size, c).map(|i| f64::from(gy(i))).sum();
        let sum_gy_hat: f64 = channel(size, c).map(|i| f64::from(gy(i) * hat(i))).sum();
        (gbeta[c], ggamma[c]) = (sum_gy as Real, sum_gy_hat as Real);
        let (mean_gy, mean_gy_hat) = ((sum_gy / count) as Real, (sum_gy_hat / count) as Real);
        for i in channel(size, c) {
            gx[i] = scale * (gy(i) - mean_gy - hat(i) * mean_gy_hat);
        }
    }
}
