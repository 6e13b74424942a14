//! [`GaussianMixture`]: several bells, each with its share of the points.

use crate::step03::MultivariateNormal;
use tsukuru::random::Rng;

/// A Gaussian mixture in D dimensions: a point x belongs to component z = k with probability phi_k, and then it is
/// normal with mean mu_k and covariance Sigma_k.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianMixture {
    weights: Vec<f64>,
    components: Vec<MultivariateNormal>,
}

/// Why there is no such mixture. Components count from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MixtureError {
    #[error("a mixture needs at least one component")]
    NoComponents,

    #[error("there are {weights} weights for {components} components")]
    Counts { weights: usize, components: usize },

    #[error("the weight of component {component} is {weight}: expected a number from 0 to 1")]
    Weight { component: usize, weight: f64 },

    #[error("the weights add up to {sum}: expected 1")]
    Sum { sum: f64 },

    #[error("component {component} has {found} dimensions, component 0 has {expected}")]
    Dimensions { component: usize, found: usize, expected: usize },
}

impl GaussianMixture {
    /// The mixture of weights phi (K) and as many components. A weight may be 0.
    ///
    /// # Errors
    /// If the counts differ or are 0, a weight lies outside 0..1, their sum is not 1 (to 1e-9), or the components have
    /// different dimensions.
    pub fn new(weights: Vec<f64>, components: Vec<MultivariateNormal>) -> Result<GaussianMixture, MixtureError> {
        let first = components.first().ok_or(MixtureError::NoComponents)?;
        if weights.len() != components.len() {
            return Err(MixtureError::Counts { weights: weights.len(), components: components.len() });
        }
        if let Some((component, &weight)) = weights.iter().enumerate().find(|(_, w)| !(0.0..=1.0).contains(*w)) {
            return Err(MixtureError::Weight { component, weight });
        }
        let sum: f64 = weights.iter().sum();
        if (sum - 1.0).abs() > 1e-9 {
            return Err(MixtureError::Sum { sum });
        }
        let expected = first.dim();
        match components.iter().map(MultivariateNormal::dim).enumerate().find(|&(_, found)| found != expected) {
            Some((component, found)) => Err(MixtureError::Dimensions { component, found, expected }),
            None => Ok(GaussianMixture { weights, components }),
        }
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.components[0].dim()
    }

    /// phi (K).
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// N(mu_k, Sigma_k) for each k.
    pub fn components(&self) -> &[MultivariateNormal] {
        &self.components
    }

    /// ln p(x, z = k) = ln phi_k + ln N(x; mu_k, Sigma_k) for each k (K), at x (D).
    ///
    /// # Panics
    /// If x has not D coordinates.
    #[track_caller]
    pub fn log_joint(&self, x: &[f64]) -> Vec<f64> {
        let (found, expected) = (x.len(), self.dim());
        assert_eq!(found, expected, "GaussianMixture: x has {found} coordinates, the mixture {expected}");
        self.weights.iter().zip(&self.components).map(|(phi, normal)| libm::log(*phi) + normal.log_pdf(x)).collect()
    }

    /// ln p(x) = ln sum over k of phi_k N(x; mu_k, Sigma_k), at x (D). It stays finite where the density is too small
    /// for an f64.
    ///
    /// # Panics
    /// If x has not D coordinates.
    #[track_caller]
    pub fn log_pdf(&self, x: &[f64]) -> f64 {
        log_sum_exp(&self.log_joint(x))
    }

    /// The density p(x), per unit of volume, at x (D).
    ///
    /// # Panics
    /// If x has not D coordinates.
    #[track_caller]
    pub fn pdf(&self, x: &[f64]) -> f64 {
        libm::exp(self.log_pdf(x))
    }

    /// p(z = k | x) = p(x, z = k) / p(x) for each k (K): to which component x (D) belongs. Where x is so far away
    /// (1e154 standard deviations) that even the logarithms of all densities are minus infinity, x says nothing, and
    /// they are phi.
    ///
    /// # Panics
    /// If x has not D coordinates.
    #[track_caller]
    pub fn responsibilities(&self, x: &[f64]) -> Vec<f64> {
        let log_joint = self.log_joint(x);
        let max = largest(&log_joint);
        if max == f64::NEG_INFINITY {
            return self.weights.clone();
        }
        // Divided by the largest, above and below.
        let joint: Vec<f64> = log_joint.iter().map(|l| libm::exp(l - max)).collect();
        let sum: f64 = joint.iter().sum();
        joint.iter().map(|joint| joint / sum).collect()
    }

    /// A random pair (z, x): first the component z, from phi, then x (D) from its bell.
    pub fn sample(&self, rng: &mut Rng) -> (usize, Vec<f64>) {
        let mut left = rng.uniform();
        let drawn = self.weights.iter().position(|phi| {
            left -= phi;
            left < 0.0
        });
        // Rounded weights may add up to a little less than 1: what is left then falls to the last that is not 0.
        let last = self.weights.iter().rposition(|&phi| phi > 0.0).expect("the weights add up to 1");
        let z = drawn.unwrap_or(last);
        (z, self.components[z].sample(rng))
    }
}

/// ln sum over k of e^(l_k) = m + ln sum over k of e^(l_k - m) with m = max l_k: one term is e^0 = 1, so that the sum
/// is never 0, however small all the e^(l_k) are.
pub fn log_sum_exp(logs: &[f64]) -> f64 {
    let max = largest(logs);
    if max == f64::NEG_INFINITY {
        return max;
    }
    max + libm::log(logs.iter().map(|l| libm::exp(l - max)).sum())
}

/// Where all are NaN, so is the largest: a point that is no number must not look like one that is far away.
fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::NEG_INFINITY, |max, number| if max >= number { max } else { number })
}
