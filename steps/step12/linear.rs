//! One normal distribution in the plane, as the data of models whose every number is known.

use super::denoiser::{Denoiser, SIGMA_MAX, SIGMA_MIN, sigmas};
use super::{Hierarchy, LEVELS};
use crate::step03::Matrix;
use crate::step07::Gaussian;
use std::f64::consts::TAU;
use tsukuru::Real;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// N(mean, Sigma), where Sigma has these variances along its axes, the columns of a rotation by `angle`.
#[derive(Clone, Copy, Debug)]
pub struct Normal2d {
    pub mean: [f64; 2],
    variances: [f64; 2],
    /// Row i, column k: number i of axis k.
    axes: [[f64; 2]; 2],
}

impl Normal2d {
    pub fn new(mean: [f64; 2], variances: [f64; 2], angle: f64) -> Normal2d {
        let (sin, cos) = (libm::sin(angle), libm::cos(angle));
        Normal2d { mean, variances, axes: [[cos, -sin], [sin, cos]] }
    }

    pub fn covariance(&self) -> Matrix {
        let entry = |i: usize, j: usize| (0..2).map(|k| self.axes[i][k] * self.variances[k] * self.axes[j][k]).sum();
        Matrix::new(&[[entry(0, 0), entry(0, 1)], [entry(1, 0), entry(1, 1)]])
    }

    /// x - mean along the axes.
    fn along(&self, x: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|k| (0..2).map(|i| (x[i] - self.mean[i]) * self.axes[i][k]).sum())
    }

    /// ln p(x), as the sum over the axes.
    pub fn log_pdf(&self, x: [f64; 2]) -> f64 {
        let terms = self.along(x).into_iter().zip(self.variances);
        terms.map(|(y, variance)| -0.5 * (libm::log(TAU * variance) + y * y / variance)).sum()
    }

    /// What `diffusion_elbo` estimates with this distribution's own denoiser. Along an axis x - D(x + sigma noise) is
    /// (1 - a) y - a sigma noise, with a = variance / (variance + sigma^2).
    pub fn diffusion_elbo(&self, x: [f64; 2]) -> f64 {
        let sigmas = sigmas(LEVELS);
        let largest = 1.0 + SIGMA_MAX * SIGMA_MAX;
        let of_variance = SIGMA_MAX * SIGMA_MAX / largest;
        let mut elbo = -(libm::log(TAU * SIGMA_MIN * SIGMA_MIN) + 1.0);
        elbo -= of_variance - 1.0 - libm::log(of_variance) + 0.5 * (x[0] * x[0] + x[1] * x[1]) / largest;
        for pair in sigmas.windows(2) {
            let [before, sigma] = [pair[0] * pair[0], pair[1] * pair[1]];
            for (y, variance) in self.along(x).into_iter().zip(self.variances) {
                let a = variance / (variance + sigma);
                elbo -= 0.5 * (1.0 / before - 1.0 / sigma) * ((1.0 - a) * (1.0 - a) * y * y + a * a * sigma);
            }
        }
        elbo
    }

    /// (mean (1, 2), axes (2, 2)) as variables.
    fn variables(&self) -> [Variable; 2] {
        [row(self.mean), row(self.axes.as_flattened().try_into().map(|x: [f64; 4]| x).expect("four")).reshape([2, 2])]
    }
}

/// (1, N)
fn row<const N: usize>(numbers: [f64; N]) -> Variable {
    Variable::new(Tensor::new([1, N], &numbers.map(|x| x as Real)))
}

/// E[data | x]: along each axis the mean plus a (x - mean).
impl Denoiser for Normal2d {
    fn denoise(&self, x: &Variable, sigma: &[f64]) -> Variable {
        let [mean, axes] = self.variables();
        let a = |i: usize| {
            let (variance, sigma) = (self.variances[i % 2], sigma[i / 2]);
            (variance / (variance + sigma * sigma)) as Real
        };
        let a = Variable::new(Tensor::from_fn([sigma.len(), 2], a));
        ((x - &mean).matmul(&axes) * a).matmul(&axes.transpose(0, 1)) + mean
    }
}

/// By how much the variances of q are larger than those of the exact posteriors, so that the ELBO is below ln p(x).
pub const WIDER: f64 = 1.5;
/// The variance of p(x | z_1), below those of the data; the factor c of z_1 = c z_2 + noise.
const NOISE: f64 = 0.1;
const FACTOR: f64 = 0.8;

/// x = mean + axes (w z_1) + noise, z_1 = c z_2 + noise, ..: with w such that x has the distribution `data`. Along the axes
/// nothing depends on anything else, so the posteriors are known.
pub struct LinearHierarchy {
    pub data: Normal2d,
    /// L
    pub levels: usize,
}

impl LinearHierarchy {
    /// The variance of each number of z_l: 1 at the top, and 1 + c^2 times that of the level above.
    fn variance(&self, level: usize) -> f64 {
        (level..self.levels).fold(1.0, |variance, _| 1.0 + FACTOR * FACTOR * variance)
    }

    /// w, for each axis.
    fn w(&self) -> [f64; 2] {
        self.data.variances.map(|variance| ((variance - NOISE) / self.variance(1)).sqrt())
    }
}

impl Hierarchy for LinearHierarchy {
    fn levels(&self) -> usize {
        self.levels
    }

    /// For a number y = w z + noise and a z of variance v: 1 / v + w^2 / noise is the precision of z given y, and its mean
    /// is w y / noise / precision.
    fn encode(&self, level: usize, below: &Variable) -> Gaussian {
        let (y, w, noise) = match level {
            1 => {
                let [mean, axes] = self.data.variables();
                ((below - mean).matmul(&axes), self.w(), NOISE)
            }
            _ => (below.clone(), [FACTOR; 2], 1.0),
        };
        let precision = w.map(|w| 1.0 / self.variance(level) + w * w / noise);
        let mu = y * row([0, 1].map(|k| w[k] / noise / precision[k]));
        let logvar = row(precision.map(|precision| libm::log(WIDER / precision))).broadcast_to(mu.shape());
        Gaussian { mu, logvar }
    }

    fn decode(&self, level: usize, z: &Variable) -> Gaussian {
        let [mean, axes] = self.data.variables();
        let (mu, noise) = match level {
            1 => ((z * row(self.w())).matmul(&axes.transpose(0, 1)) + mean, NOISE),
            _ => (z * FACTOR as Real, 1.0),
        };
        let logvar = Variable::new(Tensor::full(mu.shape(), libm::log(noise) as Real));
        Gaussian { mu, logvar }
    }
}
