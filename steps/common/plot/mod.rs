//! Figures in one house style: 800 pixels wide, colours that every eye tells apart, units on the axes.
//!
//! A figure is a few [`Panel`]s side by side; a panel is a [`Chart`] or a [`Surface`]. [`save`] writes it as SVG,
//! [`gif()`] writes several as an animation.
//!
//! ```no_run
//! use steps::common::plot::{self, BLUE, Chart};
//! # fn main() -> anyhow::Result<()> {
//! let density = plot::sampled(-4.0, 4.0, |x| (-0.5 * x * x).exp());
//! let chart = Chart::new("A bell", "x [cm]", "height").line("exp(-x²/2)", BLUE, density);
//! plot::save("bell.svg".as_ref(), &[chart.into()])
//! # }
//! ```

mod axis;
mod canvas;
mod chart;
mod grid;
mod histogram;
mod raster;
mod surface;

pub use canvas::viridis;
pub use chart::{Chart, Corner};
pub use grid::Grid;
pub use histogram::Histogram;
pub use plotters::style::RGBColor;
pub use surface::Surface;

use anyhow::{Context, Result};
use canvas::{Mark, Place};
use std::path::Path;
use tsukuru::files::write_whole;

/// Okabe and Ito's colours (2008).
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
pub const VERMILION: RGBColor = RGBColor(213, 94, 0);
pub const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub const SKY: RGBColor = RGBColor(86, 180, 233);
pub const BLACK: RGBColor = RGBColor(0, 0, 0);

/// Pixels.
const WIDTH: f64 = 800.0;

/// One picture of a figure.
#[derive(Clone, Debug)]
pub enum Panel {
    Chart(Chart),
    Surface(Surface),
}

impl From<Chart> for Panel {
    fn from(chart: Chart) -> Panel {
        Panel::Chart(chart)
    }
}

impl From<Surface> for Panel {
    fn from(surface: Surface) -> Panel {
        Panel::Surface(surface)
    }
}

/// The points (x, f(x)) of a curve from `low` to `high`.
pub fn sampled(low: f64, high: f64, f: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    const STEPS: usize = 400;
    (0..=STEPS).map(|i| low + (high - low) * i as f64 / STEPS as f64).map(|x| (x, f(x))).collect()
}

/// Writes a figure as SVG. One or two panels stand in a row, four make a square, six two rows of three.
///
/// # Errors
/// If the file cannot be written.
pub fn save(path: &Path, panels: &[Panel]) -> Result<()> {
    let (size, marks) = lay_out(panels);
    let svg = canvas::svg(size, &marks);
    write_whole(path, |out| out.write_all(svg.as_bytes()))
        .with_context(|| format!("{}: cannot be written", path.display()))
}

/// Writes an animation; every frame, a figure, stays for `milliseconds`, the last one for a while longer.
///
/// # Errors
/// If the file cannot be written.
pub fn gif(path: &Path, frames: &[Vec<Panel>], milliseconds: u32) -> Result<()> {
    let pictures = frames.iter().map(|panels| lay_out(panels)).map(|(size, marks)| raster::draw(size, &marks));
    let gif = raster::animation(pictures, milliseconds).context("an animation")?;
    write_whole(path, |out| out.write_all(&gif)).with_context(|| format!("{}: cannot be written", path.display()))
}

/// The size of a figure in pixels, and all that is drawn in it.
fn lay_out(panels: &[Panel]) -> ((f64, f64), Vec<Mark>) {
    let (columns, height) = match panels.len() {
        0 | 1 => (1, 480.0),
        2 => (2, 390.0),
        3 | 4 => (2, 330.0),
        _ => (3, 270.0),
    };
    let rows = panels.len().div_ceil(columns);
    let width = WIDTH / columns as f64;
    let mut marks = vec![];
    for (i, panel) in panels.iter().enumerate() {
        let (left, top) = ((i % columns) as f64 * width, (i / columns) as f64 * height);
        let place = Place { left, top, right: left + width, bottom: top + height };
        match panel {
            Panel::Chart(chart) => chart.draw(place, &mut marks),
            Panel::Surface(surface) => surface.draw(place, &mut marks),
        }
    }
    ((WIDTH, rows as f64 * height), marks)
}
