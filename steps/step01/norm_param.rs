//! What mu and sigma do to the density: one moves it, the other makes it wide and flat.

use super::Normal;
use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, GREEN, VERMILION, sampled};
use anyhow::Result;

pub fn run(common: &Common) -> Result<()> {
    let density = |mu, sigma| sampled(-10.0, 10.0, move |x| Normal::new(mu, sigma).pdf(x));
    let chart = |title| Chart::new(title, "x", "probability density").y_range(0.0, 0.85);

    let by_mu = chart("μ is where it stands (σ = 1)")
        .line("μ = -3", BLUE, density(-3.0, 1.0))
        .line("μ = 0", VERMILION, density(0.0, 1.0))
        .line("μ = 5", GREEN, density(5.0, 1.0));

    // The area is 1 whatever sigma is: half as wide is twice as high.
    let by_sigma = chart("σ is how wide it is (μ = 0)")
        .line("σ = 0.5", BLUE, density(0.0, 0.5))
        .line("σ = 1", VERMILION, density(0.0, 1.0))
        .line("σ = 2", GREEN, density(0.0, 2.0));
    for sigma in [0.5, 1.0, 2.0] {
        println!("sigma = {sigma}: the density is {:.4} at its highest", Normal::new(0.0, sigma).pdf(0.0));
    }
    common.figure("step01", "norm_param", "norm_param.svg", &[by_mu.into(), by_sigma.into()])
}
