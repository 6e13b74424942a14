//! Draws from a mixture by ancestral sampling: first the component, then the point.

use super::gmm::old_faithful_mixture;
use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, VERMILION};
use anyhow::Result;
use tsukuru::random::Rng;

/// Number of draws.
const COUNT: usize = 500;

/// Prints how many draws each component has, and draws `gmm_sampling.svg`.
///
/// # Errors
/// If the figure cannot be written.
pub fn run(common: &Common) -> Result<()> {
    let mixture = old_faithful_mixture();
    let mut rng = Rng::new(common.seed, "gmm_sampling", 0);

    // z ~ phi,  x ~ N(mu_z, Sigma_z)
    let draws: Vec<(usize, Vec<f64>)> = (0..COUNT).map(|_| mixture.sample(&mut rng)).collect();

    let mut chart = Chart::new("500 draws from the mixture", "eruption [min]", "wait for the next [min]");
    for (k, color) in [BLUE, VERMILION].into_iter().enumerate() {
        let own = draws.iter().filter(|(z, _)| *z == k).map(|(_, x)| (x[0], x[1]));
        let (count, phi) = (own.clone().count(), mixture.weights()[k]);
        println!("component {k}: {count} of {COUNT} draws, phi = {phi} expects {:.0}", phi * COUNT as f64);
        chart = chart.dots(&format!("component {k}: {count}"), color, 3.5, own);
    }
    common.figure("step04", "gmm_sampling", "gmm_sampling.svg", &[chart.into()])
}
