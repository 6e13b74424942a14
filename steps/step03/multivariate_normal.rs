//! [`MultivariateNormal`]: the normal distribution in D dimensions.

use super::linear_algebra::{Matrix, MatrixError};
use std::f64::consts::PI;
use tsukuru::random::Rng;

/// The normal distribution N(mu, Sigma) of a vector x (D), with mean mu (D) and covariance Sigma (D, D) (chapter 3 of the
/// book).
#[derive(Clone, Debug, PartialEq)]
pub struct MultivariateNormal {
    mean: Vec<f64>,
    covariance: Matrix,
    /// L (D, D), lower triangular, with L L^T = Sigma.
    cholesky: Matrix,
    /// -(D ln(2 pi) + ln det Sigma) / 2
    log_normalization: f64,
}

/// Why a mean and a covariance, or the points of a fit, give no normal distribution.
#[derive(Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum MultivariateNormalError {
    /// Mean and covariance have different dimensions.
    #[error("the mean has {mean} coordinates, but the covariance is {rows} x {cols}: expected {mean} x {mean}")]
    Sizes { mean: usize, rows: usize, cols: usize },

    /// A coordinate of the mean is NaN or infinite.
    #[error("coordinate {coordinate} (counted from 0) of the mean is {value}: expected a finite number")]
    Mean { coordinate: usize, value: f64 },

    /// The covariance is not symmetric and positive definite.
    #[error("not a covariance: {0}")]
    Covariance(MatrixError),

    /// There are no points, or they have no coordinates.
    #[error("a normal distribution is fitted to at least one point, found none")]
    NoPoints,

    /// A coordinate of a point is NaN or infinite.
    #[error("point {point} has coordinate {coordinate} = {value} (both counted from 0): expected finite numbers")]
    Point { point: usize, coordinate: usize, value: f64 },
}

tsukuru::debug_as_display!(MultivariateNormalError);

impl MultivariateNormal {
    /// The distribution of mean (D) and covariance (D, D).
    ///
    /// # Errors
    /// If the sizes do not agree, a number is not finite, or the covariance is not symmetric or not positive definite.
    pub fn new(mean: Vec<f64>, covariance: Matrix) -> Result<MultivariateNormal, MultivariateNormalError> {
        let (rows, cols) = covariance.shape();
        if let Some((coordinate, &value)) = mean.iter().enumerate().find(|(_, x)| !x.is_finite()) {
            return Err(MultivariateNormalError::Mean { coordinate, value });
        }
        let cholesky = covariance.cholesky().map_err(MultivariateNormalError::Covariance)?;
        if rows != mean.len() {
            return Err(MultivariateNormalError::Sizes { mean: mean.len(), rows, cols });
        }
        // ln det Sigma = 2 (ln L_11 + ... + ln L_DD)
        let half_log_det = (0..rows).map(|i| libm::log(cholesky[(i, i)])).sum::<f64>();
        let log_normalization = -0.5 * rows as f64 * libm::log(2.0 * PI) - half_log_det;
        Ok(MultivariateNormal { mean, covariance, cholesky, log_normalization })
    }

    /// The number of dimensions D.
    pub fn dim(&self) -> usize {
        self.mean.len()
    }

    /// The mean mu (D), in the units of x.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance Sigma (D, D).
    pub fn covariance(&self) -> &Matrix {
        &self.covariance
    }

    /// The Cholesky factor L (D, D) of Sigma: lower triangular, with L L^T = Sigma.
    pub fn cholesky(&self) -> &Matrix {
        &self.cholesky
    }

    /// -(D ln(2 pi) + ln det Sigma) / 2: the logarithm of the normalization constant, which is the log-density at the mean
    /// and its maximum.
    pub fn log_normalization(&self) -> f64 {
        self.log_normalization
    }

    /// The log-density ln N(x; mu, Sigma) = -(D ln(2 pi) + ln det Sigma) / 2 - (x - mu)^T Sigma^-1 (x - mu) / 2 at x (D).
    ///
    /// # Panics
    /// If x does not have D coordinates.
    #[track_caller]
    pub fn log_pdf(&self, x: &[f64]) -> f64 {
        let d = self.dim();
        assert_eq!(x.len(), d, "log_pdf: x has {} coordinates, the distribution {d}", x.len());
        // With L z = x - mu, solved by forward substitution, (x - mu)^T Sigma^-1 (x - mu) = z^T z.
        let mut z = Vec::with_capacity(d);
        for i in 0..d {
            let row = self.cholesky.row(i);
            let known: f64 = row.iter().zip(&z).map(|(l, z)| l * z).sum();
            z.push((x[i] - self.mean[i] - known) / row[i]);
        }
        self.log_normalization - 0.5 * z.iter().map(|z| z * z).sum::<f64>()
    }

    /// The density N(x; mu, Sigma) at x (D), in 1 / (product of the units of the coordinates).
    ///
    /// # Panics
    /// If x does not have D coordinates.
    #[track_caller]
    pub fn pdf(&self, x: &[f64]) -> f64 {
        libm::exp(self.log_pdf(x))
    }

    /// A random x (D) = mu + L z with independent standard normal numbers z (D). Its covariance is L L^T = Sigma.
    pub fn sample(&self, rng: &mut Rng) -> Vec<f64> {
        let z: Vec<f64> = (0..self.dim()).map(|_| rng.normal()).collect();
        let l = self.cholesky.rows();
        l.zip(&self.mean).map(|(row, mean)| mean + row.iter().zip(&z).map(|(l, z)| l * z).sum::<f64>()).collect()
    }

    /// The maximum likelihood estimate from the rows of x (N, D): mu is their mean, Sigma the mean of (x - mu)(x - mu)^T,
    /// divided by N, not N - 1 (chapter 3 of the book).
    ///
    /// # Errors
    /// If there are no points, one is not finite, or they lie in a subspace of fewer than D dimensions, where Sigma is
    /// singular.
    pub fn fit(x: &Matrix) -> Result<MultivariateNormal, MultivariateNormalError> {
        let (mean, covariance) = moments(x)?;
        MultivariateNormal::new(mean, covariance)
    }
}

/// The mean mu (D) of the rows of x (N, D), and their covariance, the mean of (x - mu)(x - mu)^T (D, D), divided by N.
///
/// # Errors
/// If there are no points, or one is not finite.
pub fn moments(x: &Matrix) -> Result<(Vec<f64>, Matrix), MultivariateNormalError> {
    let (n, d) = x.shape();
    if n == 0 || d == 0 {
        return Err(MultivariateNormalError::NoPoints);
    }
    if let Some(i) = x.data().iter().position(|x| !x.is_finite()) {
        return Err(MultivariateNormalError::Point { point: i / d, coordinate: i % d, value: x.data()[i] });
    }
    // Differences from the first point, so that a small variance beside a large mean is not lost to rounding.
    let first = x.row(0);
    let mean: Vec<f64> = (0..d).map(|j| first[j] + x.rows().map(|x| x[j] - first[j]).sum::<f64>() / n as f64).collect();
    let mut covariance = Matrix::zeros(d, d);
    for x in x.rows() {
        for i in 0..d {
            for j in 0..d {
                covariance[(i, j)] += (x[i] - mean[i]) * (x[j] - mean[j]) / n as f64;
            }
        }
    }
    Ok((mean, covariance))
}
