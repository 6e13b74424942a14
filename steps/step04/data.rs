//! Old Faithful: how long eruptions of a geyser last, and how long one waits for the next.

use crate::step03::Matrix;
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::{Path, PathBuf};

const HEADER: &str = "eruptions,waiting";

/// The flag of programs that read the eruptions.
#[derive(Args, Clone, Debug, Default)]
pub struct Geyser {
    /// Folder with an old_faithful.csv of your own; by default datasets/ of this repository
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
}

impl Geyser {
    /// x (272, 2): how long each eruption lasted and how long the wait for the next one was, both in minutes
    /// (datasets/README.md names the source).
    ///
    /// # Errors
    /// If the file cannot be read, or a line is not what it should be: then file and line are named.
    pub fn eruptions(&self) -> Result<Matrix> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the repository");
        let folder = self.data.clone().unwrap_or_else(|| repository.join("datasets"));
        read(&folder.join("old_faithful.csv"))
    }
}

/// Points (N, 2) from a file of two columns, `eruptions,waiting`.
fn read(path: &Path) -> Result<Matrix> {
    let at = |line: usize| format!("{}, line {}", path.display(), line + 1);
    let bytes = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut numbers = Vec::new();
    for (i, line) in text.trim_end().lines().enumerate() {
        let found: String = line.chars().take(60).collect();
        if i == 0 {
            ensure!(line.trim_end() == HEADER, "{}: expected the header {HEADER:?}, found {found:?}", at(i));
            continue;
        }
        let cells = line.split(',').map(|cell| cell.trim().parse().ok().filter(|x: &f64| x.is_finite()));
        let row: Option<Vec<f64>> = cells.collect();
        let row = row.filter(|row| row.len() == 2);
        numbers.extend(row.with_context(|| format!("{}: expected two numbers like 3.6,79, found {found:?}", at(i)))?);
    }
    ensure!(!numbers.is_empty(), "{}: expected the header {HEADER:?} and then numbers, found none", path.display());
    Ok(Matrix::from_data(numbers.len() / 2, 2, numbers))
}
