//! Probabilities of intervals of heights, from the cumulative distribution function.

use crate::common::cli::{Common, PeopleArgs};
use crate::common::plot::{BLACK, BLUE, Chart, VERMILION, sampled};
use crate::step01::Normal;
use anyhow::{Context, Result};

/// Bounds in cm.
const SMALL: f64 = 160.0;
const TALL: f64 = 180.0;

/// Prints P(x <= 160 cm) and P(x > 180 cm) beside the shares in the data, and draws `prob.svg`.
///
/// # Errors
/// If the heights cannot be read or fitted, or the figure cannot be written.
pub fn run(common: &Common, people: &PeopleArgs) -> Result<()> {
    let (xs, source) = people.heights()?;
    println!("{} heights, {source}", xs.len());
    let fitted = Normal::fit(&xs).with_context(|| source.to_string())?;

    // The cumulative distribution function is the area under the density to the left of x: cdf(x) = P(X <= x).
    let small = fitted.cdf(SMALL);
    let tall = 1.0 - fitted.cdf(TALL);
    let share = |condition: &dyn Fn(f64) -> bool| xs.iter().filter(|&&x| condition(x)).count() as f64 / xs.len() as f64;
    println!("P(x <= {SMALL}) = {small:.5}   (in the data: {:.5})", share(&|x| x <= SMALL));
    println!("P(x > {TALL})  = {tall:.5}   (in the data: {:.5})", share(&|x| x > TALL));

    let density = |low, high| sampled(low, high, |x| fitted.pdf(x));
    let (low, high) = (fitted.mu - 4.5 * fitted.sigma, fitted.mu + 4.5 * fitted.sigma);
    let chart = Chart::new("Probabilities as areas under the density", "height [cm]", "probability density [1/cm]")
        .area(&format!("P(x ≤ {SMALL}) = {small:.4}"), BLUE, density(low, SMALL))
        .area(&format!("P(x > {TALL}) = {tall:.4}"), VERMILION, density(TALL, high))
        .line("fitted density", BLACK, density(low, high));
    common.figure("step02", "prob", "prob.svg", &[chart.into()])
}
