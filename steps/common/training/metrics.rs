//! `metrics.csv`: one row for each step of a training.

use crate::common::run::free_path;
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tsukuru::Real;
use tsukuru::files::{read_regular, write_whole};

/// So many bytes are read at most: ten million rows.
const MOST: u64 = 1 << 30;

/// The file, open for more rows.
pub(super) struct Metrics {
    path: PathBuf,
    /// The first line, if it is written.
    header: Option<String>,
    file: BufWriter<File>,
}

impl Metrics {
    /// Keeps the header and the rows of the `steps` that an earlier run has saved; rows of later steps are of a run that
    /// was killed. A file without these rows, or with others, is moved to `metrics.csv.1`, `.2`, .., and a new one begins:
    /// the log is for people, and the training goes on without it. What was wrong is printed.
    pub fn open(path: &Path, steps: usize, steps_per_epoch: usize) -> Result<Metrics> {
        let earlier = match read_regular(path, MOST) {
            _ if steps == 0 => None,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("{}: none; a new one begins at step {}", path.display(), steps + 1);
                None
            }
            earlier => Some(earlier.with_context(|| format!("{}: cannot be read", path.display()))?),
        };
        // After a kill, its end may be anything.
        let earlier = earlier.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let kept: Vec<&str> = match (&earlier, earlier.as_ref().and_then(|log| misfit(log, steps, steps_per_epoch))) {
            (_, Some(wrong)) => set_aside(path, &wrong).map(|()| vec![])?,
            (log, None) => log.iter().flat_map(|log| log.lines()).take(1 + steps).collect(),
        };
        Metrics::begin(path, &kept)
    }

    /// A new file of these lines.
    fn begin(path: &Path, lines: &[&str]) -> Result<Metrics> {
        let failed = || format!("{}: cannot be written", path.display());
        write_whole(path, |file| lines.iter().try_for_each(|line| writeln!(file, "{line}"))).with_context(failed)?;
        let file = BufWriter::new(OpenOptions::new().append(true).open(path).with_context(failed)?);
        Ok(Metrics { path: path.to_path_buf(), header: lines.first().map(ToString::to_string), file })
    }

    /// Adds a row; the names of the values are the header. If a file of an earlier run has another one, it is moved away as
    /// in [`open`](Metrics::open).
    pub fn write(&mut self, epoch: usize, step: usize, values: &[(&str, Real)], seconds: f64) -> Result<()> {
        let (mut header, mut row) = ("epoch,step".to_string(), format!("{epoch},{step}"));
        for (name, value) in values {
            write!(header, ",{name}").expect("a string");
            write!(row, ",{}", f64::from(*value)).expect("a string");
        }
        header += ",seconds";
        if let Some(found) = self.header.as_ref().filter(|found| **found != header) {
            set_aside(&self.path, &wrong(1, &header, found))?;
            *self = Metrics::begin(&self.path, &[])?;
        }
        if self.header.is_none() {
            writeln!(self.file, "{header}").with_context(|| self.failed())?;
            self.header = Some(header);
        }
        writeln!(self.file, "{row},{seconds:.3}").with_context(|| self.failed())
    }

    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().with_context(|| self.failed())
    }

    /// A column as points (epoch, value), each the mean over a twentieth of an epoch.
    pub fn curve(&self, name: &str, steps_per_epoch: usize) -> Result<Vec<(f64, f64)>> {
        let path = self.path.display();
        let bytes = read_regular(&self.path, MOST).with_context(|| format!("{path}: cannot be read"))?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        let Some(header) = lines.next() else { return Ok(vec![]) }; // a lost file, and no step since
        let column = header.split(',').position(|column| column == name);
        let column = column.with_context(|| format!("{path}: has no column {name}"))?;
        let mut rows = vec![];
        for (i, line) in lines.enumerate() {
            let row = numbers(line).filter(|row| row.len() > column.max(1));
            let row = row.with_context(|| format!("{path}, {}", wrong(2 + i, "a row of numbers", line)))?;
            rows.push((row[1], row[column]));
        }
        let together = steps_per_epoch.div_ceil(20) as f64;
        let part = |(step, _): &(f64, f64)| ((step - 1.0) / together).floor();
        let point = |rows: &[(f64, f64)]| {
            let mean = |of: fn(&(f64, f64)) -> f64| rows.iter().map(|row| of(row) / rows.len() as f64).sum::<f64>();
            ((mean(|row| row.0) - 0.5) / steps_per_epoch as f64, mean(|row| row.1))
        };
        Ok(rows.chunk_by(|a, b| part(a) == part(b)).map(point).collect())
    }

    fn failed(&self) -> String {
        format!("{}: cannot be written", self.path.display())
    }
}

fn wrong(line: usize, expected: &str, found: &str) -> String {
    format!("line {line}: expected {expected}, found {:?}", found.chars().take(60).collect::<String>())
}

/// The cells of a row.
fn numbers(row: &str) -> Option<Vec<f64>> {
    row.split(',').map(|cell| cell.parse().ok()).collect()
}

/// What is wrong with the log of a training that has taken so many steps.
fn misfit(log: &str, steps: usize, steps_per_epoch: usize) -> Option<String> {
    let mut lines = log.lines();
    let header = lines.next().unwrap_or_default();
    if !(header.starts_with("epoch,step,") && header.ends_with(",seconds")) {
        return Some(wrong(1, "the header epoch,step,..,seconds", header));
    }
    (1..=steps).find_map(|step| {
        let row = lines.next().unwrap_or_default();
        let epoch = step.div_ceil(steps_per_epoch);
        let fits =
            |row: &Vec<f64>| row.len() == header.split(',').count() && row[0] == epoch as f64 && row[1] == step as f64;
        let expected = || format!("the row of epoch {epoch}, step {step}, as the checkpoint has {steps} steps");
        (!numbers(row).as_ref().is_some_and(fits)).then(|| wrong(1 + step, &expected(), row))
    })
}

/// Moves a log away that is `wrong`.
fn set_aside(path: &Path, wrong: &str) -> Result<()> {
    let moved = free_path(path);
    fs::rename(path, &moved).with_context(|| format!("{}: cannot be moved away", path.display()))?;
    println!("{}, {wrong}; it is now {}, and a new log begins", path.display(), moved.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_log_that_is_a_pipe_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let error = format!("{:#}", Metrics::open(&path, 1, 1).err().expect("no log"));
        assert!(error.ends_with("metrics.csv: cannot be read: expected a file, found a pipe"), "{error}");
    }
}
