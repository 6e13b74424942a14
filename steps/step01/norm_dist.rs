//! The density of the standard normal distribution, and how much of it lies near the middle.

use super::Normal;
use crate::common::cli::Common;
use crate::common::plot::{BLACK, BLUE, Chart, SKY, sampled};
use anyhow::Result;

pub fn run(common: &Common) -> Result<()> {
    // N(x; mu, sigma) = 1 / (sqrt(2 pi) sigma) exp(-(x - mu)^2 / (2 sigma^2)), here with mu = 0 and sigma = 1
    let normal = Normal::new(0.0, 1.0);
    println!("The density at its middle: {:.4}", normal.pdf(0.0));

    // The area under the density between two places is the probability to land there.
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
