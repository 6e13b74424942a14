//! Maximum likelihood estimation of a bivariate normal distribution from heights and weights.

use super::{Matrix, MultivariateNormal};
use crate::common::cli::{Common, PeopleArgs};
use crate::common::plot::{BLUE, Chart, Grid, Surface};
use anyhow::{Context, Result};

/// Points in the scatter plot; with more they would hide each other.
const SHOWN: usize = 500;

/// Prints mean, covariance and the shares within 1, 2 and 3 Mahalanobis distances, and draws `mle.svg`.
///
/// # Errors
/// If the data cannot be read or fitted, or the figure cannot be written.
pub fn run(common: &Common, people: &PeopleArgs) -> Result<()> {
    let (rows, source) = people.heights_and_weights()?;
    println!("heights and weights of {} people, {source}", rows.len());
    let x = Matrix::new(&rows);

    // As in one dimension: mu = 1/N sum of x_n,   Sigma = 1/N sum of (x_n - mu)(x_n - mu)^T
    let fitted = MultivariateNormal::fit(&x).with_context(|| source.to_string())?;
    let mu = fitted.mean();
    println!("mu = [{:.8}, {:.8}]", mu[0], mu[1]);
    println!("Sigma, maximum likelihood (sum / N) =\n{:.8}", fitted.covariance());
    let n = rows.len() as f64;
    println!("Sigma, unbiased (sum / (N - 1)) =\n{:.8}", fitted.covariance().scale(n / (n - 1.0)));

    // Within a Mahalanobis distance of k, the density is more than exp(-k^2 / 2) of its maximum. In two dimensions that
    // region has the probability 1 - exp(-k^2 / 2).
    let maximum = fitted.log_normalization();
    for k in 1..=3 {
        let edge = -0.5 * f64::from(k * k);
        let within = x.rows().filter(|x| fitted.log_pdf(x) >= maximum + edge).count() as f64 / n;
        println!("within Mahalanobis distance {k}: {within:.4} of the data, {:.4} expected", 1.0 - libm::exp(edge));
    }

    let range = |i: usize| {
        let sigma = fitted.covariance()[(i, i)].sqrt();
        (mu[i] - 3.6 * sigma, mu[i] + 3.6 * sigma)
    };
    let (heights, weights) = (range(0), range(1));
    let grid = |steps| Grid::new(heights, weights, steps, |height, weight| fitted.pdf(&[height, weight]));
    let labels = ["height [cm]", "weight [kg]", "density [1/(cm kg)]"];
    let surface = Surface::new("The fitted density", labels, grid(26));
    let levels = [3.0, 2.5, 2.0, 1.5, 1.0, 0.5].map(|k: f64| (libm::exp(maximum - 0.5 * k * k), k.to_string()));
    let contours = Chart::new("Mahalanobis distances from μ", "height [cm]", "weight [kg]")
        .dots(
            &format!("{} people", rows.len().min(SHOWN)),
            BLUE,
            1.5,
            rows.iter().take(SHOWN).map(|&[height, weight]| (height, weight)),
        )
        .contours(&grid(80), &levels)
        .mark("μ", (mu[0], mu[1]))
        .x_range(heights.0, heights.1)
        .y_range(weights.0, weights.1);
    common.figure("step03", "mle", "mle.svg", &[surface.into(), contours.into()])
}
