//! `metrics.csv`: one row for each step of a training.

use super::checkpoint::TrainingState;
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
    /// Keeps the header and the rows of the steps that an earlier run has saved; rows of later steps are of a run that
    /// was killed. A file without these rows, or with others, is moved to `metrics.csv.1`, `.2`, .., and a new one begins,
    /// which `state` remembers: the log is for people, and the training goes on without it. What was wrong is printed.
    pub fn open(path: &Path, state: &mut TrainingState, steps_per_epoch: usize) -> Result<Metrics> {
        let earlier = match read_regular(path, MOST) {
            _ if state.step == 0 => None,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("{}: none; a new one begins at step {}", path.display(), state.step + 1);
                None
            }
            Err(error) => {
                set_aside(path, &format!("{}: cannot be read: {error}", path.display()))?;
                None
            }
            Ok(bytes) => {
                let log = String::from_utf8_lossy(&bytes).into_owned(); // after a kill, its end may be anything
                match misfit(&log, state, steps_per_epoch) {
                    Some(wrong) => set_aside(path, &format!("{}, {wrong}", path.display())).map(|()| None)?,
                    None => Some(log),
                }
            }
        };
        if earlier.is_none() {
            state.unlogged = state.step;
        }
        let kept = 1 + state.step - state.unlogged;
        Metrics::begin(path, &earlier.iter().flat_map(|log| log.lines()).take(kept).collect::<Vec<_>>())
    }

    /// A new file of these lines.
    fn begin(path: &Path, lines: &[&str]) -> Result<Metrics> {
        let failed = || format!("{}: cannot be written", path.display());
        write_whole(path, |file| lines.iter().try_for_each(|line| writeln!(file, "{line}"))).with_context(failed)?;
        let file = BufWriter::new(OpenOptions::new().append(true).open(path).with_context(failed)?);
        Ok(Metrics { path: path.to_path_buf(), header: lines.first().map(ToString::to_string), file })
    }

    /// Adds the row of the `state`'s last step; the names of the values, of which the first is the loss, are the header. If a
    /// file of an earlier run has another one, it is moved away as in [`open`](Metrics::open).
    pub fn write(&mut self, state: &mut TrainingState, epoch: usize, values: &[(&str, Real)]) -> Result<()> {
        let step = state.step;
        let (mut header, mut row) = ("epoch,step".to_string(), format!("{epoch},{step}"));
        for (name, value) in values {
            write!(header, ",{name}").expect("a string");
            write!(row, ",{}", f64::from(*value)).expect("a string");
        }
        header += ",seconds";
        if let Some(found) = self.header.as_ref().filter(|found| **found != header) {
            set_aside(&self.path, &format!("{}, {}", self.path.display(), wrong(1, &header, found)))?;
            state.unlogged = step - 1;
            *self = Metrics::begin(&self.path, &[])?;
        }
        if self.header.is_none() {
            writeln!(self.file, "{header}").with_context(|| self.failed())?;
            self.header = Some(header);
        }
        writeln!(self.file, "{row},{:.3}", state.seconds).with_context(|| self.failed())
    }

    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().with_context(|| self.failed())
    }

    /// A column as points (epoch, value), each the mean over a twentieth of an epoch. No points, and a sentence, if the log of
    /// an earlier run has no such column.
    pub fn curve(&self, name: &str, steps_per_epoch: usize) -> Result<Vec<(f64, f64)>> {
        let path = self.path.display();
        let bytes = read_regular(&self.path, MOST).with_context(|| format!("{path}: cannot be read"))?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        let Some(header) = lines.next() else { return Ok(vec![]) }; // a lost file, and no step since
        let column = header.split(',').position(|column| column == name);
        let Some(column) = column else {
            println!("{path}: has no column {name}, so there is no figure of it");
            return Ok(vec![]);
        };
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

/// What is wrong with the log of a training: a row that is missing or of another step, or losses that are not those of the
/// checkpoint.
fn misfit(log: &str, state: &TrainingState, steps_per_epoch: usize) -> Option<String> {
    let mut lines = log.lines();
    let header = lines.next().unwrap_or_default();
    if !(header.starts_with("epoch,step,loss,") && header.ends_with(",seconds")) {
        return Some(wrong(1, "the header epoch,step,loss,..,seconds", header));
    }
    let (mut sum, last) = (0.0, state.step);
    for (i, step) in (state.unlogged + 1..=last).enumerate() {
        let row = lines.next().unwrap_or_default();
        let epoch = step.div_ceil(steps_per_epoch);
        let fits =
            |row: &Vec<f64>| row.len() == header.split(',').count() && row[0] == epoch as f64 && row[1] == step as f64;
        let Some(numbers) = numbers(row).filter(fits) else {
            let expected = format!("the row of epoch {epoch}, step {step}, as the checkpoint has {last} steps");
            return Some(wrong(2 + i, &expected, row));
        };
        // Added as the training has added them: to the last bit.
        let first = 1 + (epoch - 1) * steps_per_epoch;
        sum = numbers[2] + if step == first { 0.0 } else { sum };
        let count = (step + 1 - first) as f64;
        let saved = match state.losses.get(epoch - 1) {
            Some(mean) => (step == epoch * steps_per_epoch).then_some(*mean),
            None => (step == last).then_some(state.sum / count),
        };
        if let Some(saved) = saved.filter(|saved| *saved != sum / count && first > state.unlogged) {
            let expected = format!("epoch {epoch} up to here with a mean loss of {saved}, as in the checkpoint");
            return Some(wrong(2 + i, &expected, &(sum / count).to_string()));
        }
    }
    None
}

/// Moves a log away that is `wrong`.
fn set_aside(path: &Path, wrong: &str) -> Result<()> {
    let moved = free_path(path);
    fs::rename(path, &moved).with_context(|| format!("{}: cannot be moved away", path.display()))?;
    println!("{wrong}; it is now {}, and a new log begins", moved.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_no_log_is_set_aside_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        for (i, make) in [(1, "mkfifo"), (2, "mkdir")] {
            assert!(std::process::Command::new(make).arg(&path).status().unwrap().success());
            let mut state = TrainingState { step: 3, ..TrainingState::default() };
            drop(Metrics::open(&path, &mut state, 2).unwrap());
            assert_eq!((state.unlogged, fs::read(&path).unwrap()), (3, vec![]));
            assert!(folder.path().join(format!("metrics.csv.{i}")).exists());
            fs::remove_file(&path).unwrap();
        }
    }
}
