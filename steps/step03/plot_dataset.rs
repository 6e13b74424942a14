//! Heights and weights as a scatter plot: every person is a point in the plane.

use crate::common::cli::{Common, PeopleArgs};
use crate::common::plot::{BLUE, Chart};
use anyhow::Result;

/// Points in the scatter plot; with more they would hide each other.
const SHOWN: usize = 500;

/// Draws `plot_dataset.svg`.
///
/// # Errors
/// If the data cannot be read or the figure cannot be written.
pub fn run(common: &Common, people: &PeopleArgs) -> Result<()> {
    let (xs, source) = people.heights_and_weights()?;
    println!("heights and weights of {} people, {source}", xs.len());

    let shown: Vec<(f64, f64)> = xs.iter().take(SHOWN).map(|&[height, weight]| (height, weight)).collect();
    let title = format!("The first {} people", shown.len());
    let chart = Chart::new(&title, "height [cm]", "weight [kg]").dots("", BLUE, 2.5, shown);
    common.figure("step03", "plot_dataset", "plot_dataset.svg", &[chart.into()])
}
