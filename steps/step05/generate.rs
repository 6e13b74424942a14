//! New eruptions, drawn from the fitted mixture.

use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, VERMILION};
use crate::em::{EmOptions, fit_em};
use crate::step04::OldFaithfulArgs;
use anyhow::{Context, Result};
use tsukuru::random::Rng;

/// Fits a mixture to the eruptions and draws as many new ones. Prints the means of both, draws `generate.svg`.
///
/// # Errors
/// If the data cannot be read or fitted, or the figure cannot be written.
pub fn run(common: &Common, geyser: &OldFaithfulArgs) -> Result<()> {
    let x = geyser.eruptions()?;
    let fit = fit_em(&x, 2, &EmOptions { seed: common.seed, ..EmOptions::default() })
        .with_context(|| geyser.path().display().to_string())?;
    println!("fitted: {fit}");

    let mut rng = Rng::new(common.seed, "generate", 0);
    let draws: Vec<Vec<f64>> = (0..x.shape().0).map(|_| fit.mixture.sample(&mut rng).1).collect();
    let mean = |column: usize, points: &mut dyn Iterator<Item = &[f64]>| {
        points.map(|x| x[column]).sum::<f64>() / x.shape().0 as f64
    };
    for (i, name) in ["eruption", "wait for the next"].iter().enumerate() {
        let (data, drawn) = (mean(i, &mut x.rows()), mean(i, &mut draws.iter().map(|x| &x[..])));
        println!("mean {name}: {data:.2} min in the data, {drawn:.2} min in the draws");
    }

    let points = |x: &[f64]| (x[0], x[1]);
    let chart = |title: &str| {
        let chart = Chart::new(title, "eruption [min]", "wait for the next [min]");
        chart.x_range(0.8, 6.0).y_range(36.0, 104.0)
    };
    let data = chart("272 eruptions").dots("", BLUE, 3.0, x.rows().map(points));
    let drawn = chart("272 draws from the mixture").dots("", VERMILION, 3.0, draws.iter().map(|x| points(x)));
    common.figure("step05", "generate", "generate.svg", &[data.into(), drawn.into()])
}
