//! How probable it is to be small, or tall: areas under the fitted density.

use crate::common::cli::{Common, People};
use crate::common::plot::{BLACK, BLUE, Chart, VERMILION, sampled};
use crate::step01::Normal;
use anyhow::{Context, Result};

/// In cm.
const SMALL: f64 = 160.0;
const TALL: f64 = 180.0;

pub fn run(common: &Common, people: &People) -> Result<()> {
    let (xs, source) = people.heights()?;
    println!("{} heights, {source}", xs.len());
    let fitted = Normal::fit(&xs).with_context(|| source.to_string())?;

    // The cumulative distribution function is the area from far left up to x: cdf(x) = P(X <= x).
    let small = fitted.cdf(SMALL);
    let tall = 1.0 - fitted.cdf(TALL);
    let share = |test: &dyn Fn(f64) -> bool| xs.iter().filter(|&&x| test(x)).count() as f64 / xs.len() as f64;
    println!("P(x <= {SMALL}) = {small:.5}   (in the data: {:.5})", share(&|x| x <= SMALL));
    println!("P(x > {TALL})  = {tall:.5}   (in the data: {:.5})", share(&|x| x > TALL));

    let density = |low, high| sampled(low, high, |x| fitted.pdf(x));
    let (low, high) = (fitted.mu - 4.5 * fitted.sigma, fitted.mu + 4.5 * fitted.sigma);
    let chart = Chart::new("How many are small, how many tall", "height [cm]", "probability density [1/cm]")
        .area(&format!("P(x ≤ {SMALL}) = {small:.4}"), BLUE, density(low, SMALL))
        .area(&format!("P(x > {TALL}) = {tall:.4}"), VERMILION, density(TALL, high))
        .line("fitted density", BLACK, density(low, high));
    common.figure("step02", "prob", "prob.svg", &[chart.into()])
}
