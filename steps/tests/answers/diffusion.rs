//! A diffusion of numbers whose best noise prediction is a formula, for exercises about samplers and guidance.

use steps::step08::{Schedule, T};
use steps::step09::{Diffuser, Sampler};
use tsukuru::Real;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// Numbers x_0 of some classes, each as probable as the others: class k is N(means[k], std^2).
pub struct Classes {
    pub means: Vec<f64>,
    pub std: f64,
}

impl Classes {
    /// p(k | x_t) of each class.
    pub fn posterior(&self, x_t: f64, alpha_bar: f64) -> Vec<f64> {
        let variance = alpha_bar * self.std * self.std + 1.0 - alpha_bar;
        let log = |mean: &f64| -(x_t - alpha_bar.sqrt() * mean).powi(2) / (2.0 * variance);
        let largest = self.means.iter().map(log).fold(f64::NEG_INFINITY, f64::max);
        let joint: Vec<f64> = self.means.iter().map(|mean| libm::exp(log(mean) - largest)).collect();
        let sum: f64 = joint.iter().sum();
        joint.iter().map(|joint| joint / sum).collect()
    }

    /// The mean of the noise in x_t of class k, the best prediction with the label k.
    pub fn eps_of(&self, x_t: f64, alpha_bar: f64, k: usize) -> f64 {
        let variance = alpha_bar * self.std * self.std + 1.0 - alpha_bar;
        (1.0 - alpha_bar).sqrt() * (x_t - alpha_bar.sqrt() * self.means[k]) / variance
    }

    /// The best prediction without a label.
    pub fn eps(&self, x_t: f64, alpha_bar: f64) -> f64 {
        let posterior = self.posterior(x_t, alpha_bar);
        posterior.iter().enumerate().map(|(k, p)| p * self.eps_of(x_t, alpha_bar, k)).sum()
    }

    /// The class whose mean is nearest.
    pub fn nearest(&self, x: f64) -> usize {
        let distance = |k: &usize| (x - self.means[*k]).abs();
        (0..self.means.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap()
    }
}

/// 2,500 numbers, with `eps(x_t, t, alpha_bar)` as the predicted noise.
pub fn draw(sampler: Sampler, eps: impl Fn(f64, usize, f64) -> f64) -> Vec<f64> {
    let diffuser = Diffuser::new(Schedule::linear(T));
    let predict = |x: &Tensor, t: usize| x.map(|x| eps(f64::from(x), t, diffuser.alpha_bar(t)) as Real);
    let mut rng = Rng::new(0, "sampling", 0);
    let x = sampler.sample(&diffuser, predict, [1, 1, 50, 50], &mut rng, |_, _| ());
    x.data().iter().map(|&x| f64::from(x)).collect()
}

/// Mean and standard deviation.
pub fn moments(x: &[f64]) -> (f64, f64) {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    (mean, (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64).sqrt())
}
