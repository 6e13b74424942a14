//! A diffusion model of one number whose likelihood and ELBO are known, and three ways to estimate the ELBO.

use super::Schedule;
use crate::step01::Normal;
use std::f64::consts::TAU;
use tsukuru::random::Rng;

/// The forward process is that of `schedule`. In the reverse process p(x_T) = N(0, 1), and p(x_(t-1) | x_t) =
/// N(mu(x_t), beta_t), where mu is the mean of q(x_(t-1) | x_t, x_0) for a prediction of x_0 that is linear in x_t. So all
/// distributions are normal.
pub struct GaussianDiffusion {
    pub schedule: Schedule,
    /// The prediction of x_0 is E[x_0 | x_t] for x_0 from N(mean, std^2).
    pub mean: f64,
    pub std: f64,
    /// Sum over t of s_t^2 / (2 beta_t), where s_t^2 is the variance of q(x_(t-1) | x_t, x_0).
    posterior_term: f64,
}

impl GaussianDiffusion {
    pub fn new(schedule: Schedule, mean: f64, std: f64) -> GaussianDiffusion {
        let term = |t: usize| schedule.q_posterior(0.0, 0.0, t).1 / (2.0 * schedule.beta(t));
        let posterior_term = (1..=schedule.num_timesteps()).map(term).sum();
        GaussianDiffusion { schedule, mean, std, posterior_term }
    }

    /// The denoiser E[x_0 | x_t], which a network would have to learn.
    pub fn denoise(&self, x_t: f64, t: usize) -> f64 {
        let (alpha_bar, variance) = (self.schedule.alpha_bar(t), self.std * self.std);
        let gain = alpha_bar.sqrt() * variance / (alpha_bar * variance + 1.0 - alpha_bar);
        self.mean + gain * (x_t - alpha_bar.sqrt() * self.mean)
    }

    /// The mean of p(x_(t-1) | x_t).
    fn mu(&self, x_t: f64, t: usize) -> f64 {
        self.schedule.q_posterior(x_t, self.denoise(x_t, t), t).0
    }

    /// Slope and intercept of mu(x_t) = slope x_t + intercept.
    fn mu_line(&self, t: usize) -> (f64, f64) {
        let intercept = self.mu(0.0, t);
        (self.mu(1.0, t) - intercept, intercept)
    }

    /// ln p(x_0), exactly: in the reverse process, every x_t is normal.
    pub fn log_likelihood(&self, x_0: f64) -> f64 {
        let (mut mean, mut variance) = (0.0, 1.0);
        for t in (1..=self.schedule.num_timesteps()).rev() {
            let (slope, intercept) = self.mu_line(t);
            (mean, variance) = (slope * mean + intercept, slope * slope * variance + self.schedule.beta(t));
        }
        Normal::new(mean, variance.sqrt()).log_pdf(x_0)
    }

    /// The part of the ELBO that needs no sampling. The ELBO is E_q[ln p(x_T) + sum of ln p(x_(t-1) | x_t) - ln q(x_t | x_(t-1))]; the
    /// last is the entropy of a normal distribution of variance beta_t, of which all but 1/2 cancels against the
    /// ln(2 pi beta_t) / 2 in the middle. So the ELBO is this minus the sum over t of E (x_(t-1) - mu(x_t))^2 / (2 beta_t).
    pub fn constant_term(&self, x_0: f64) -> f64 {
        let steps = self.schedule.num_timesteps();
        let alpha_bar = self.schedule.alpha_bar(steps);
        let square = alpha_bar * x_0 * x_0 + 1.0 - alpha_bar; // E x_T^2
        -0.5 * (libm::log(TAU) + square) + 0.5 * steps as f64
    }

    /// The ELBO of x_0, exactly. In the term of t, x_(t-1) has the variance s_t^2 around a mean that is, as mu is, linear in
    /// x_t, which is normal.
    pub fn elbo(&self, x_0: f64) -> f64 {
        let schedule = &self.schedule;
        let term = |t: usize| {
            let difference = |x_t: f64| schedule.q_posterior(x_t, x_0, t).0 - self.mu(x_t, t);
            let (intercept, slope) = (difference(0.0), difference(1.0) - difference(0.0));
            let (mean, variance) = (schedule.alpha_bar(t).sqrt() * x_0, 1.0 - schedule.alpha_bar(t));
            ((slope * mean + intercept).powi(2) + slope * slope * variance) / (2.0 * schedule.beta(t))
        };
        self.constant_term(x_0) - self.posterior_term - (1..=schedule.num_timesteps()).map(term).sum::<f64>()
    }

    /// An estimate from one forward process x_1, x_2, .., x_T: T draws, T calls of the denoiser.
    pub fn elbo_from_t_draws(&self, x_0: f64, rng: &mut Rng) -> f64 {
        let (mut x_prev, mut sum) = (x_0, 0.0);
        for t in 1..=self.schedule.num_timesteps() {
            let x_t = self.schedule.q_step(x_prev, t, rng.normal());
            sum += (x_prev - self.mu(x_t, t)).powi(2) / (2.0 * self.schedule.beta(t));
            x_prev = x_t;
        }
        self.constant_term(x_0) - sum
    }

    /// An estimate from one random time: x_(t-1) given x_0, and x_t given x_(t-1). Two draws, one call.
    pub fn elbo_from_two_draws(&self, x_0: f64, rng: &mut Rng) -> f64 {
        let t = 1 + rng.below(self.schedule.num_timesteps());
        let x_prev = self.schedule.q_sample(x_0, t - 1, rng.normal());
        let x_t = self.schedule.q_step(x_prev, t, rng.normal());
        let term = (x_prev - self.mu(x_t, t)).powi(2) / (2.0 * self.schedule.beta(t));
        self.constant_term(x_0) - self.schedule.num_timesteps() as f64 * term
    }

    /// An estimate from one random time: x_t given x_0; the mean over x_(t-1) is a formula, because q(x_(t-1) | x_t, x_0)
    /// is normal, and its variance is the same for every x_t, so that the sum of the variances over t needs no sampling
    /// either. One draw, one call.
    pub fn elbo_from_one_draw(&self, x_0: f64, rng: &mut Rng) -> f64 {
        let schedule = &self.schedule;
        let t = 1 + rng.below(schedule.num_timesteps());
        let x_t = schedule.q_sample(x_0, t, rng.normal());
        let term = (schedule.q_posterior(x_t, x_0, t).0 - self.mu(x_t, t)).powi(2) / (2.0 * schedule.beta(t));
        self.constant_term(x_0) - self.posterior_term - schedule.num_timesteps() as f64 * term
    }
}
