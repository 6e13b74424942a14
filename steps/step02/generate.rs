//! New heights, drawn from the fitted distribution.

use crate::common::cli::{Common, PeopleArgs};
use crate::common::plot::{BLUE, Chart, Histogram, VERMILION};
use crate::step01::Normal;
use anyhow::{Context, Result};
use tsukuru::random::Rng;

/// Number of draws.
const SAMPLES: usize = 10_000;

/// Prints mean and standard deviation of the data and of the draws, and draws `generate.svg`.
///
/// # Errors
/// If the heights cannot be read or fitted, or the figure cannot be written.
pub fn run(common: &Common, people: &PeopleArgs) -> Result<()> {
    let (xs, source) = people.heights()?;
    println!("{} heights, {source}", xs.len());

    // A generative model: fit a distribution to the data, then draw from it.
    let fitted = Normal::fit(&xs).with_context(|| source.to_string())?;
    let mut rng = Rng::new(common.seed, "sampling", 0);
    let samples: Vec<f64> = (0..SAMPLES).map(|_| fitted.sample(&mut rng)).collect();

    let of_samples = Normal::fit(&samples)?;
    println!("data:    mean {:.2} cm, std {:.2} cm", fitted.mu, fitted.sigma);
    println!("samples: mean {:.2} cm, std {:.2} cm", of_samples.mu, of_samples.sigma);

    // Both in the same bins, so that bars and outline can be compared.
    let edges = Histogram::auto(&[&xs[..], &samples].concat()).edges;
    let [of_data, of_samples] = [&xs, &samples].map(|numbers| Histogram::over(edges.clone(), numbers));
    let chart =
        Chart::new("Heights, and draws from the fitted distribution", "height [cm]", "probability density [1/cm]")
            .histogram("data", BLUE, &of_data)
            .outline("samples", VERMILION, &of_samples);
    common.figure("step02", "generate", "generate.svg", &[chart.into()])
}
