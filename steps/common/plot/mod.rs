//! Figures in one style, drawn by plotters: 800 pixels wide, units on the axes.
//!
//! A figure is a few [`Panel`]s side by side; a panel is a [`Chart`] or a [`Surface`]. [`save`] writes it as SVG,
//! [`gif()`] writes several as an animation. plotters has axes, tick marks and series; what it lacks is here: axes whose kind
//! is chosen at run time, legends and labels that hide no data, axes that are aligned from panel to panel, contour lines
//! ([`Grid`]), NumPy's bins ([`Histogram`]), and letters in pixels without a font file.
//!
//! ```no_run
//! use steps::common::plot::{self, BLUE, Chart};
//! # fn main() -> anyhow::Result<()> {
//! let density = plot::sampled(-4.0, 4.0, |x| (-0.5 * x * x).exp());
//! let chart = Chart::new("A Gaussian", "x [cm]", "height").line("exp(-x²/2)", BLUE, density);
//! plot::save("gaussian.svg".as_ref(), &[chart.into()])
//! # }
//! ```

mod axis;
mod chart;
mod grid;
mod histogram;
mod layout;
mod legend;
mod raster;
mod room;
mod series;
mod style;
mod surface;
mod ticks;

pub use chart::Chart;
pub use grid::Grid;
pub use histogram::Histogram;
pub use plotters::style::RGBColor;
pub use style::{BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION};
pub use surface::Surface;

use super::images::save_gif;
use anyhow::{Context, Result};
use layout::Insets;
use plotters::prelude::*;
use std::path::Path;
use style::px;
use tsukuru::files::write_whole;

/// Pixels.
const WIDTH: f64 = 800.0;

/// A part of a figure, with axes of its own.
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
    let (width, height) = arrangement(panels.len()).1;
    let mut svg = String::new();
    draw(SVGBackend::with_string(&mut svg, (px(width), px(height))), panels).expect("a string takes every figure");
    // Shown at its size in pixels; the viewBox that follows stays in units.
    let in_units = format!("width=\"{}\" height=\"{}\"", px(width), px(height));
    let svg = svg.replacen(&in_units, &format!("width=\"{width}\" height=\"{height}\""), 1);
    // Attributes that say what holds without them.
    let svg = svg.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"", "").replace(" stroke-width=\"1\"", "");
    write_whole(path, |out| out.write_all(svg.as_bytes()))
        .with_context(|| format!("{}: cannot be written", path.display()))
}

/// Writes an animation. Every frame, a figure, stays for `milliseconds`, the last one three times as long.
///
/// # Errors
/// If the file cannot be written.
pub fn gif(path: &Path, frames: &[Vec<Panel>], milliseconds: u32) -> Result<()> {
    let pictures = frames.iter().map(|panels| {
        let (width, height) = arrangement(panels.len()).1;
        raster::picture((px(width), px(height)), |canvas| draw(canvas, panels).expect("memory takes every figure"))
    });
    save_gif(path, pictures, milliseconds, 3 * milliseconds)
}

/// Rows and columns of panels, and the size of the figure in pixels.
fn arrangement(panels: usize) -> ((usize, usize), (f64, f64)) {
    let (columns, height) = match panels {
        0 | 1 => (1, 480.0),
        2 => (2, 390.0),
        3 | 4 => (2, 330.0),
        _ => (3, 270.0),
    };
    let rows = panels.div_ceil(columns).max(1);
    ((rows, columns), (WIDTH, rows as f64 * height))
}

/// Draws all panels with one of plotters' backends.
fn draw<DB: DrawingBackend>(backend: DB, panels: &[Panel]) -> DrawResult<(), DB> {
    let figure = backend.into_drawing_area();
    figure.fill(&WHITE)?;
    let areas = figure.split_evenly(arrangement(panels.len()).0);
    let charts = panels.iter().zip(&areas).filter_map(|(panel, area)| match panel {
        Panel::Chart(chart) => Some((chart, area)),
        Panel::Surface(_) => None,
    });
    let insets = Insets::of_figure(&charts.collect::<Vec<_>>());
    for (panel, area) in panels.iter().zip(&areas) {
        match panel {
            Panel::Chart(chart) => chart.draw(area, insets)?,
            Panel::Surface(surface) => surface.draw(area)?,
        }
    }
    figure.present()
}
