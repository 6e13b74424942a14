//! The data: 272 eruptions of a geyser, in two clusters that a single normal distribution cannot describe.

use super::OldFaithfulArgs;
use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart};
use crate::step01::Normal;
use anyhow::{Context, Result};

/// Prints mean, standard deviation, minimum and maximum of both columns, and draws `old_faithful.svg`.
///
/// # Errors
/// If the data cannot be read, a column is constant, or the figure cannot be written.
pub fn run(common: &Common, geyser: &OldFaithfulArgs) -> Result<()> {
    let x = geyser.eruptions()?;
    println!("{} eruptions of Old Faithful", x.shape().0);
    println!("{:<17} {:>6} {:>6} {:>6} {:>6}", "[min]", "mean", "std", "min", "max");
    for (i, name) in ["eruption", "wait for the next"].iter().enumerate() {
        let column: Vec<f64> = x.rows().map(|x| x[i]).collect();
        let Normal { mu, sigma } =
            Normal::fit(&column).with_context(|| format!("{}, {name}", geyser.path().display()))?;
        let min = column.iter().copied().fold(f64::INFINITY, f64::min);
        let max = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        println!("{name:<17} {mu:>6.2} {sigma:>6.2} {min:>6.2} {max:>6.2}");
    }

    let chart = Chart::new("Old Faithful", "eruption [min]", "wait for the next [min]");
    let chart = chart.dots("", BLUE, 3.5, x.rows().map(|x| (x[0], x[1])));
    common.figure("step04", "old_faithful", "old_faithful.svg", &[chart.into()])
}
