//! The mixture of step 4 fitted by gradients, beside EM.

use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, VERMILION};
use crate::em::{EmOptions, fit_em};
use crate::step01::Normal;
use crate::step03::{Matrix, MultivariateNormal};
use crate::step04::{GaussianMixture, OldFaithfulArgs};
use anyhow::Result;
use std::f64::consts::PI;
use tsukuru::Real;
use tsukuru::ops::keepdim;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

const ITERATIONS: usize = 300;
const LR: f64 = 0.05;

/// A mixture of K Gaussians in D dimensions with unconstrained parameters: whatever their values, the weights add up to
/// 1 and the covariances are positive definite.
pub struct UnconstrainedMixture {
    /// phi = softmax(logits) (K).
    logits: Variable,
    /// mu (K, 1, D).
    means: Variable,
    /// ln of the diagonal of A_k (K, D), the lower triangular matrix for which A_k^T A_k = Sigma_k^-1.
    log_scales: Variable,
    /// What is below that diagonal (K, D, D).
    below_diagonal: Variable,
}

/// The mixture is fitted to (x - mean) / std, which has mean 0 and standard deviation 1 in each of D coordinates.
pub struct Standardization {
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl UnconstrainedMixture {
    /// Gaussians of equal weight in the plane with covariance I, and these means (K, 2).
    pub fn new(means: &[[Real; 2]]) -> UnconstrainedMixture {
        let k = means.len();
        UnconstrainedMixture {
            logits: Variable::parameter(Tensor::zeros([k])),
            means: Variable::parameter(Tensor::new([k, 1, 2], means.as_flattened())),
            log_scales: Variable::parameter(Tensor::zeros([k, 2])),
            below_diagonal: Variable::parameter(Tensor::zeros([k, 2, 2])),
        }
    }

    pub fn parameters(&self) -> Vec<Variable> {
        [&self.logits, &self.means, &self.log_scales, &self.below_diagonal].map(Variable::clone).to_vec()
    }

    /// A (K, D, D)
    fn whitening(&self) -> Variable {
        let [k, d] = [self.log_scales.shape()[0], self.log_scales.shape()[1]];
        let pattern = |keep: fn(usize, usize) -> bool| {
            Variable::new(Tensor::from_fn([d, d], |i| if keep(i / d, i % d) { 1.0 } else { 0.0 }))
        };
        let (below, diagonal) = (pattern(|i, j| i > j), pattern(|i, j| i == j));
        &self.below_diagonal * below + self.log_scales.exp().reshape([k, d, 1]) * diagonal
    }

    /// ln p(x_n) (N) of points x (N, D), in nats:
    /// ln N(x; mu, Sigma) = ln det A - z^2 / 2 - D / 2 ln(2 pi) with z = A (x - mu), and
    /// ln p(x) = ln sum over k of e^(ln phi_k + ln N(x; mu_k, Sigma_k)).
    pub fn log_pdf(&self, x: &Variable) -> Variable {
        let [k, d] = [self.log_scales.shape()[0], self.log_scales.shape()[1]];
        let z = (x - &self.means).matmul(&self.whitening().transpose(-2, -1)); // (K, N, D)
        let log_components =
            self.log_scales.sum(keepdim(1)) - 0.5 * z.square().sum(2) - (0.5 * d as f64 * libm::log(2.0 * PI)) as Real;
        (self.logits.log_softmax(0).reshape([k, 1]) + log_components).logsumexp(0)
    }

    /// The same mixture in the units of the data.
    ///
    /// # Errors
    /// If rounding has made a covariance singular.
    pub fn mixture(&self, standardization: &Standardization) -> Result<GaussianMixture> {
        let [k, d] = [self.log_scales.shape()[0], self.log_scales.shape()[1]];
        let numbers = |x: &Variable| x.value().data().iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
        let (a, means) = (numbers(&self.whitening()), numbers(&self.means));
        let mut components = vec![];
        for k in 0..k {
            // x - mu = std A^-1 z
            let mut l = Matrix::from_data(d, d, a[k * d * d..][..d * d].to_vec()).inverse()?;
            (0..d * d).for_each(|i| l[(i / d, i % d)] *= standardization.std[i / d]);
            let mean = (0..d).map(|i| standardization.mean[i] + standardization.std[i] * means[k * d + i]).collect();
            components.push(MultivariateNormal::new(mean, l.dot(&l.transpose()))?);
        }
        let weights = numbers(&self.logits.softmax(0));
        let sum: f64 = weights.iter().sum(); // 1 but for f32's rounding
        Ok(GaussianMixture::new(weights.iter().map(|phi| phi / sum).collect(), components)?)
    }
}

impl Standardization {
    /// That of points x (N, D).
    ///
    /// # Errors
    /// If a column is constant.
    pub fn new(x: &Matrix) -> Result<Standardization> {
        let columns = (0..x.shape().1).map(|i| Normal::fit(&x.rows().map(|x| x[i]).collect::<Vec<f64>>()));
        let columns = columns.collect::<Result<Vec<Normal>, _>>()?;
        let [mean, std] = [|c: &Normal| c.mu, |c: &Normal| c.sigma].map(|of| columns.iter().map(of).collect());
        Ok(Standardization { mean, std })
    }

    /// Points x (N, D), standardised.
    pub fn apply(&self, x: &Matrix) -> Variable {
        let (n, d) = x.shape();
        let scaled = x.rows().flat_map(|x| (0..d).map(|i| ((x[i] - self.mean[i]) / self.std[i]) as Real));
        Variable::new(Tensor::new([n, d], &scaled.collect::<Vec<Real>>()))
    }
}

pub fn run(common: &Common) -> Result<()> {
    let x = OldFaithfulArgs::default().eruptions()?;
    let standardization = Standardization::new(&x)?;
    let model = UnconstrainedMixture::new(&[[-1.0, -1.0], [1.0, 1.0]]);
    let initial = Some(model.mixture(&standardization)?);
    let options = EmOptions { initial, max_iterations: ITERATIONS, threshold: 1e-9, ..EmOptions::default() };
    let by_em = fit_em(&x, 2, &options)?;

    let points = standardization.apply(&x);
    // A density per minute^2 is one per std^2, divided by the product of both std.
    let log_volume: f64 = standardization.std.iter().map(|std| libm::log(*std)).sum();

    let mut optimizer = Adam::new(model.parameters(), LR);
    let mut by_gradient = vec![];
    for _ in 0..ITERATIONS {
        let loss = -model.log_pdf(&points).mean(..);
        by_gradient.push(-f64::from(loss.item()) - log_volume);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
    }

    println!("mean of ln p(x) [nats]");
    println!("iterations         EM   gradient");
    for i in [0, 1, 2, 5, 10, 20, 50, 100, 200, 299] {
        let cell = |values: &[f64]| values.get(i).map_or("".into(), |value| format!("{value:.5}"));
        println!("{i:>10}  {:>9}  {:>9}", cell(&by_em.log_likelihoods), cell(&by_gradient));
    }
    let mixtures = [("EM", by_em.mixture), ("gradient", model.mixture(&standardization)?)];
    for (name, mixture) in &mixtures {
        for (phi, component) in mixture.weights().iter().zip(mixture.components()) {
            let (m, s) = (component.mean(), component.covariance());
            let sigma = format!("[[{:.4}, {:.4}], [{:.4}, {:.3}]]", s[(0, 0)], s[(0, 1)], s[(1, 0)], s[(1, 1)]);
            println!("{name:<8}  phi = {phi:.4}, mu = [{:.4}, {:.3}], Sigma = {sigma}", m[0], m[1]);
        }
    }

    let steps = |values: &[f64]| -> Vec<(f64, f64)> { (1..).map(f64::from).zip(values[1..].iter().copied()).collect() };
    let chart = Chart::new("EM and gradient ascent", "iterations done", "mean of ln p(x) [nats]").log_x();
    let chart =
        chart.line("EM", BLUE, steps(&by_em.log_likelihoods)).line("gradient (Adam)", VERMILION, steps(&by_gradient));
    common.figure("step06", "gmm_by_gradient", "gmm_by_gradient.svg", &[chart.into()])
}
