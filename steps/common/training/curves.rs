//! [`save_curves`]: the figure of a training.

use super::TrainingRun;
use crate::common::plot::{self, BLUE, Chart, GREEN, ORANGE, PURPLE};
use crate::common::run::RunFolder;
use anyhow::Result;

/// Writes `loss.svg`: these columns of `metrics.csv` over the epochs, four at most. Without any step in the file there
/// is nothing to draw, and no figure.
///
/// # Errors
/// If a file cannot be read or written.
pub fn save_curves(run: &TrainingRun, folder: &RunFolder, y_label: &str, columns: &[&str]) -> Result<()> {
    let mut chart = Chart::new("Training, mean over a twentieth of an epoch", "epoch", y_label).log_y();
    for (name, color) in columns.iter().zip([BLUE, ORANGE, GREEN, PURPLE]) {
        let curve = run.curve(name)?;
        if curve.is_empty() {
            return Ok(());
        }
        chart = chart.line(if columns.len() > 1 { name } else { "" }, color, curve);
    }
    let path = folder.file("loss.svg")?;
    plot::save(&path, &[chart.into()])?;
    println!("{}", path.display());
    Ok(())
}
