//! [`GaussianMixture`]: a weighted sum of normal distributions.

use crate::step03::MultivariateNormal;
use tsukuru::random::Rng;

/// A Gaussian mixture model of a vector x (D) with K components: the latent variable z is k with probability phi_k, and
/// given z = k, x is normal with mean mu_k and covariance Sigma_k (chapter 4 of the book).
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianMixture {
    weights: Vec<f64>,
    components: Vec<MultivariateNormal>,
}

/// Why weights and components give no mixture. Components count from 0.
#[derive(Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum MixtureError {
    /// K is 0.
    #[error("a mixture needs at least one component")]
    NoComponents,

    /// The numbers of weights and components differ.
    #[error("there are {weights} weights for {components} components")]
    Counts { weights: usize, components: usize },

    /// A weight is no probability.
    #[error("the weight of component {component} is {weight}: expected a number from 0 to 1")]
    Weight { component: usize, weight: f64 },

    /// The weights do not sum to 1.
    #[error("the weights sum to {sum}: expected 1")]
    Sum { sum: f64 },

    /// Two components have different dimensions.
    #[error("component {component} has {found} dimensions, component 0 has {expected}")]
    Dimensions { component: usize, found: usize, expected: usize },
}

tsukuru::debug_as_display!(MixtureError);

impl GaussianMixture {
    /// The mixture of weights phi (K) and K components of D dimensions. A weight may be 0.
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

    /// The number of dimensions D.
    pub fn dim(&self) -> usize {
        self.components[0].dim()
    }

    /// The weights phi (K), which sum to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The components N(mu_k, Sigma_k) (K).
    pub fn components(&self) -> &[MultivariateNormal] {
        &self.components
    }

    /// The joint log-density ln p(x, z = k) = ln phi_k + ln N(x; mu_k, Sigma_k) for each k (K), at x (D).
    ///
    /// # Panics
    /// If x does not have D coordinates.
    #[track_caller]
    pub fn log_joint(&self, x: &[f64]) -> Vec<f64> {
        let (found, expected) = (x.len(), self.dim());
        assert_eq!(found, expected, "GaussianMixture: x has {found} coordinates, the mixture {expected}");
        self.weights.iter().zip(&self.components).map(|(phi, normal)| libm::log(*phi) + normal.log_pdf(x)).collect()
    }

    /// The marginal log-density ln p(x) = ln sum over k of phi_k N(x; mu_k, Sigma_k), at x (D). It stays finite where the
    /// density underflows.
    ///
    /// # Panics
    /// If x does not have D coordinates.
    #[track_caller]
    pub fn log_pdf(&self, x: &[f64]) -> f64 {
        log_sum_exp(&self.log_joint(x))
    }

    /// The marginal density p(x) at x (D), in 1 / (product of the units of the coordinates).
    ///
    /// # Panics
    /// If x does not have D coordinates.
    #[track_caller]
    pub fn pdf(&self, x: &[f64]) -> f64 {
        libm::exp(self.log_pdf(x))
    }

    /// The responsibilities p(z = k | x) = p(x, z = k) / p(x) for each k (K), at x (D). Where x is so far away (1e154
    /// standard deviations) that even the log-densities of all components are minus infinity, they are phi.
    ///
    /// # Panics
    /// If x does not have D coordinates.
    #[track_caller]
    pub fn responsibilities(&self, x: &[f64]) -> Vec<f64> {
        let log_joint = self.log_joint(x);
        let max = largest(&log_joint);
        if max == f64::NEG_INFINITY {
            return self.weights.clone();
        }
        // Numerator and denominator are divided by the largest joint density.
        let joint: Vec<f64> = log_joint.iter().map(|l| libm::exp(l - max)).collect();
        let sum: f64 = joint.iter().sum();
        joint.iter().map(|joint| joint / sum).collect()
    }

    /// A random pair (z, x) by ancestral sampling: z from phi, then x (D) from N(mu_z, Sigma_z).
    pub fn sample(&self, rng: &mut Rng) -> (usize, Vec<f64>) {
        let mut left = rng.uniform();
        let drawn = self.weights.iter().position(|phi| {
            left -= phi;
            left < 0.0
        });
        // Rounded weights may sum to a little less than 1; the rest counts for the last weight that is not 0.
        let last = self.weights.iter().rposition(|&phi| phi > 0.0).expect("the weights sum to 1");
        let z = drawn.unwrap_or(last);
        (z, self.components[z].sample(rng))
    }
}

/// ln sum over k of e^(l_k) = m + ln sum over k of e^(l_k - m) with m = max l_k, of logarithms l (K). One term is e^0 = 1,
/// so the sum does not underflow to 0. Minus infinity if K is 0.
pub fn log_sum_exp(logs: &[f64]) -> f64 {
    let max = largest(logs);
    if max == f64::NEG_INFINITY {
        return max;
    }
    max + libm::log(logs.iter().map(|l| libm::exp(l - max)).sum())
}

/// The maximum; NaN if all numbers are NaN, since NaN must not look like a density of 0.
fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::NEG_INFINITY, |max, number| if max >= number { max } else { number })
}
