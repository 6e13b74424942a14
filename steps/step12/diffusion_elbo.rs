//! The ELBO of a diffusion model, by any denoiser.

use super::denoiser::{Denoiser, SIGMA_MAX, SIGMA_MIN, sigmas};
use std::f64::consts::TAU;
use tsukuru::Real;
use tsukuru::mode::no_grad;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// T of the bound.
pub const LEVELS: usize = 1000;

/// An estimate of the ELBO of each row of x (N, ..), in nats, from `draws` noise levels of each (Kingma et al., 2021,
/// equations 11 and 14, where SNR = 1 / sigma^2). With z_i = x + sigma_i noise at the noise levels sigma_0 < .. < sigma_T,
///
///   ELBO = E ln N(x; z_0, sigma_0^2) - KL(N(x, sigma_T^2) || N(0, 1 + sigma_T^2)) - sum over i of KL_i
///   KL_i = 1/2 (1 / sigma_(i-1)^2 - 1 / sigma_i^2) E |x - D(z_i; sigma_i)|^2
///
/// The reverse process has the variances of the forward process given x, and its mean with D(z_i) in place of x. The draws of i
/// are stratified: one from each of `draws` equal parts of 1, .., T.
pub fn diffusion_elbo(
    denoiser: &impl Denoiser,
    x: &Tensor,
    draws: usize,
    rng: &mut Rng,
    mut done: impl FnMut(),
) -> Vec<f64> {
    let (n, sigmas) = (x.shape()[0], sigmas(LEVELS));
    let row = x.shape().count() / n;
    let d = row as f64;
    let variance = 1.0 + SIGMA_MAX * SIGMA_MAX;
    let squares = |x: &[Real]| x.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
    let ends = |x: &[Real]| {
        let reconstruction = -0.5 * d * (libm::log(TAU * SIGMA_MIN * SIGMA_MIN) + 1.0);
        let of_variance = SIGMA_MAX * SIGMA_MAX / variance;
        let kl = 0.5 * (d * (of_variance - 1.0 - libm::log(of_variance)) + squares(x) / variance);
        reconstruction - kl
    };
    let mut elbo: Vec<f64> = x.data().chunks(row).map(ends).collect();
    for draw in 0..draws {
        let level = |_| ((draw as f64 + rng.uniform()) / draws as f64 * LEVELS as f64) as usize + 1;
        let levels: Vec<usize> = (0..n).map(level).collect();
        let sigma = Vec::from_iter(levels.iter().map(|&i| sigmas[i]));
        let mut z = rng.normal_tensor(*x.shape());
        let noisy = x.data().chunks(row).zip(&sigma);
        for (z, (x, &sigma)) in z.data_mut().chunks_mut(row).zip(noisy) {
            z.iter_mut().zip(x).for_each(|(z, x)| *z = x + sigma as Real * *z);
        }
        let error = &*no_grad(|| denoiser.denoise(&Variable::new(z), &sigma)).value() - x;
        for ((elbo, error), i) in elbo.iter_mut().zip(error.data().chunks(row)).zip(levels) {
            let weight = 1.0 / (sigmas[i - 1] * sigmas[i - 1]) - 1.0 / (sigmas[i] * sigmas[i]);
            *elbo -= LEVELS as f64 / draws as f64 * 0.5 * weight * squares(error);
        }
        done();
    }
    elbo
}
