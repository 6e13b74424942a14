//! [`Normal`]: the univariate normal distribution.

use std::f64::consts::{PI, SQRT_2};
use tsukuru::random::Rng;

/// The univariate normal distribution N(mu, sigma^2) of a number x (chapter 1 of the book).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    /// Mean, in the unit of x.
    pub mu: f64,
    /// Standard deviation, in the unit of x; positive.
    pub sigma: f64,
}

/// Why [`Normal::fit`] found no normal distribution.
#[derive(Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum FitError {
    /// There are no numbers.
    #[error("a normal distribution is fitted to at least one number, found none")]
    Empty,

    /// A number is NaN or infinite.
    #[error("number {index} (counted from 0) is {value}: a normal distribution is fitted to finite numbers")]
    NotFinite { index: usize, value: f64 },

    /// All numbers are the same.
    #[error("all {count} numbers are {value}: a normal distribution needs a variance above 0")]
    ZeroVariance { count: usize, value: f64 },

    /// The variance is not 0, but too large or too small for an f64.
    #[error("the variance of the numbers is too large or too small for an f64")]
    Range,
}

tsukuru::debug_as_display!(FitError);

impl Normal {
    /// The normal distribution of mean `mu` and standard deviation `sigma`.
    ///
    /// # Panics
    /// If mu is not finite, or sigma not positive and finite.
    #[track_caller]
    pub fn new(mu: f64, sigma: f64) -> Normal {
        assert!(mu.is_finite(), "Normal: mu is {mu}, expected a finite number");
        assert!(sigma > 0.0 && sigma.is_finite(), "Normal: sigma is {sigma}, expected a positive, finite number");
        Normal { mu, sigma }
    }

    /// The standardised x (z-score): its distance from the mean in standard deviations.
    fn z(&self, x: f64) -> f64 {
        (x - self.mu) / self.sigma
    }

    /// The probability density N(x; mu, sigma) = 1 / (sqrt(2 pi) sigma) exp(-z^2 / 2) with z = (x - mu) / sigma, in 1 / (unit
    /// of x).
    pub fn pdf(&self, x: f64) -> f64 {
        let z = self.z(x);
        libm::exp(-0.5 * z * z) / ((2.0 * PI).sqrt() * self.sigma)
    }

    /// ln N(x; mu, sigma) = -z^2 / 2 - ln sigma - ln(2 pi) / 2. It stays finite where the density underflows.
    pub fn log_pdf(&self, x: f64) -> f64 {
        let z = self.z(x);
        -0.5 * z * z - libm::log(self.sigma) - 0.5 * libm::log(2.0 * PI)
    }

    /// The cumulative distribution function P(X <= x) = erfc(-z / sqrt 2) / 2. In the left tail, (1 + erf(z / sqrt 2)) / 2
    /// would lose its digits to cancellation; erfc keeps them.
    pub fn cdf(&self, x: f64) -> f64 {
        0.5 * libm::erfc(-self.z(x) / SQRT_2)
    }

    /// A random x = mu + sigma z with a standard normal z.
    pub fn sample(&self, rng: &mut Rng) -> f64 {
        self.mu + self.sigma * rng.normal()
    }

    /// The maximum likelihood estimate from `xs` (N): mu is their mean, sigma^2 the mean of (x - mu)^2, divided by N, not
    /// N - 1 (chapter 2 of the book).
    ///
    /// # Errors
    /// If there are no numbers, one is not finite, all are the same, or their variance is too large or small for an f64.
    pub fn fit(xs: &[f64]) -> Result<Normal, FitError> {
        let &first = xs.first().ok_or(FitError::Empty)?;
        if let Some((index, &value)) = xs.iter().enumerate().find(|(_, x)| !x.is_finite()) {
            return Err(FitError::NotFinite { index, value });
        }
        if xs.iter().all(|&x| x == first) {
            return Err(FitError::ZeroVariance { count: xs.len(), value: first });
        }
        let n = xs.len() as f64;
        // Differences from the first number, so that a small variance beside a large mean is not lost to rounding.
        let mu = first + xs.iter().map(|x| x - first).sum::<f64>() / n;
        let sigma = (xs.iter().map(|x| (x - mu) * (x - mu)).sum::<f64>() / n).sqrt();
        if mu.is_finite() && sigma.is_finite() && sigma > 0.0 { Ok(Normal { mu, sigma }) } else { Err(FitError::Range) }
    }
}
