//! [`fit_em`]: a Gaussian mixture fitted to data by the EM algorithm, for any K and D.

use super::e_step::e_step;
use super::error::EmError;
use super::init::{kmeans_plusplus, variances};
use super::m_step::{Repair, m_step};
use crate::step03::{Matrix, MultivariateNormal};
use crate::step04::GaussianMixture;
use std::fmt;
use std::ops::ControlFlow;
use tsukuru::random::Rng;

/// How to fit. `EmOptions { n_init: 1, ..EmOptions::default() }` changes one option.
#[derive(Clone, Debug)]
pub struct EmOptions {
    /// The mixture to start from; `None` stands for k-means++ initialisations.
    pub initial: Option<GaussianMixture>,
    /// How many k-means++ initialisations are tried; the fit with the highest likelihood is kept. A given `initial` is
    /// tried once.
    pub n_init: usize,
    /// Upper limit of the number of iterations from each initialisation.
    pub max_iterations: usize,
    /// A fit has converged when the mean log-likelihood changes by less than this, in nats; with 0 it never has.
    pub threshold: f64,
    /// The least variance of a component in any direction, as a share of the variance of the data without their outliers,
    /// or of its own in each coordinate where that is more. 0 sets no limit.
    pub covariance_floor: f64,
    /// Seed of the k-means++ initialisations.
    pub seed: u64,
}

impl Default for EmOptions {
    /// Four initialisations, 200 iterations each, a threshold of 1e-6 nats, a covariance floor of 1e-6, seed 0.
    fn default() -> EmOptions {
        EmOptions { initial: None, n_init: 4, max_iterations: 200, threshold: 1e-6, covariance_floor: 1e-6, seed: 0 }
    }
}

/// The result of [`fit_em`].
#[derive(Clone, Debug)]
pub struct EmFit {
    /// The fitted mixture.
    pub mixture: GaussianMixture,
    /// The mean of ln p(x) over the data, in nats: of the initial mixture, then after each iteration. The last is that
    /// of `mixture`.
    pub log_likelihoods: Vec<f64>,
    /// Why the iterations ended.
    pub stop_reason: StopReason,
    /// The degenerate components, each kind once per component.
    pub repairs: Vec<Repair>,
}

impl fmt::Display for EmFit {
    /// The likelihood, how the fit ended, and a line for each repair.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [.., last] = self.log_likelihoods[..] else { unreachable!("the initial mixture has one") };
        let end = match self.stop_reason {
            StopReason::Converged => "converged",
            StopReason::MaxIterations => "not converged",
            StopReason::Interrupted => "interrupted",
        };
        write!(f, "ln p = {last:.5}, {end} after iteration {}", self.log_likelihoods.len() - 1)?;
        let count = self.repairs.len();
        self.repairs.iter().zip(1..).try_for_each(|(repair, i)| write!(f, "\nrepair {i} of {count}: {repair}"))
    }
}

/// Why the iterations ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The mean log-likelihood changed by less than the threshold.
    Converged,
    /// It had not converged after `max_iterations`.
    MaxIterations,
    /// The callback returned [`ControlFlow::Break`].
    Interrupted,
}

/// What the callback of [`fit_em_with`] gets.
pub struct EmProgress<'a> {
    /// Index of the initialisation, from 0.
    pub init: usize,
    /// Number of iterations done from this initialisation.
    pub iteration: usize,
    /// The mean of ln p(x) under `mixture`, in nats.
    pub log_likelihood: f64,
    /// The mixture after these iterations.
    pub mixture: &'a GaussianMixture,
}

/// Fits a mixture of K components to the rows of x (N, D) by maximum likelihood (EM; Dempster, Laird and Rubin, 1977).
/// Time grows as N K D^2; the memory beside x is at most N numbers. The result is the same bits at any number of threads.
///
/// # Errors
/// If the data are empty, not finite, constant in a column or fewer points than K, if K is 0, the initial mixture has other
/// sizes, an option lies outside its range, or a covariance is singular and no floor is set.
pub fn fit_em(x: &Matrix, k: usize, options: &EmOptions) -> Result<EmFit, EmError> {
    fit_em_with(x, k, options, |_| ControlFlow::Continue(()))
}

/// [`fit_em`] that calls `callback` for each initial mixture and after each iteration. If it returns
/// [`ControlFlow::Break`], the mixture that it got is the result, unless an earlier initialisation led to a higher
/// likelihood.
///
/// # Errors
/// As [`fit_em`].
pub fn fit_em_with(
    x: &Matrix,
    k: usize,
    options: &EmOptions,
    mut callback: impl FnMut(&EmProgress) -> ControlFlow<()>,
) -> Result<EmFit, EmError> {
    check(k, x.shape(), options)?;
    let variances = variances(x)?;
    let mut best: Option<EmFit> = None;
    let n_init = if options.initial.is_some() { 1 } else { options.n_init };
    for init in 0..n_init {
        let initial = match &options.initial {
            Some(mixture) => mixture.clone(),
            None => {
                let rng = &mut Rng::new(options.seed, "em start", init as u64);
                kmeans_plusplus(x, k, &variances, options.covariance_floor, rng)
            }
        };
        let mut callback =
            |iteration, log_likelihood, mixture: &_| callback(&EmProgress { init, iteration, log_likelihood, mixture });
        let fit = run_em(x, initial, &variances, options, &mut callback)?;
        let stop_reason = fit.stop_reason;
        let last = |fit: &EmFit| fit.log_likelihoods.last().copied();
        if best.as_ref().is_none_or(|best| last(&fit) > last(best)) {
            best = Some(fit);
        }
        if stop_reason == StopReason::Interrupted {
            break;
        }
    }
    Ok(best.expect("there is at least one initialisation"))
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
    if options.n_init == 0 {
        return Err(EmError::Option { name: "n_init", value: 0.0, expected: "at least 1" });
    }
    let (threshold, floor) = (options.threshold, options.covariance_floor);
    if !(threshold >= 0.0 && threshold.is_finite()) {
        let expected = "a finite number that is not negative";
        return Err(EmError::Option { name: "threshold", value: threshold, expected });
    }
    if !(0.0..=1.0).contains(&floor) {
        return Err(EmError::Option { name: "covariance_floor", value: floor, expected: "a share from 0 to 1" });
    }
    match &options.initial {
        Some(initial) if (initial.weights().len(), initial.dim()) != (k, d) => {
            Err(EmError::Initial { found_k: initial.weights().len(), found_d: initial.dim(), k, d })
        }
        _ => Ok(()),
    }
}

/// The EM iterations from one initial mixture.
fn run_em(
    x: &Matrix,
    mut mixture: GaussianMixture,
    variances: &[f64],
    options: &EmOptions,
    callback: &mut dyn FnMut(usize, f64, &GaussianMixture) -> ControlFlow<()>,
) -> Result<EmFit, EmError> {
    let (mut log_likelihoods, mut repairs): (Vec<f64>, Vec<Repair>) = (Vec::new(), Vec::new());
    let stop_reason = loop {
        let iteration = log_likelihoods.len();

        // E-step, which gives the log-likelihood as well
        let means: Vec<&[f64]> = mixture.components().iter().map(MultivariateNormal::mean).collect();
        let (sum, statistics) = e_step(x, &mixture, &means);
        let log_likelihood = sum / x.shape().0 as f64;
        let change = log_likelihoods.last().map(|last| (log_likelihood - last).abs());
        log_likelihoods.push(log_likelihood);
        if callback(iteration, log_likelihood, &mixture).is_break() {
            break StopReason::Interrupted;
        }
        if change.is_some_and(|change| change < options.threshold) {
            break StopReason::Converged;
        }
        if iteration == options.max_iterations {
            break StopReason::MaxIterations;
        }

        // M-step
        let (next, repaired) = m_step(x, &mixture, &statistics, variances, options.covariance_floor, iteration + 1)?;
        for repair in repaired {
            if !repairs.iter().any(|old| (old.component, old.kind) == (repair.component, repair.kind)) {
                repairs.push(repair);
            }
        }
        mixture = next;
    };
    Ok(EmFit { mixture, log_likelihoods, stop_reason, repairs })
}
