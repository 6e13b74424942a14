//! Figures as SVG, in one house style.

use anyhow::{Result, anyhow, ensure};
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (800, 500);
/// Okabe and Ito's blue, told apart by every eye.
pub const BLUE: RGBColor = RGBColor(0, 114, 178);

/// A curve through `points` = (x, y) with y > 0 on a logarithmic axis.
pub fn curve(path: &Path, title: &str, x_label: &str, y_label: &str, points: &[(f64, f64)]) -> Result<()> {
    ensure!(!points.is_empty(), "{}: there are no points to draw", path.display());
    draw_curve(path, title, x_label, y_label, points).map_err(|error| anyhow!("{}: {error}", path.display()))
}

fn draw_curve(
    path: &Path,
    title: &str,
    x_label: &str,
    y_label: &str,
    points: &[(f64, f64)],
) -> Result<(), Box<dyn std::error::Error>> {
    let bounds = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let (left, right) = bounds(&mut points.iter().map(|p| p.0));
    let (low, top) = bounds(&mut points.iter().map(|p| p.1));
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(70)
        .build_cartesian_2d(left..right.max(left + 1e-9), (0.9 * low..1.1 * top).log_scale())?;
    let labels = ("sans-serif", 15);
    chart.configure_mesh().x_desc(x_label).y_desc(y_label).label_style(labels).light_line_style(WHITE).draw()?;
    chart.draw_series(LineSeries::new(points.iter().copied(), BLUE.stroke_width(2)))?;
    root.present()?;
    Ok(())
}
