//! The central limit theorem: means of N uniform numbers are nearly normal, with a variance that falls as 1 / N.

use super::Normal;
use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, Histogram, Panel, VERMILION, sampled};
use anyhow::Result;
use tsukuru::random::Rng;

/// Number of means for each N.
const MEANS: usize = 10_000;

/// Prints mean and standard deviation of the means for each N, and draws `sample_avg.svg`.
///
/// # Errors
/// If the figure cannot be written.
pub fn run(common: &Common) -> Result<()> {
    let mut rng = Rng::new(common.seed, "sampling", 0);
    let mut panels: Vec<Panel> = vec![];
    let mut stds = vec![];

    println!(" N   mean of the means   their std   1/sqrt(12 N)");
    for n in [1, 2, 4, 10, 50] {
        let mean_of_n = |rng: &mut Rng| (0..n).map(|_| rng.uniform()).sum::<f64>() / f64::from(n);
        let means: Vec<f64> = (0..MEANS).map(|_| mean_of_n(&mut rng)).collect();

        // A uniform number in [0, 1) has mean 1/2 and variance 1/12; the mean of n of them has mean 1/2 and variance 1/(12 n).
        let limit = Normal::new(0.5, 1.0 / f64::from(12 * n).sqrt());
        let Normal { mu, sigma } = Normal::fit(&means)?;
        println!("{n:>2}   {mu:>17.4}   {sigma:>9.4}   {:>12.4}", limit.sigma);
        stds.push((f64::from(n), sigma));

        let chart = Chart::new(&format!("N = {n}"), "mean of N uniform numbers", "probability density")
            .histogram(if n == 1 { "means" } else { "" }, BLUE, &Histogram::auto(&means))
            .line(if n == 1 { "normal" } else { "" }, VERMILION, sampled(0.0, 1.0, |x| limit.pdf(x)))
            .x_range(0.0, 1.0);
        panels.push(chart.into());
    }

    let std = Chart::new("Standard error", "N", "standard deviation")
        .line("1/√(12 N)", VERMILION, sampled(1.0, 100.0, |n| 1.0 / (12.0 * n).sqrt()))
        .dots("of the means", BLUE, 3.5, stds)
        .x_range(0.8, 100.0)
        .log_x()
        .log_y();
    panels.push(std.into());
    common.figure("step01", "sample_avg", "sample_avg.svg", &panels)
}
