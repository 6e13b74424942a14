//! [`Schedule`]: the noise schedule, and the distributions of the forward process.

/// T in the book.
pub const T: usize = 1000;

/// beta_1, .., beta_T. Times run from 1 to T; time 0 is without noise.
#[derive(Clone, Debug)]
pub struct Schedule {
    betas: Vec<f64>,
    /// alpha_bar_t = product of (1 - beta_s) for s <= t; alpha_bar_0 = 1.
    alpha_bars: Vec<f64>,
}

impl Schedule {
    /// `num_timesteps` betas, evenly spaced from 0.0001 to 0.02 (Ho et al., 2020, section 4).
    pub fn new(num_timesteps: usize) -> Schedule {
        let (first, last) = (1e-4, 0.02);
        let beta = |i: usize| first + (last - first) * i as f64 / (num_timesteps - 1).max(1) as f64;
        let betas: Vec<f64> = (0..num_timesteps).map(beta).collect();
        let mut alpha_bars = vec![1.0];
        alpha_bars.extend(betas.iter().scan(1.0, |product, beta| {
            *product *= 1.0 - beta;
            Some(*product)
        }));
        Schedule { betas, alpha_bars }
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
