//! [`fit_em`]: a Gaussian mixture fitted to data, any K and D.

use super::pass::{Moments, pass};
use super::start::{random_start, variances};
use crate::step03::{Matrix, MultivariateNormal};
use crate::step04::GaussianMixture;
use std::ops::ControlFlow;

/// How to fit. `EmOptions { starts: 1, ..EmOptions::default() }` changes one thing.
#[derive(Clone, Debug)]
pub struct EmOptions {
    /// Where to begin, instead of at random points of the data (k-means++).
    pub start: Option<GaussianMixture>,
    /// So many random starts are tried, and the likeliest result is kept. A given start is tried once.
    pub starts: usize,
    /// At most so many iterations from each start.
    pub max_iterations: usize,
    /// The end is reached where the mean log-likelihood changes by less than this, in nats; with 0 it never is.
    pub threshold: f64,
    /// The least variance of a component in any direction, as a share of the variance of the data. 0 allows all.
    pub covariance_floor: f64,
    /// The random starts follow from it.
    pub seed: u64,
}

impl Default for EmOptions {
    fn default() -> EmOptions {
        EmOptions { start: None, starts: 4, max_iterations: 200, threshold: 1e-6, covariance_floor: 1e-6, seed: 0 }
    }
}

/// What came out.
#[derive(Clone, Debug)]
pub struct EmFit {
    pub mixture: GaussianMixture,
    /// The mean of ln p(x) over the data, in nats: at the start, then after each iteration. The last is that of
    /// `mixture`.
    pub log_likelihoods: Vec<f64>,
    /// Why it ended.
    pub stop: Stop,
    /// What had to be repaired on the way, each kind once per component.
    pub repairs: Vec<Repair>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The mean log-likelihood changed by less than the threshold.
    Converged,
    /// That did not happen within the iterations that were allowed.
    MaxIterations,
    /// Whoever watched said so.
    Asked,
}

/// A component that its points alone would not have kept alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    pub component: usize,
    /// The first time, from 1.
    pub iteration: usize,
    pub kind: RepairKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairKind {
    /// In some direction it had less variance than the floor (its points are one, or lie on a line), so the floor was
    /// added to its covariance. After that the likelihood may fall.
    Floored,
    /// No point belonged to it: it stays where it was, with weight 0.
    Empty,
}

/// How far a fit is.
pub struct EmProgress<'a> {
    /// Which of the starts, from 0.
    pub start: usize,
    /// Iterations done from this start.
    pub iteration: usize,
    /// The mean of ln p(x) under `mixture`, in nats.
    pub log_likelihood: f64,
    /// The mixture after these iterations.
    pub mixture: &'a GaussianMixture,
}

/// Why nothing could be fitted. Rows, columns and components count from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EmError {
    #[error("K = 0: a mixture needs at least one component")]
    NoComponents,

    #[error("the data are {n} x {d}: a mixture is fitted to at least one point of at least one coordinate")]
    NoData { n: usize, d: usize },

    #[error("K = {k} components for {n} points: each component needs a point of its own")]
    TooFewPoints { k: usize, n: usize },

    #[error("row {row}, column {column} of the data is {value}: expected a finite number")]
    NotFinite { row: usize, column: usize, value: f64 },

    #[error("column {column} of the data is {value} in every row: without variance there is no density; leave it out")]
    Constant { column: usize, value: f64 },

    #[error(
        "the numbers in column {column} of the data are so large or so small that no f64 holds their variance; \
         rescale them"
    )]
    Range { column: usize },

    #[error("the start has {found_k} components of {found_d} dimensions: expected {k} of {d}")]
    Start { found_k: usize, found_d: usize, k: usize, d: usize },

    #[error("{name} is {value}: expected {expected}")]
    Option { name: &'static str, value: f64, expected: &'static str },

    #[error(
        "iteration {iteration}: the covariance of component {component} is singular; \
         a covariance_floor above 0 prevents that"
    )]
    Singular { component: usize, iteration: usize },

    #[error(
        "iteration {iteration}: all points are so far from all components that even ln p(x) is minus infinity; \
         start closer"
    )]
    TooFar { iteration: usize },
}

/// Fits a mixture of K components to the rows of x (N, D) by maximum likelihood (EM; Dempster, Laird and Rubin, 1977).
/// Time grows as N K D^2; beside x it needs room for N numbers at most. The result is the same bits at any number of
/// threads.
///
/// # Errors
/// If the data are none, not finite, constant in a column or fewer than K, K is 0, the start does not fit them, an
/// option makes no sense, or a covariance is singular and no floor is set.
pub fn fit_em(x: &Matrix, k: usize, options: &EmOptions) -> Result<EmFit, EmError> {
    fit_em_watched(x, k, options, |_| ControlFlow::Continue(()))
}

/// [`fit_em`] that calls `watch` at each start and after each iteration. `watch` may say [`ControlFlow::Break`]: then
/// the mixture that it saw is the result, unless an earlier start had found a likelier one.
///
/// # Errors
/// As [`fit_em`].
pub fn fit_em_watched(
    x: &Matrix,
    k: usize,
    options: &EmOptions,
    mut watch: impl FnMut(&EmProgress) -> ControlFlow<()>,
) -> Result<EmFit, EmError> {
    check(k, x.shape(), options)?;
    let variances = variances(x)?;
    let mut best: Option<EmFit> = None;
    let starts = if options.start.is_some() { 1 } else { options.starts };
    for start in 0..starts {
        let mixture = match &options.start {
            Some(mixture) => mixture.clone(),
            None => random_start(x, k, &variances, options, start),
        };
        let fit = climb(x, mixture, &variances, options, |iteration, log_likelihood, mixture| {
            watch(&EmProgress { start, iteration, log_likelihood, mixture })
        })?;
        let stop = fit.stop;
        let last = |fit: &EmFit| fit.log_likelihoods.last().copied();
        if best.as_ref().is_none_or(|best| last(&fit) > last(best)) {
            best = Some(fit);
        }
        if stop == Stop::Asked {
            break;
        }
    }
    Ok(best.expect("there is at least one start"))
}

fn check(k: usize, (n, d): (usize, usize), options: &EmOptions) -> Result<(), EmError> {
    if k == 0 {
        return Err(EmError::NoComponents);
    }
    if n == 0 || d == 0 {
        return Err(EmError::NoData { n, d });
    }
    if k > n {
        return Err(EmError::TooFewPoints { k, n });
    }
    if options.starts == 0 {
        return Err(EmError::Option { name: "starts", value: 0.0, expected: "at least 1" });
    }
    let (threshold, floor) = (options.threshold, options.covariance_floor);
    if !(threshold >= 0.0 && threshold.is_finite()) {
        let expected = "a finite number that is not negative";
        return Err(EmError::Option { name: "threshold", value: threshold, expected });
    }
    if !(0.0..=1.0).contains(&floor) {
        return Err(EmError::Option { name: "covariance_floor", value: floor, expected: "a share from 0 to 1" });
    }
    match &options.start {
        Some(start) if (start.weights().len(), start.dim()) != (k, d) => {
            Err(EmError::Start { found_k: start.weights().len(), found_d: start.dim(), k, d })
        }
        _ => Ok(()),
    }
}

/// Iterates from one start.
fn climb(
    x: &Matrix,
    mut mixture: GaussianMixture,
    variances: &[f64],
    options: &EmOptions,
    mut watch: impl FnMut(usize, f64, &GaussianMixture) -> ControlFlow<()>,
) -> Result<EmFit, EmError> {
    let (mut log_likelihoods, mut repairs): (Vec<f64>, Vec<Repair>) = (Vec::new(), Vec::new());
    let stop = loop {
        let iteration = log_likelihoods.len();
        let (sum, moments) = pass(x, &mixture);
        let log_likelihood = sum / x.shape().0 as f64;
        let change = log_likelihoods.last().map(|last| (log_likelihood - last).abs());
        log_likelihoods.push(log_likelihood);
        if watch(iteration, log_likelihood, &mixture).is_break() {
            break Stop::Asked;
        }
        if change.is_some_and(|change| change < options.threshold) {
            break Stop::Converged;
        }
        if iteration == options.max_iterations {
            break Stop::MaxIterations;
        }
        let (next, repaired) = m_step(&mixture, &moments, variances, options.covariance_floor, iteration + 1)?;
        let new =
            |repair: &Repair| !repairs.iter().any(|old| (old.component, old.kind) == (repair.component, repair.kind));
        let repaired: Vec<Repair> = repaired.into_iter().filter(new).collect();
        repairs.extend(repaired);
        mixture = next;
    };
    Ok(EmFit { mixture, log_likelihoods, stop, repairs })
}

/// M-step, from the moments around the old means mu: with s = sum of q d / sum of q,
/// phi = sum of q / N, mu + s and Sigma = sum of q d d^T / sum of q - s s^T.
fn m_step(
    old: &GaussianMixture,
    moments: &[Moments],
    variances: &[f64],
    floor: f64,
    iteration: usize,
) -> Result<(GaussianMixture, Vec<Repair>), EmError> {
    let total: f64 = moments.iter().map(|m| m.count).sum();
    if total == 0.0 {
        return Err(EmError::TooFar { iteration });
    }
    let (mut weights, mut components, mut repairs) = (Vec::new(), Vec::new(), Vec::new());
    for (component, (m, old)) in moments.iter().zip(old.components()).enumerate() {
        if m.count < EMPTY {
            repairs.push(Repair { component, iteration, kind: RepairKind::Empty });
            weights.push(0.0);
            components.push(old.clone());
            continue;
        }
        let shift: Vec<f64> = m.first.iter().map(|sum| sum / m.count).collect();
        let mean = old.mean().iter().zip(&shift).map(|(mu, s)| mu + s).collect();
        let mut covariance = Matrix::zeros(shift.len(), shift.len());
        let mut second = m.second.iter();
        for i in 0..shift.len() {
            for (j, sum) in (0..=i).zip(&mut second) {
                covariance[(i, j)] = sum / m.count - shift[i] * shift[j];
                covariance[(j, i)] = covariance[(i, j)];
            }
        }
        if below(&covariance, variances, floor) {
            repairs.push(Repair { component, iteration, kind: RepairKind::Floored });
            add_to_diagonal(&mut covariance, variances, floor);
        }
        let normal = MultivariateNormal::new(mean, covariance);
        weights.push(m.count / total);
        components.push(normal.map_err(|_| EmError::Singular { component, iteration })?);
    }
    Ok((GaussianMixture::new(weights, components).expect("weights that add up to 1"), repairs))
}

/// A component with less than this of a point has none: dividing by so little gives no mean.
const EMPTY: f64 = 1e-200;

/// Whether some direction has less variance than the floor: then Sigma - floor diag(variances) has no Cholesky factor.
fn below(covariance: &Matrix, variances: &[f64], floor: f64) -> bool {
    let mut rest = covariance.clone();
    add_to_diagonal(&mut rest, variances, -floor);
    rest.cholesky().is_err()
}

fn add_to_diagonal(matrix: &mut Matrix, variances: &[f64], factor: f64) {
    variances.iter().enumerate().for_each(|(i, variance)| matrix[(i, i)] += factor * variance);
}
