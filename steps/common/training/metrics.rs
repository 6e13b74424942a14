//! `metrics.csv`: one row for each step of a training.

use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tsukuru::Real;
use tsukuru::files::write_whole;

/// The file, open for more rows.
pub(super) struct Metrics {
    path: PathBuf,
    has_header: bool,
    file: BufWriter<File>,
}

impl Metrics {
    /// Keeps the header and the first `rows` rows of an earlier run, if there are any.
    pub fn open(path: &Path, rows: usize) -> Result<Metrics> {
        let failed = || format!("{}: cannot be written", path.display());
        let earlier = if rows > 0 { fs::read(path).unwrap_or_default() } else { vec![] };
        let earlier = String::from_utf8_lossy(&earlier); // of a killed run, the end may be anything
        write_whole(path, |file| earlier.lines().take(1 + rows).try_for_each(|row| writeln!(file, "{row}")))
            .with_context(failed)?;
        let file = BufWriter::new(OpenOptions::new().append(true).open(path).with_context(failed)?);
        Ok(Metrics { path: path.to_path_buf(), has_header: !earlier.is_empty(), file })
    }

    /// Adds a row; the names of the values are the header.
    pub fn write(&mut self, epoch: usize, step: usize, values: &[(&str, Real)], seconds: f64) -> Result<()> {
        let (mut header, mut row) = ("epoch,step".to_string(), format!("{epoch},{step}"));
        for (name, value) in values {
            write!(header, ",{name}").expect("a string");
            write!(row, ",{}", f64::from(*value)).expect("a string");
        }
        if !std::mem::replace(&mut self.has_header, true) {
            writeln!(self.file, "{header},seconds").with_context(|| self.failed())?;
        }
        writeln!(self.file, "{row},{seconds:.3}").with_context(|| self.failed())
    }

    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().with_context(|| self.failed())
    }

    /// A column as points (epoch, value), each the mean over a twentieth of an epoch.
    pub fn curve(&self, name: &str, steps_per_epoch: usize) -> Result<Vec<(f64, f64)>> {
        let path = self.path.display();
        let text = fs::read_to_string(&self.path).with_context(|| format!("{path}: cannot be read"))?;
        let mut rows = text.lines().map(|row| row.split(','));
        let Some(mut header) = rows.next() else { return Ok(vec![]) }; // a lost file, and no step since
        let column =
            header.position(|column| column == name).with_context(|| format!("{path}: has no column {name}"))?;
        let values: Vec<f64> = rows.filter_map(|mut row| row.nth(column)?.parse().ok()).collect();
        let together = steps_per_epoch.div_ceil(20);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let middle = |i: usize, len: usize| (i * together) as f64 + len as f64 / 2.0;
        let point = |(i, part): (usize, &[f64])| (middle(i, part.len()) / steps_per_epoch as f64, mean(part));
        Ok(values.chunks(together).enumerate().map(point).collect())
    }

    fn failed(&self) -> String {
        format!("{}: cannot be written", self.path.display())
    }
}
