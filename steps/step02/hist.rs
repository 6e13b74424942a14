//! 25,000 heights as a histogram.

use crate::common::cli::{Common, PeopleArgs};
use crate::common::plot::{BLUE, Chart, Histogram};
use anyhow::Result;

/// Prints the number of bins and draws `hist.svg`.
///
/// # Errors
/// If the heights cannot be read or the figure cannot be written.
pub fn run(common: &Common, people: &PeopleArgs) -> Result<()> {
    let (xs, source) = people.heights()?;
    println!("{} heights, {source}", xs.len());

    // The height of a bar is its share of the people divided by its width, so that the areas sum to 1, as for a density.
    let histogram = Histogram::auto(&xs);
    println!("{} bins of {:.3} cm", histogram.counts.len(), histogram.edges[1] - histogram.edges[0]);

    let title = format!("The heights of {} people", xs.len());
    let chart = Chart::new(&title, "height [cm]", "probability density [1/cm]").histogram("", BLUE, &histogram);
    common.figure("step02", "hist", "hist.svg", &[chart.into()])
}
