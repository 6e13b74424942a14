//! The M-step from sufficient statistics, and the repair of degenerate components.

use super::e_step::SufficientStatistics;
use super::error::EmError;
use crate::step03::{Matrix, MultivariateNormal};
use crate::step04::GaussianMixture;

/// A degenerate component: the M-step's formulas alone give it no density.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Which component, from 0.
    pub component: usize,
    /// The first iteration in which it happened, from 1.
    pub iteration: usize,
    /// What was wrong and what was done.
    pub kind: RepairKind,
}

/// The two ways in which a component degenerates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairKind {
    /// In some direction its variance fell below the floor (its points are one, or lie on a line), so the floor was
    /// added to its covariance. After that the likelihood may fall.
    Floored,
    /// Its responsibilities are all 0: it keeps its mean and covariance and gets weight 0.
    Empty,
}

/// A component whose responsibilities sum to less than this is empty: dividing by so small a sum gives no mean.
const EMPTY: f64 = 1e-200;

/// The M-step. With d_n = x_n - mu_k around the old mean mu_k, and s = sum of q_n d_n / sum of q_n, the new parameters are
///
///   phi_k = sum of q_n / N,   mu_k + s,   Sigma_k = sum of q_n d_n d_n^T / sum of q_n - s s^T.
///
/// `variances` (D) are those of the data; `floor` is the least variance of a component as a share of them.
pub fn m_step(
    old: &GaussianMixture,
    statistics: &[SufficientStatistics],
    variances: &[f64],
    floor: f64,
    iteration: usize,
) -> Result<(GaussianMixture, Vec<Repair>), EmError> {
    let total: f64 = statistics.iter().map(|s| s.count).sum();
    if total == 0.0 {
        return Err(EmError::TooFar { iteration });
    }
    let (mut weights, mut components, mut repairs) = (Vec::new(), Vec::new(), Vec::new());
    for (component, (sums, old)) in statistics.iter().zip(old.components()).enumerate() {
        if sums.count < EMPTY {
            repairs.push(Repair { component, iteration, kind: RepairKind::Empty });
            weights.push(0.0);
            components.push(old.clone());
            continue;
        }
        let shift: Vec<f64> = sums.first.iter().map(|sum| sum / sums.count).collect();
        let mean = old.mean().iter().zip(&shift).map(|(mu, s)| mu + s).collect();
        let mut covariance = Matrix::zeros(shift.len(), shift.len());
        let mut second = sums.second.iter();
        for i in 0..shift.len() {
            for (j, sum) in (0..=i).zip(&mut second) {
                covariance[(i, j)] = sum / sums.count - shift[i] * shift[j];
                covariance[(j, i)] = covariance[(i, j)];
            }
        }
        if is_below_floor(&covariance, variances, floor) {
            repairs.push(Repair { component, iteration, kind: RepairKind::Floored });
            add_to_diagonal(&mut covariance, variances, floor);
        }
        let normal = MultivariateNormal::new(mean, covariance);
        weights.push(sums.count / total);
        components.push(normal.map_err(|_| EmError::Singular { component, iteration })?);
    }
    Ok((GaussianMixture::new(weights, components).expect("weights that sum to 1"), repairs))
}

/// Whether some direction has less variance than the floor: then Sigma - floor diag(variances) has no Cholesky factor.
fn is_below_floor(covariance: &Matrix, variances: &[f64], floor: f64) -> bool {
    let mut rest = covariance.clone();
    add_to_diagonal(&mut rest, variances, -floor);
    rest.cholesky().is_err()
}

fn add_to_diagonal(matrix: &mut Matrix, variances: &[f64], factor: f64) {
    variances.iter().enumerate().for_each(|(i, variance)| matrix[(i, i)] += factor * variance);
}
