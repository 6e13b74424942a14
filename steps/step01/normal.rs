//! [`Normal`]: the bell on the line.

use std::f64::consts::{PI, SQRT_2};
use tsukuru::random::Rng;

/// A normal distribution on the line, of mean `mu` and standard deviation `sigma`, both in the unit of x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    pub mu: f64,
    pub sigma: f64,
}

/// Why no normal distribution fits these numbers.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    #[error("a normal distribution cannot be fitted to no numbers at all")]
    Empty,

    #[error("number {index} (counted from 0) is {value}: a normal distribution is fitted to finite numbers")]
    NotFinite { index: usize, value: f64 },

    #[error("all {count} numbers are {value}: a normal distribution needs a spread")]
    NoSpread { count: usize, value: f64 },

    #[error("the numbers spread so far, or so little, that an f64 cannot hold their variance")]
    Range,
}

impl Normal {
    /// # Panics
    /// If mu is not finite, or sigma not positive and finite.
    #[track_caller]
    pub fn new(mu: f64, sigma: f64) -> Normal {
        assert!(mu.is_finite(), "Normal: mu is {mu}, expected a finite number");
        assert!(sigma > 0.0 && sigma.is_finite(), "Normal: sigma is {sigma}, expected a positive, finite number");
        Normal { mu, sigma }
    }

    /// How far x lies from the mean, in standard deviations.
    fn z(&self, x: f64) -> f64 {
        (x - self.mu) / self.sigma
    }

    /// The density N(x; mu, sigma) = 1 / (sqrt(2 pi) sigma) exp(-z^2 / 2) with z = (x - mu) / sigma, per unit of x.
    pub fn pdf(&self, x: f64) -> f64 {
        let z = self.z(x);
        libm::exp(-0.5 * z * z) / ((2.0 * PI).sqrt() * self.sigma)
    }

    /// ln N(x; mu, sigma) = -z^2 / 2 - ln sigma - ln(2 pi) / 2. It stays finite where the density is too small for an f64.
    pub fn log_pdf(&self, x: f64) -> f64 {
        let z = self.z(x);
        -0.5 * z * z - libm::log(self.sigma) - 0.5 * libm::log(2.0 * PI)
    }

    /// P(X <= x) = erfc(-z / sqrt 2) / 2. Far to the left, where (1 + erf(z / sqrt 2)) / 2 would be a difference of
    /// nearly equal numbers, erfc keeps every digit.
    pub fn cdf(&self, x: f64) -> f64 {
        0.5 * libm::erfc(-self.z(x) / SQRT_2)
    }

    /// A random x: a standard normal number, stretched by sigma and moved by mu.
    pub fn sample(&self, rng: &mut Rng) -> f64 {
        self.mu + self.sigma * rng.normal()
    }

    /// The maximum-likelihood fit: mu is the mean of `xs`, sigma^2 the mean of (x - mu)^2 (divided by N, not N - 1).
    ///
    /// # Errors
    /// If there are no numbers, one is not finite, all are the same, or their variance is too large or small for an f64.
    pub fn fit(xs: &[f64]) -> Result<Normal, FitError> {
        let &first = xs.first().ok_or(FitError::Empty)?;
        if let Some((index, &value)) = xs.iter().enumerate().find(|(_, x)| !x.is_finite()) {
            return Err(FitError::NotFinite { index, value });
        }
        if xs.iter().all(|&x| x == first) {
            return Err(FitError::NoSpread { count: xs.len(), value: first });
        }
        let n = xs.len() as f64;
        // Around the first number, so that a small spread on a large mean is not rounded away.
        let mu = first + xs.iter().map(|x| x - first).sum::<f64>() / n;
        let sigma = (xs.iter().map(|x| (x - mu) * (x - mu)).sum::<f64>() / n).sqrt();
        if mu.is_finite() && sigma.is_finite() && sigma > 0.0 { Ok(Normal { mu, sigma }) } else { Err(FitError::Range) }
    }
}
