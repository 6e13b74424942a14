//! A diffusion model of one number whose likelihood and ELBO are known, and three ways to estimate the ELBO.

use super::Schedule;
use crate::step01::Normal;
use std::f64::consts::TAU;
use tsukuru::random::Rng;

/// Noise is added by `schedule`. On the way back p(x_T) = N(0, 1), and p(x_(t-1) | x_t) = N(mu(x_t), beta_t), where mu is
/// the mean of q(x_(t-1) | x_t, x_0) for a guess of x_0 that is linear in x_t. Everything stays normal.
pub struct GaussianDiffusion {
    pub schedule: Schedule,
    /// What the guess takes for the distribution of x_0: E[x_0 | x_t] for x_0 from N(mean, std^2).
    pub mean: f64,
    pub std: f64,
    /// Sum over t of s_t^2 / (2 beta_t), where s_t^2 is the variance of q(x_(t-1) | x_t, x_0).
    spread: f64,
}

impl GaussianDiffusion {
    pub fn new(schedule: Schedule, mean: f64, std: f64) -> GaussianDiffusion {
        let share = |t: usize| schedule.backward(0.0, 0.0, t).1 / (2.0 * schedule.beta(t));
        let spread = (1..=schedule.steps()).map(share).sum();
        GaussianDiffusion { schedule, mean, std, spread }
    }

    /// E[x_0 | x_t]: the denoiser, which is all that a network would have to learn.
    pub fn denoise(&self, x_t: f64, t: usize) -> f64 {
        let (kept, variance) = (self.schedule.alpha_bar(t), self.std * self.std);
        let gain = kept.sqrt() * variance / (kept * variance + 1.0 - kept);
        self.mean + gain * (x_t - kept.sqrt() * self.mean)
    }

    /// The mean of p(x_(t-1) | x_t).
    fn mu(&self, x_t: f64, t: usize) -> f64 {
        self.schedule.backward(x_t, self.denoise(x_t, t), t).0
    }

    /// mu(x_t) = slope x_t + rest.
    fn mu_line(&self, t: usize) -> (f64, f64) {
        let rest = self.mu(0.0, t);
        (self.mu(1.0, t) - rest, rest)
    }

    /// ln p(x_0), exactly: down from x_T, every x_t is normal.
    pub fn log_likelihood(&self, x_0: f64) -> f64 {
        let (mut mean, mut variance) = (0.0, 1.0);
        for t in (1..=self.schedule.steps()).rev() {
            let (slope, rest) = self.mu_line(t);
            (mean, variance) = (slope * mean + rest, slope * slope * variance + self.schedule.beta(t));
        }
        Normal::new(mean, variance.sqrt()).log_pdf(x_0)
    }

    /// What no sampling is needed for. The ELBO is E_q[ln p(x_T) + sum of ln p(x_(t-1) | x_t) - ln q(x_t | x_(t-1))]; the
    /// last is the entropy of a normal distribution of variance beta_t, of which all but 1/2 cancels against the
    /// ln(2 pi beta_t) / 2 in the middle. So the ELBO is this minus the sum over t of E (x_(t-1) - mu(x_t))^2 / (2 beta_t).
    pub fn known(&self, x_0: f64) -> f64 {
        let steps = self.schedule.steps();
        let kept = self.schedule.alpha_bar(steps);
        let square = kept * x_0 * x_0 + 1.0 - kept; // E x_T^2
        -0.5 * (libm::log(TAU) + square) + 0.5 * steps as f64
    }

    /// The ELBO of x_0, exactly. In the term of t, x_(t-1) has the variance s_t^2 around a mean that is, as mu is, linear in
    /// x_t, which is normal.
    pub fn elbo(&self, x_0: f64) -> f64 {
        let schedule = &self.schedule;
        let term = |t: usize| {
            let off = |x_t: f64| schedule.backward(x_t, x_0, t).0 - self.mu(x_t, t);
            let (rest, slope) = (off(0.0), off(1.0) - off(0.0));
            let (mean, variance) = (schedule.alpha_bar(t).sqrt() * x_0, 1.0 - schedule.alpha_bar(t));
            ((slope * mean + rest).powi(2) + slope * slope * variance) / (2.0 * schedule.beta(t))
        };
        self.known(x_0) - self.spread - (1..=schedule.steps()).map(term).sum::<f64>()
    }

    /// An estimate from one way up, x_1, x_2, .., x_T: T draws, T calls of the denoiser.
    pub fn elbo_from_t_draws(&self, x_0: f64, rng: &mut Rng) -> f64 {
        let (mut before, mut sum) = (x_0, 0.0);
        for t in 1..=self.schedule.steps() {
            let x_t = self.schedule.step(before, t, rng.normal());
            sum += (before - self.mu(x_t, t)).powi(2) / (2.0 * self.schedule.beta(t));
            before = x_t;
        }
        self.known(x_0) - sum
    }

    /// An estimate from one random time: x_(t-1) in one jump from x_0, and x_t one step further. Two draws, one call.
    pub fn elbo_from_two_draws(&self, x_0: f64, rng: &mut Rng) -> f64 {
        let t = 1 + rng.below(self.schedule.steps());
        let before = self.schedule.jump(x_0, t - 1, rng.normal());
        let x_t = self.schedule.step(before, t, rng.normal());
        let term = (before - self.mu(x_t, t)).powi(2) / (2.0 * self.schedule.beta(t));
        self.known(x_0) - self.schedule.steps() as f64 * term
    }

    /// An estimate from one random time: x_t in one jump from x_0; the mean over x_(t-1) is a formula, because
    /// q(x_(t-1) | x_t, x_0) is normal, and its variance is the same for every x_t: its sum over t needs no drawing
    /// either. One draw, one call.
    pub fn elbo_from_one_draw(&self, x_0: f64, rng: &mut Rng) -> f64 {
        let schedule = &self.schedule;
        let t = 1 + rng.below(schedule.steps());
        let x_t = schedule.jump(x_0, t, rng.normal());
        let term = (schedule.backward(x_t, x_0, t).0 - self.mu(x_t, t)).powi(2) / (2.0 * schedule.beta(t));
        self.known(x_0) - self.spread - schedule.steps() as f64 * term
    }
}
