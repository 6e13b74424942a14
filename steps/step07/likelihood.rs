//! Lower bounds of ln p(x), the log-likelihood of an image in nats.

use super::model::{Gaussian, Vae};
use crate::step04::log_sum_exp;
use std::f64::consts::TAU;
use tsukuru::Real;
use tsukuru::mode::no_grad;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// p(z) = N(0, I) for z (L), and p(x|z) = N(decode(z), I) for x (D).
pub trait LatentModel {
    /// The approximate posterior q(z|x) for x (N, D).
    fn encode(&self, x: &Variable) -> Gaussian;

    /// The mean (N, D) of p(x|z) for z (N, L).
    fn decode(&self, z: &Variable) -> Variable;
}

impl LatentModel for Vae {
    fn encode(&self, x: &Variable) -> Gaussian {
        self.encode(x)
    }

    fn decode(&self, z: &Variable) -> Variable {
        self.decode(z)
    }
}

/// ln N(x; mean, I) of x (D).
fn log_normal<'a>(x: &[Real], mean: impl IntoIterator<Item = &'a Real>) -> f64 {
    let squares: f64 = x.iter().zip(mean).map(|(x, mean)| f64::from(x - mean).powi(2)).sum();
    -0.5 * (squares + x.len() as f64 * libm::log(TAU))
}

/// ln p(x, z) = ln p(z) + ln p(x|z) of x (D) and each row of z (N, L).
pub fn log_joint(model: &impl LatentModel, x: &[Real], z: &Tensor) -> Vec<f64> {
    let x_hat = no_grad(|| model.decode(&z.clone().into()));
    let (x_hat, latent) = (x_hat.value(), z.shape()[1]);
    let rows = z.data().chunks(latent).zip(x_hat.data().chunks(x.len()));
    rows.map(|(z, x_hat)| log_normal(z, &vec![0.0; latent]) + log_normal(x, x_hat)).collect()
}

/// ln w_i = ln p(x, z_i) - ln q(z_i|x) of x (D) and `samples` z_i from q(z|x). The mean of w is p(x).
pub fn log_weights(model: &impl LatentModel, x: &[Real], samples: usize, rng: &mut Rng) -> Vec<f64> {
    let q = no_grad(|| model.encode(&Tensor::new([1, x.len()], x).into()));
    let eps = rng.normal_tensor([samples, q.mu.shape()[1]]);
    let z = no_grad(|| q.sample(&eps.clone().into())).value().clone();
    // ln q(z) = ln N(eps; 0, I) - ln sigma, by the change of variables z = mu + sigma eps.
    let log_sigma = q.logvar.value().data().iter().map(|&logvar| f64::from(logvar) / 2.0).sum::<f64>();
    let latent = eps.shape()[1];
    let log_q = eps.data().chunks(latent).map(|eps| log_normal(eps, &vec![0.0; latent]) - log_sigma);
    log_joint(model, x, &z).into_iter().zip(log_q).map(|(p, q)| p - q).collect()
}

/// L_k = E ln(1/k sum of k weights) (Burda, Grosse and Salakhutdinov, 2016, equation 8): the mean over groups of k. L_1
/// is the ELBO; L_k grows with k, and never beyond ln p(x).
///
/// # Panics
/// If the weights do not make whole groups.
#[track_caller]
pub fn importance_weighted(log_weights: &[f64], k: usize) -> f64 {
    let groups = log_weights.chunks_exact(k);
    let whole = !log_weights.is_empty() && groups.remainder().is_empty();
    assert!(whole, "importance_weighted: {} weights in groups of {k}", log_weights.len());
    let count = groups.len() as f64;
    groups.map(|group| log_sum_exp(group) - libm::log(k as f64)).sum::<f64>() / count
}
