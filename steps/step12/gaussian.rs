//! The estimators where all numbers are known: data from one normal distribution, and models that are exact for it.

use super::linear::{LinearHierarchy, Normal2d, WIDER};
use super::{Estimate, Trace, bounds, diffusion_elbo, log_density};
use crate::common::cli::Common;
use crate::common::plot::{BLACK, BLUE, Chart, VERMILION};
use crate::step03::MultivariateNormal;
use crate::step04::GaussianMixture;
use anyhow::Result;
use tsukuru::Real;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

const POINTS: usize = 2000;
/// Draws of the latent variables, and noise levels, for each point.
const K: usize = 1000;
const LEVELS: usize = 100;
/// Steps of Heun's method.
const STEPS: usize = 200;

/// An estimator's values, and what they should be, of each point, in nats.
pub struct Row {
    pub name: &'static str,
    pub found: Vec<f64>,
    pub expected: Vec<f64>,
}

impl Row {
    /// By how much the values are above those that they should be.
    pub fn error(&self) -> Estimate {
        self.above(&self.expected)
    }

    fn above(&self, values: &[f64]) -> Estimate {
        Estimate::of(&Vec::from_iter(self.found.iter().zip(values).map(|(found, value)| found - value)))
    }
}

/// All estimators on `n` points.
pub fn rows(seed: u64, n: usize, k: usize, levels: usize, steps: usize) -> Vec<Row> {
    let data = Normal2d::new([0.7, -0.4], [0.3, 1.7], 0.9);
    let density = MultivariateNormal::new(data.mean.to_vec(), data.covariance()).expect("a covariance");
    let rng = &mut Rng::new(seed, "gaussian", 0);
    let points: Vec<Vec<f64>> = (0..n).map(|_| density.sample(rng)).collect();
    let x = Tensor::new([n, 2], &points.iter().flatten().map(|&x| x as Real).collect::<Vec<_>>());
    let points: Vec<[f64; 2]> = x.data().chunks(2).map(|x| [x[0].into(), x[1].into()]).collect();
    let exact: Vec<f64> = points.iter().map(|&x| data.log_pdf(x)).collect();
    let less = |gap: f64| exact.iter().map(|log_p| log_p - gap).collect::<Vec<f64>>();

    let mixture = GaussianMixture::new(vec![0.3, 0.7], vec![density.clone(), density]).expect("a mixture");
    let mixture = points.iter().map(|x| mixture.log_pdf(x)).collect();
    let mut rows = vec![Row { name: "mixture", found: mixture, expected: exact.clone() }];
    // KL(q || p(z|x)) of each latent number: q has the right mean, and its variance is too large by the factor WIDER.
    let kl = 0.5 * (WIDER - 1.0 - libm::log(WIDER));
    for (levels, [elbo, weighted]) in [(1, ["VAE, ELBO", "VAE, L_k"]), (2, ["HVAE, ELBO", "HVAE, L_k"])] {
        let [found, tight] = bounds(&LinearHierarchy { data, levels }, &x, k, rng, || ());
        rows.push(Row { name: elbo, found, expected: less(kl * 2.0 * levels as f64) });
        rows.push(Row { name: weighted, found: tight, expected: exact.clone() });
    }
    let found = diffusion_elbo(&data, &x, levels, rng, || ());
    let expected = points.iter().map(|&x| data.diffusion_elbo(x)).collect();
    rows.push(Row { name: "diffusion, ELBO", found, expected });
    for (trace, name) in [(Trace::Exact, "ODE, exact trace"), (Trace::Hutchinson, "ODE, Hutchinson")] {
        let found = log_density(&data, &x, steps, trace, rng, || ());
        rows.push(Row { name, found, expected: exact.clone() });
    }
    rows
}

pub fn run(common: &Common) -> Result<()> {
    let limits = &common.limits;
    let (n, steps) = (POINTS.min(limits.points), STEPS.min(limits.sample_steps));
    let rows = rows(common.seed, n, K.min(limits.points), LEVELS.min(limits.train_steps), steps);
    println!("{n} points of N(m, Sigma) in the plane; in nats per point, with standard errors\n");
    println!("{:<18}{:>10}{:>12}   difference", "estimator", "estimate", "expected");
    for row in &rows {
        let mean = |values: &[f64]| Estimate::of(values).mean;
        let (found, expected) = (mean(&row.found), mean(&row.expected));
        println!("{:<18}{found:>10.4}{expected:>12.4}   {:.5}", row.name, row.error());
    }
    let exact = &rows[0].expected;
    let points = rows.iter().enumerate().map(|(i, row)| {
        let Estimate { mean, error } = row.above(exact);
        (i as f64, mean, 3.0 * error)
    });
    let points: Vec<_> = points.collect();
    let names = ["mixture", "ELBO 1", "L_k 1", "ELBO 2", "L_k 2", "diff. ELBO", "ODE exact", "ODE Hutch."];
    let chart = Chart::new("Known density", "estimator", "estimate - ln p(x) [nats]")
        .dashes("exact", BLACK, [(-0.5, 0.0), (rows.len() as f64 - 0.5, 0.0)])
        .errors("3 standard errors", BLUE, points.iter().copied())
        .dots("", VERMILION, 4.0, points.iter().map(|&(x, y, _)| (x, y)))
        .categories(&names);
    common.figure("step12", "gaussian", "gaussian.svg", &[chart.into()])
}
