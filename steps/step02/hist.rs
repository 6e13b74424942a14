//! 25,000 heights as a histogram.

use crate::common::cli::{Common, People};
use crate::common::plot::{BLUE, Chart, Histogram};
use anyhow::Result;

pub fn run(common: &Common, people: &People) -> Result<()> {
    let (xs, source) = people.heights()?;
    println!("{} heights, {source}", xs.len());

    // A bar is as high as its share of the people, divided by its width: the areas sum to 1, as those of a density do.
    let histogram = Histogram::auto(&xs);
    println!("{} bins of {:.3} cm", histogram.counts.len(), histogram.edges[1] - histogram.edges[0]);

    let title = format!("The heights of {} people", xs.len());
    let chart = Chart::new(&title, "height [cm]", "probability density [1/cm]").histogram("", BLUE, &histogram);
    common.figure("step02", "hist", "hist.svg", &[chart.into()])
}
