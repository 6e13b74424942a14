//! [`read`]: small tables of numbers.

use anyhow::{Context, Result, ensure};
use std::path::Path;

/// The rows of a text file, at least one: `COLUMNS` finite numbers in each line, with commas between if the file begins
/// with a header, otherwise with white space. `row` says in an error what a line should be.
///
/// # Errors
/// If the file cannot be read, or a line is not what it should be: then file and line are named.
pub fn read<const COLUMNS: usize>(path: &Path, header: Option<&str>, row: &str) -> Result<Vec<[f64; COLUMNS]>> {
    let bytes = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let wrong = |i: usize, expected: &str| {
        let quoted = |line: &&str| format!("{:?}", line.chars().take(60).collect::<String>());
        let found = lines.get(i).map_or("the end of the file".into(), quoted);
        format!("{}, line {}: expected {expected}, found {found}", path.display(), i + 1)
    };
    if let Some(header) = header {
        let there = lines.first().is_some_and(|line| line.trim_end() == header);
        ensure!(there, wrong(0, &format!("the header {header:?}")));
    }
    let numbers = |line: &&str| {
        let cells: Vec<&str> = match header {
            Some(_) => line.split(',').map(str::trim).collect(),
            None => line.split_whitespace().collect(),
        };
        let numbers = cells.iter().map(|cell| cell.parse().ok().filter(|x: &f64| x.is_finite()));
        numbers.collect::<Option<Vec<f64>>>()?.try_into().ok()
    };
    let first = usize::from(header.is_some());
    let rows = first..lines.len().max(first + 1);
    rows.map(|i| lines.get(i).and_then(numbers).with_context(|| wrong(i, row))).collect()
}
