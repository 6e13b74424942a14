//! The density of the standard normal distribution, and the probability within 1, 2 and 3 standard deviations.

use super::Normal;
use crate::common::cli::Common;
use crate::common::plot::{BLACK, BLUE, Chart, SKY, sampled};
use anyhow::Result;

/// Prints the probabilities and draws `norm_dist.svg`.
///
/// # Errors
/// If the figure cannot be written.
pub fn run(common: &Common) -> Result<()> {
    // N(x; mu, sigma) = 1 / (sqrt(2 pi) sigma) exp(-(x - mu)^2 / (2 sigma^2)), here with mu = 0 and sigma = 1
    let normal = Normal::new(0.0, 1.0);
    println!("The density at the mean: {:.4}", normal.pdf(0.0));

    // The probability of an interval is the area under the density, a difference of two values of the cdf.
    for k in 1..=3 {
        let k = f64::from(k);
        println!("P({:>2} <= x <= {k}) = {:.4}", -k, normal.cdf(k) - normal.cdf(-k));
    }

    let density = |low, high| sampled(low, high, |x| normal.pdf(x));
    let chart = Chart::new("The standard normal distribution", "x", "probability density")
        .area("within 2σ: 95 %", SKY, density(-2.0, 2.0))
        .area("within 1σ: 68 %", BLUE, density(-1.0, 1.0))
        .line("N(x; μ = 0, σ = 1)", BLACK, density(-5.0, 5.0));
    common.figure("step01", "norm_dist", "norm_dist.svg", &[chart.into()])
}
