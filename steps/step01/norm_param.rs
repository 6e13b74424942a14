//! The parameters: the mean mu is the location of the density, the standard deviation sigma its width.

use super::Normal;
use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, GREEN, VERMILION, sampled};
use anyhow::Result;

/// Prints the largest densities and draws `norm_param.svg`.
///
/// # Errors
/// If the figure cannot be written.
pub fn run(common: &Common) -> Result<()> {
    let density = |mu, sigma| sampled(-10.0, 10.0, move |x| Normal::new(mu, sigma).pdf(x));
    let chart = |title| Chart::new(title, "x", "probability density").y_range(0.0, 0.85);

    let by_mu = chart("Location: the mean μ (σ = 1)")
        .line("μ = -3", BLUE, density(-3.0, 1.0))
        .line("μ = 0", VERMILION, density(0.0, 1.0))
        .line("μ = 5", GREEN, density(5.0, 1.0));

    // The area is 1 for every sigma, so half the width means twice the height.
    let by_sigma = chart("Width: the standard deviation σ (μ = 0)")
        .line("σ = 0.5", BLUE, density(0.0, 0.5))
        .line("σ = 1", VERMILION, density(0.0, 1.0))
        .line("σ = 2", GREEN, density(0.0, 2.0));
    for sigma in [0.5, 1.0, 2.0] {
        println!("sigma = {sigma}: the density at the mean is {:.4}", Normal::new(0.0, sigma).pdf(0.0));
    }
    common.figure("step01", "norm_param", "norm_param.svg", &[by_mu.into(), by_sigma.into()])
}
