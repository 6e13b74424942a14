//! The EM algorithm on Old Faithful, from the book's initial mixture.

use super::book::{e_step, m_step, mean_elbo, mean_kl, mean_log_likelihood};
use crate::common::cli::Common;
use crate::common::plot::{self, BLUE, Chart, Grid, Panel, VERMILION};
use crate::em::{EmOptions, fit_em};
use crate::step03::{Matrix, MultivariateNormal};
use crate::step04::{GaussianMixture, OldFaithfulArgs};
use anyhow::{Context, Result};

/// EM has converged when the log-likelihood that the book prints changes by less than this, in nats.
const THRESHOLD: f64 = 1e-4;
/// The animation begins left of 0 min, so that the initial mixture, whose means lie there, is seen whole.
const INITIAL_LOW: f64 = -2.5;

/// The book's initial mixture: two components of equal weight, mu = (0, 50) and (0, 100), Sigma = I. Both are far from the
/// data.
fn initial_mixture() -> GaussianMixture {
    let component =
        |mu: [f64; 2]| MultivariateNormal::new(mu.to_vec(), Matrix::identity(2)).expect("I is a covariance");
    GaussianMixture::new(vec![0.5, 0.5], vec![component([0.0, 50.0]), component([0.0, 100.0])]).expect("two weights")
}

/// The log-likelihood that the book prints, the mean over the points of ln(p(x) + 1e-8). The 1e-8 keeps the logarithm
/// finite where p(x) underflows, but it makes the log-likelihood of the initial mixture look far higher than it is.
fn book_log_likelihood(mixture: &GaussianMixture, x: &Matrix) -> f64 {
    x.rows().map(|x| libm::log(mixture.pdf(x) + 1e-8)).sum::<f64>() / x.shape().0 as f64
}

/// Fits the eruptions by EM. Prints the log-likelihood and its two parts, ELBO and KL, of each iteration, and the fitted
/// mixture; draws `log_likelihood.svg`, `contours.svg` and `contours.gif`.
///
/// # Errors
/// If the data cannot be read or fitted, or a figure cannot be written.
pub fn run(common: &Common, geyser: &OldFaithfulArgs) -> Result<()> {
    let x = geyser.eruptions()?; // (N, 2)
    let mut mixture = initial_mixture();
    let mut q = vec![vec![0.5, 0.5]; x.shape().0]; // (N, 2)
    let mut log_likelihood = book_log_likelihood(&mixture, &x);
    let mut history = History::new(&x);

    loop {
        history.before_e_step(&mixture, &q);

        // E-step: q_n(k) = p(z = k | x_n). KL(q || p(z | x)) becomes 0 and the ELBO rises to ln p(x).
        q = e_step(&mixture, &x);
        history.after_e_step(&mixture, &q);

        // M-step: the phi, mu and Sigma with the highest ELBO for this q. ln p(x) >= ELBO, so it does not fall.
        mixture = m_step(&x, &q).with_context(|| history.failure(geyser))?;

        // The end: the log-likelihood changes by less than the threshold.
        let previous = log_likelihood;
        log_likelihood = book_log_likelihood(&mixture, &x);
        if (log_likelihood - previous).abs() < THRESHOLD {
            break;
        }
    }

    println!("\nafter {} iterations:", history.log_likelihoods.len());
    for (phi, component) in mixture.weights().iter().zip(mixture.components()) {
        let (mu, sigma) = (component.mean(), component.covariance());
        let [a, b, c] = [(0, 0), (0, 1), (1, 1)].map(|at| sigma[at]);
        println!("phi = {phi:.4}, mu = ({:.3}, {:.3}), Sigma = (({a:.4}, {b:.4}), ({b:.4}, {c:.4}))", mu[0], mu[1]);
    }
    // The same by fit_em, which starts from points of the data.
    let fit = fit_em(&x, 2, &EmOptions { seed: common.seed, ..EmOptions::default() })?;
    println!("here: ln p = {:.5}", mean_log_likelihood(&mixture, &x));
    println!("by fit_em with k-means++: {fit}");
    history.draw(common, &mixture)
}

/// What is printed and drawn of each iteration.
struct History<'a> {
    x: &'a Matrix,
    /// The mean log-likelihood before each E-step, and its lower bound with the q of the iteration before.
    log_likelihoods: Vec<f64>,
    elbos: Vec<f64>,
    frames: Vec<Vec<Panel>>,
}

impl History<'_> {
    fn new(x: &Matrix) -> History<'_> {
        println!("   the book's |        before the E-step            |  after the E-step");
        println!(" ln(p + 1e-8) |   ln p(x)  =    ELBO  +      KL     |   ELBO  +   KL");
        History { x, log_likelihoods: vec![], elbos: vec![], frames: vec![] }
    }

    fn before_e_step(&mut self, mixture: &GaussianMixture, q: &[Vec<f64>]) {
        let (log_likelihood, book) = (mean_log_likelihood(mixture, self.x), book_log_likelihood(mixture, self.x));
        let (elbo, kl) = (mean_elbo(mixture, self.x, q), mean_kl(mixture, self.x, q));
        print!("{book:>10.3}    | {log_likelihood:>9.3}  ={elbo:>9.3}  +{kl:>9.4}    |");
        self.log_likelihoods.push(log_likelihood);
        self.elbos.push(elbo);
        self.frames.push(vec![contours(self.x, mixture, self.frames.len(), INITIAL_LOW).into()]);
    }

    fn after_e_step(&self, mixture: &GaussianMixture, q: &[Vec<f64>]) {
        let (elbo, kl) = (mean_elbo(mixture, self.x, q), mean_kl(mixture, self.x, q));
        println!("{elbo:>9.3} +{:>7.4}", kl.abs()); // 0 up to rounding, which may be negative
    }

    fn failure(&self, geyser: &OldFaithfulArgs) -> String {
        let iteration = self.log_likelihoods.len();
        format!("iteration {iteration}: EM from the book's initial mixture cannot fit {}", geyser.path().display())
    }

    fn draw(mut self, common: &Common, fitted: &GaussianMixture) -> Result<()> {
        let last = contours(self.x, fitted, self.frames.len(), 0.0).into();
        self.frames.push(vec![contours(self.x, fitted, self.frames.len(), INITIAL_LOW).into()]);
        let curves = [curves(&self.log_likelihoods, &self.elbos).into()];
        common.figure("step05", "em", "log_likelihood.svg", &curves)?;
        common.figure("step05", "em", "contours.svg", &[last])?;
        let path = common.folder("step05", "em")?.join("contours.gif");
        plot::gif(&path, &self.frames, 700)?;
        println!("{}", path.display());
        Ok(())
    }
}

/// The log-likelihood after each iteration, and its lower bound with the q of the iteration before.
fn curves(log_likelihoods: &[f64], elbos: &[f64]) -> Chart {
    // Without the initial mixture, whose log-likelihood is too low for one chart with the rest.
    let points =
        |values: &[f64]| -> Vec<(f64, f64)> { (1..).map(f64::from).zip(values[1..].iter().copied()).collect() };
    let label = format!("iterations (initial mixture: ln p = {:.1})", log_likelihoods[0]);
    Chart::new("The log-likelihood never falls", &label, "mean over the data [nats]")
        .line("ln p(x)", BLUE, points(log_likelihoods))
        .dots("", BLUE, 4.0, points(log_likelihoods))
        .dashes("ELBO before the E-step", VERMILION, points(elbos))
        .dots("", VERMILION, 4.0, points(elbos))
}

/// The data, each point in the colour of the component with the larger responsibility, and the contours of the density,
/// over eruptions from `low` minutes on.
fn contours(x: &Matrix, mixture: &GaussianMixture, iteration: usize, low: f64) -> Chart {
    let (across, up) = ((low, 6.0), (34.0, 104.0));
    let grid = Grid::new(across, up, 120, |x, y| mixture.pdf(&[x, y]));
    let (_, top) = grid.extent();
    let levels = [0.01, 0.05, 0.15, 0.35, 0.6, 0.85].map(|share| (share * top, String::new()));
    let title = format!("EM after {iteration} iterations: contours at 1, 5, 15, 35, 60, 85 % of the highest density");
    let mut chart = Chart::new(&title, "eruption [min]", "wait for the next [min]");
    for (k, color) in [BLUE, VERMILION].into_iter().enumerate() {
        let own = x.rows().filter(|x| usize::from(mixture.responsibilities(x)[1] > 0.5) == k).map(|x| (x[0], x[1]));
        chart = chart.dots(&format!("component {k}: φ = {:.2}", mixture.weights()[k]), color, 3.0, own);
    }
    chart = chart.contours(&grid, &levels);
    for (k, component) in mixture.components().iter().enumerate() {
        chart = chart.mark(["μ₀", "μ₁"][k], (component.mean()[0], component.mean()[1]));
    }
    chart.x_range(across.0, across.1).y_range(up.0, up.1)
}
