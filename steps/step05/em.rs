//! EM on Old Faithful, from the book's start, one formula after the other.

use super::book::{e_step, m_step, mean_elbo, mean_kl, mean_log_likelihood};
use super::{EmOptions, fit_em};
use crate::common::cli::Common;
use crate::common::plot::{self, BLACK, BLUE, Chart, Corner, Grid, VERMILION};
use crate::step03::{Matrix, MultivariateNormal};
use crate::step04::{GaussianMixture, Geyser};
use anyhow::{Context, Result};

/// The iterations end where the figure that the book prints changes by less than this.
const THRESHOLD: f64 = 1e-4;

/// Two round bells, both far from the data.
pub fn start() -> Result<GaussianMixture> {
    let bell = |mean: [f64; 2]| MultivariateNormal::new(mean.to_vec(), Matrix::identity(2));
    Ok(GaussianMixture::new(vec![0.5, 0.5], vec![bell([0.0, 50.0])?, bell([0.0, 100.0])?])?)
}

/// The figure that the book prints, the mean of ln(p(x) + 1e-8). The 1e-8 is there lest p(x) is 0, but it hides how bad
/// the start is.
fn book_figure(mixture: &GaussianMixture, x: &Matrix) -> f64 {
    x.rows().map(|x| libm::log(mixture.pdf(x) + 1e-8)).sum::<f64>() / x.shape().0 as f64
}

pub fn run(common: &Common, geyser: &Geyser) -> Result<()> {
    let x = geyser.eruptions()?;
    let mut mixture = start()?;
    let mut q = vec![vec![0.5, 0.5]; x.shape().0]; // nothing is known yet
    let mut figure = book_figure(&mixture, &x);
    let (mut log_likelihoods, mut elbos, mut frames) = (vec![], vec![], vec![]);

    println!("   the book's |         before the E-step           |     after it");
    println!(" ln(p + 1e-8) |   ln p(x)  =    ELBO  +      KL     |   ELBO  +   KL");
    loop {
        // ln p(x) = ELBO(q) + KL(q || p(z | x)), for any q
        let log_likelihood = mean_log_likelihood(&mixture, &x);
        let (elbo, kl) = (mean_elbo(&mixture, &x, &q), mean_kl(&mixture, &x, &q));
        print!("{figure:>10.3}    | {log_likelihood:>9.3}  ={elbo:>9.3}  +{kl:>9.4}    |");
        log_likelihoods.push(log_likelihood);
        elbos.push(elbo);
        frames.push(vec![contours(&x, &mixture, frames.len()).into()]);

        // E-step: q = p(z | x) makes KL zero, and the ELBO rises to ln p(x)
        q = e_step(&mixture, &x);
        let (elbo, kl) = (mean_elbo(&mixture, &x, &q), mean_kl(&mixture, &x, &q));
        println!("{elbo:>9.3} +{:>7.4}", kl.abs()); // 0 up to rounding, which may be negative

        // M-step: the mixture with the highest ELBO for this q; ln p(x) is not below it
        let iteration = log_likelihoods.len();
        mixture = m_step(&x, &q).with_context(|| {
            format!("iteration {iteration}: EM from the book's start does not suit {}", geyser.path().display())
        })?;

        let before = figure;
        figure = book_figure(&mixture, &x);
        if (figure - before).abs() < THRESHOLD {
            break;
        }
    }
    frames.push(vec![contours(&x, &mixture, frames.len()).into()]);

    println!("\nafter {} iterations:", frames.len() - 1);
    for (phi, bell) in mixture.weights().iter().zip(mixture.components()) {
        let (mu, sigma) = (bell.mean(), bell.covariance());
        let [a, b, c] = [(0, 0), (0, 1), (1, 1)].map(|at| sigma[at]);
        println!("phi = {phi:.4}, mu = ({:.3}, {:.3}), Sigma = (({a:.4}, {b:.4}), ({b:.4}, {c:.4}))", mu[0], mu[1]);
    }
    // The same by fit_em, which begins at random points of the data.
    let fit = fit_em(&x, 2, &EmOptions { seed: common.seed, ..EmOptions::default() })?;
    let iterations = fit.log_likelihoods.len() - 1;
    let (found, here) = (fit.log_likelihoods[iterations], mean_log_likelihood(&mixture, &x));
    println!("ln p = {here:.5} here, {found:.5} by fit_em from a random start in {iterations} iterations");

    common.figure("step05", "em", "log_likelihood.svg", &[curve(&log_likelihoods, &elbos).into()])?;
    common.figure("step05", "em", "contours.svg", &frames[frames.len() - 1])?;
    let path = common.folder("step05", "em")?.join("contours.gif");
    plot::gif(&path, &frames, 700)?;
    println!("{}", path.display());
    Ok(())
}

/// The log-likelihood after each iteration, and its lower bound with the q of the iteration before.
fn curve(log_likelihoods: &[f64], elbos: &[f64]) -> Chart {
    // The start is too low to be seen in one chart with the rest.
    let points =
        |values: &[f64]| -> Vec<(f64, f64)> { (1..).map(f64::from).zip(values[1..].iter().copied()).collect() };
    let label = format!("iterations done (before them ln p = {:.1})", log_likelihoods[0]);
    Chart::new("The log-likelihood never falls", &label, "mean over the data [nats]")
        .line("ln p(x)", BLUE, points(log_likelihoods))
        .dots("", BLUE, 4.0, points(log_likelihoods))
        .dashes("ELBO before the E-step", VERMILION, points(elbos))
        .dots("", VERMILION, 4.0, points(elbos))
        .legend(Corner::LowerRight)
}

/// The data, each point in the colour of the component that it rather belongs to, and the contours of the density.
fn contours(x: &Matrix, mixture: &GaussianMixture, iteration: usize) -> Chart {
    let (across, up) = ((-2.5, 6.0), (34.0, 104.0));
    let grid = Grid::new(across, up, 120, |x, y| mixture.pdf(&[x, y]));
    let (_, top) = grid.extent();
    let levels = [0.01, 0.05, 0.15, 0.35, 0.6, 0.85].map(|share| share * top);
    let title = format!("EM after {iteration} iterations");
    let mut chart = Chart::new(&title, "eruption [min]", "wait for the next [min]");
    for (k, color) in [BLUE, VERMILION].into_iter().enumerate() {
        let own = x.rows().filter(|x| usize::from(mixture.responsibilities(x)[1] > 0.5) == k).map(|x| (x[0], x[1]));
        chart = chart.dots(&format!("component {k}: phi = {:.2}", mixture.weights()[k]), color, 3.0, own);
    }
    let means = mixture.components().iter().map(|bell| (bell.mean()[0], bell.mean()[1]));
    let chart = chart.contours(&grid, &levels).dots("mu", BLACK, 5.0, means);
    chart.x_range(across.0, across.1).y_range(up.0, up.1).legend(Corner::LowerRight)
}
