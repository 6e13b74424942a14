//! Maximum likelihood estimation of a normal distribution from the heights.

use crate::common::cli::{Common, PeopleArgs};
use crate::common::plot::{BLUE, Chart, Histogram, VERMILION, sampled};
use crate::step01::Normal;
use anyhow::{Context, Result};

/// Prints the estimates and the mean log-likelihood there and beside them, and draws `fit.svg`.
///
/// # Errors
/// If the heights cannot be read or fitted, or the figure cannot be written.
pub fn run(common: &Common, people: &PeopleArgs) -> Result<()> {
    let (xs, source) = people.heights()?;
    println!("{} heights, {source}", xs.len());

    // The log-likelihood ln L(mu, sigma) = sum of ln N(x_n; mu, sigma) has its maximum where both derivatives are 0:
    //   mu = 1/N sum of x_n,   sigma^2 = 1/N sum of (x_n - mu)^2
    let fitted = Normal::fit(&xs).with_context(|| source.to_string())?;
    println!("mu    = {:.2} cm", fitted.mu);
    println!("sigma = {:.2} cm", fitted.sigma);

    // Other parameters have a lower likelihood.
    let mean_log_likelihood = |normal: Normal| xs.iter().map(|&x| normal.log_pdf(x)).sum::<f64>() / xs.len() as f64;
    let Normal { mu, sigma } = fitted;
    println!("mean log-likelihood  {:.4}", mean_log_likelihood(fitted));
    println!("  with mu + 1 cm     {:.4}", mean_log_likelihood(Normal::new(mu + 1.0, sigma)));
    println!("  with 1.2 sigma     {:.4}", mean_log_likelihood(Normal::new(mu, 1.2 * sigma)));

    let histogram = Histogram::auto(&xs);
    let (low, high) = (histogram.edges[0], histogram.edges[histogram.edges.len() - 1]);
    let name = format!("N(x; μ = {mu:.2}, σ = {sigma:.2})");
    let chart =
        Chart::new("Heights and the normal density that fits them", "height [cm]", "probability density [1/cm]")
            .histogram("heights", BLUE, &histogram)
            .line(&name, VERMILION, sampled(low, high, |x| fitted.pdf(x)));
    common.figure("step02", "fit", "fit.svg", &[chart.into()])
}
