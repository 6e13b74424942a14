//! New heights out of the fitted distribution: nobody's, and yet like those of people.

use crate::common::cli::{Common, People};
use crate::common::plot::{BLUE, Chart, Histogram, VERMILION};
use crate::step01::Normal;
use anyhow::{Context, Result};
use tsukuru::random::Rng;

/// How many are drawn.
const SAMPLES: usize = 10_000;

pub fn run(common: &Common, people: &People) -> Result<()> {
    let (xs, source) = people.heights()?;
    println!("{} heights, {source}", xs.len());

    // A generative model in two lines: fit, then draw.
    let fitted = Normal::fit(&xs).with_context(|| source.to_string())?;
    let mut rng = Rng::new(common.seed, "sampling", 0);
    let samples: Vec<f64> = (0..SAMPLES).map(|_| fitted.sample(&mut rng)).collect();

    let drawn = Normal::fit(&samples)?;
    println!("data:    mean {:.2} cm, std {:.2} cm", fitted.mu, fitted.sigma);
    println!("samples: mean {:.2} cm, std {:.2} cm", drawn.mu, drawn.sigma);

    let chart = Chart::new("Heights, and heights that were drawn", "height [cm]", "probability density [1/cm]")
        .histogram("data", BLUE, &Histogram::auto(&xs))
        .outline("samples", VERMILION, &Histogram::auto(&samples));
    common.figure("step02", "generate", "generate.svg", &[chart.into()])
}
