//! The M-step from sufficient statistics, and the repair of degenerate components.

use super::e_step::{SufficientStatistics, e_step};
use super::error::EmError;
use crate::step03::{Matrix, MultivariateNormal};
use crate::step04::GaussianMixture;
use std::fmt;

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
    /// In some direction its variance fell below the floor (its points are one, or lie on a line, or nearly), so the floor was
    /// added to its covariance. After that the likelihood may fall.
    Floored,
    /// Its responsibilities are all 0: it keeps its mean and covariance and gets weight 0.
    Empty,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let what = match self.kind {
            RepairKind::Floored => {
                "in some direction it had too little variance, so the floor was added to its covariance"
            }
            RepairKind::Empty => "no point belonged to it, so it kept its mean and covariance and got weight 0",
        };
        write!(f, "component {}, iteration {}: {what}", self.component, self.iteration)
    }
}

/// A component whose responsibilities sum to less than this is empty: dividing by so small a sum gives no mean.
const EMPTY: f64 = 1e-200;

/// A pass finds fourteen digits of a distance and more, so these are enough for any f64. The limit is for rounding, which
/// might move a mean to and fro.
const MOST_PASSES: usize = 32;

/// The M-step of points x (N, D), from their `statistics` under the `old` mixture. `variances` (D) are those of the data;
/// the least variance of a component is the share `floor` of them, or of its own where that is more.
///
/// The centres of `statistics` are the old means. Where the new mean of a component is so far from there that the square
/// of the distance leaves few digits of the variance, the sums are formed again around the new means. Few iterations need
/// that: a component moves by more than ten standard deviations only from a start far away, or when it shrinks to a point.
pub fn m_step(
    x: &Matrix,
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
    let mut moments: Vec<Option<Moments>> = statistics.iter().map(Moments::new).collect();
    for _ in 0..MOST_PASSES {
        if !moments.iter().flatten().any(|moments| moments.cancelled) {
            break;
        }
        let pairs = moments.iter().zip(old.components());
        let centres: Vec<&[f64]> = pairs.map(|(new, old)| new.as_ref().map_or(old.mean(), |new| &new.mean)).collect();
        moments = e_step(x, old, &centres).1.iter().map(Moments::new).collect();
    }
    let (mut weights, mut components, mut repairs) = (Vec::new(), Vec::new(), Vec::new());
    for (component, (moments, old)) in moments.into_iter().zip(old.components()).enumerate() {
        let Some(Moments { count, mean, mut covariance, .. }) = moments else {
            repairs.push(Repair { component, iteration, kind: RepairKind::Empty });
            weights.push(0.0);
            components.push(old.clone());
            continue;
        };
        let floors = variances.iter().enumerate().map(|(i, variance)| floor * variance.max(covariance[(i, i)]));
        let floors: Vec<f64> = floors.collect();
        if is_below(&covariance, &floors) {
            repairs.push(Repair { component, iteration, kind: RepairKind::Floored });
            add_to_diagonal(&mut covariance, &floors, 1.0);
        }
        let normal = MultivariateNormal::new(mean, covariance);
        weights.push(count / total);
        components.push(normal.map_err(|_| EmError::Singular { component, iteration })?);
    }
    Ok((GaussianMixture::new(weights, components).expect("weights that sum to 1"), repairs))
}

/// The new parameters of a component, with s = sum of q_n d_n / sum of q_n for d_n = x_n - c around a centre c.
struct Moments {
    /// sum of q_n, which is N phi_k
    count: f64,
    /// mu_k = c + s
    mean: Vec<f64>,
    /// Sigma_k = sum of q_n d_n d_n^T / sum of q_n - s s^T
    covariance: Matrix,
    /// Whether this difference has lost more than two of its sixteen digits, and a centre nearer to the mean is known.
    cancelled: bool,
}

impl Moments {
    /// `None` for an empty component.
    fn new(sums: &SufficientStatistics) -> Option<Moments> {
        if sums.count < EMPTY {
            return None;
        }
        let shift: Vec<f64> = sums.first.iter().map(|sum| sum / sums.count).collect();
        let mean: Vec<f64> = sums.centre.iter().zip(&shift).map(|(c, s)| c + s).collect();
        let mut covariance = Matrix::zeros(shift.len(), shift.len());
        let mut second = sums.second.iter();
        for i in 0..shift.len() {
            for (j, sum) in (0..=i).zip(&mut second) {
                covariance[(i, j)] = sum / sums.count - shift[i] * shift[j];
                covariance[(j, i)] = covariance[(i, j)];
            }
        }
        let is_far = |i: usize| {
            let variance = covariance[(i, i)];
            shift[i] * shift[i] > 100.0 * variance || variance.is_nan() // where the squares overflow
        };
        let cancelled = (0..shift.len()).any(|i| is_far(i) && mean[i] != sums.centre[i] && mean[i].is_finite());
        Some(Moments { count: sums.count, mean, covariance, cancelled })
    }
}

/// Whether some direction has less variance than the floor: then Sigma - diag(floors) has no Cholesky factor.
fn is_below(covariance: &Matrix, floors: &[f64]) -> bool {
    let mut rest = covariance.clone();
    add_to_diagonal(&mut rest, floors, -1.0);
    rest.cholesky().is_err()
}

fn add_to_diagonal(matrix: &mut Matrix, floors: &[f64], factor: f64) {
    floors.iter().enumerate().for_each(|(i, floor)| matrix[(i, i)] += factor * floor);
}
