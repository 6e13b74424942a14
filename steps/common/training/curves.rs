//! `loss.svg`: the figure of a training.

use crate::common::plot::{self, BLUE, Chart, GREEN, ORANGE, PURPLE};
use anyhow::Result;
use std::path::Path;

/// Draws points (epoch, value) of up to four named columns of `metrics.csv`; a single one needs no legend.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn save(path: &Path, y_label: &str, curves: &[(&str, Vec<(f64, f64)>)]) -> Result<()> {
    let mut chart = Chart::new("Training, mean over a twentieth of an epoch", "epoch", y_label).log_y();
    for ((name, points), color) in curves.iter().zip([BLUE, ORANGE, GREEN, PURPLE]) {
        chart = chart.line(if curves.len() > 1 { name } else { "" }, color, points.iter().copied());
    }
    plot::save(path, &[chart.into()])
}
