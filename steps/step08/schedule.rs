//! [`Schedule`]: the noise schedule, and the distributions of the forward process.

use clap::ValueEnum;
use std::f64::consts::FRAC_PI_2;

/// T in the book.
pub const T: usize = 1000;

/// How fast the image gives way to noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NoiseSchedule {
    /// beta_t grows linearly, as in the book ([`Schedule::linear`]).
    Linear,
    /// alpha_bar_t falls as the square of a cosine ([`Schedule::cosine`]).
    Cosine,
}

impl NoiseSchedule {
    /// As flags and the files of models have it.
    pub fn name(self) -> &'static str {
        match self {
            NoiseSchedule::Linear => "linear",
            NoiseSchedule::Cosine => "cosine",
        }
    }

    /// The schedule of this kind with T = `num_timesteps`.
    pub fn with(self, num_timesteps: usize) -> Schedule {
        match self {
            NoiseSchedule::Linear => Schedule::linear(num_timesteps),
            NoiseSchedule::Cosine => Schedule::cosine(num_timesteps),
        }
    }
}

/// beta_1, .., beta_T. Times run from 1 to T; time 0 is without noise.
#[derive(Clone, Debug)]
pub struct Schedule {
    kind: NoiseSchedule,
    betas: Vec<f64>,
    /// alpha_bar_t = product of (1 - beta_s) for s <= t; alpha_bar_0 = 1.
    alpha_bars: Vec<f64>,
}

impl Schedule {
    /// `num_timesteps` betas, evenly spaced from 0.0001 to 0.02 (Ho et al., 2020, section 4).
    pub fn linear(num_timesteps: usize) -> Schedule {
        let (first, last) = (1e-4, 0.02);
        let beta = |i: usize| first + (last - first) * i as f64 / (num_timesteps - 1).max(1) as f64;
        Schedule::from_betas(NoiseSchedule::Linear, (0..num_timesteps).map(beta).collect())
    }

    /// `num_timesteps` betas with alpha_bar_t = f(t) / f(0), f(t) = cos^2((t / T + s) / (1 + s) pi / 2), s = 0.008, as
    /// beta_t = 1 - alpha_bar_t / alpha_bar_(t-1), 0.999 at most (Nichol and Dhariwal, 2021, equation 17).
    pub fn cosine(num_timesteps: usize) -> Schedule {
        let s = 0.008;
        let f = |t: usize| libm::cos((t as f64 / num_timesteps as f64 + s) / (1.0 + s) * FRAC_PI_2).powi(2);
        let beta = |t: usize| (1.0 - f(t) / f(t - 1)).min(0.999);
        Schedule::from_betas(NoiseSchedule::Cosine, (1..=num_timesteps).map(beta).collect())
    }

    fn from_betas(kind: NoiseSchedule, betas: Vec<f64>) -> Schedule {
        let mut alpha_bars = vec![1.0];
        alpha_bars.extend(betas.iter().scan(1.0, |product, beta| {
            *product *= 1.0 - beta;
            Some(*product)
        }));
        Schedule { kind, betas, alpha_bars }
    }

    pub fn kind(&self) -> NoiseSchedule {
        self.kind
    }

    /// T.
    pub fn num_timesteps(&self) -> usize {
        self.betas.len()
    }

    /// beta_t, for t from 1 to T: the variance of the noise that step t adds.
    #[track_caller]
    pub fn beta(&self, t: usize) -> f64 {
        self.betas[t - 1]
    }

    /// alpha_bar_t, for t from 0 to T: the factor of x_0's variance in that of x_t.
    #[track_caller]
    pub fn alpha_bar(&self, t: usize) -> f64 {
        self.alpha_bars[t]
    }

    /// A sample of q(x_t | x_(t-1)): x_t = sqrt(1 - beta_t) x_(t-1) + sqrt(beta_t) noise (Ho et al., equation 2).
    #[track_caller]
    pub fn q_step(&self, x: f64, t: usize, noise: f64) -> f64 {
        (1.0 - self.beta(t)).sqrt() * x + self.beta(t).sqrt() * noise
    }

    /// A sample of q(x_t | x_0): x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise (Ho et al., equation 4).
    #[track_caller]
    pub fn q_sample(&self, x_0: f64, t: usize, noise: f64) -> f64 {
        self.alpha_bar(t).sqrt() * x_0 + (1.0 - self.alpha_bar(t)).sqrt() * noise
    }

    /// Mean and variance of the posterior q(x_(t-1) | x_t, x_0) (Ho et al., equations 6 and 7).
    #[track_caller]
    pub fn q_posterior(&self, x_t: f64, x_0: f64, t: usize) -> (f64, f64) {
        let (beta, alpha_bar, alpha_bar_prev) = (self.beta(t), self.alpha_bar(t), self.alpha_bar(t - 1));
        let mean = (alpha_bar_prev.sqrt() * beta * x_0 + (1.0 - beta).sqrt() * (1.0 - alpha_bar_prev) * x_t)
            / (1.0 - alpha_bar);
        (mean, beta * (1.0 - alpha_bar_prev) / (1.0 - alpha_bar))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// alpha_bar_t / alpha_bar_s is a ratio of squared cosines, as long as no beta is at its limit.
    #[test]
    fn the_cosine_schedule_is_equation_17() {
        let (cosine, linear) = (Schedule::cosine(T), Schedule::linear(T));
        let angle = |t: usize| (t as f64 / 1000.0 + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2;
        for t in [1, 250, 500, 750, 998] {
            let expected = (libm::cos(angle(t)) / libm::cos(angle(0))).powi(2);
            assert!((cosine.alpha_bar(t) / expected - 1.0).abs() < 1e-9, "t = {t}");
        }
        assert_eq!((cosine.alpha_bar(0), cosine.beta(T)), (1.0, 0.999));
        // In the middle, half of the variance is still the image's; of the linear schedule, a thirteenth.
        assert!((cosine.alpha_bar(500) - 0.494).abs() < 1e-3 && (linear.alpha_bar(500) - 0.0786).abs() < 1e-3);
    }
}
