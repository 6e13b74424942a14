//! [`read`]: small tables of numbers.

use anyhow::{Context, Result, ensure};
use csv::{Position, ReaderBuilder, StringRecord, Trim};
use std::path::Path;
use tsukuru::files::read_regular;

/// So many bytes are read at most: two million rows of two numbers.
const MOST: u64 = 1 << 26;

/// The rows of a text file, at least one, each of `COLUMNS` finite numbers: with commas between them under the line
/// `header`, or without a header with white space between them. Empty lines and a byte order mark are passed over. `row`
/// says in an error what a line should be.
///
/// # Errors
/// If the file cannot be read, or a line is not what it should be: then file and line are named.
pub fn read<const COLUMNS: usize>(path: &Path, header: Option<&str>, row: &str) -> Result<Vec<[f64; COLUMNS]>> {
    let bytes = read_regular(path, MOST).with_context(|| unreadable(path))?;
    parse(path, &bytes, header, row)
}

fn unreadable(path: &Path) -> String {
    format!("{}: cannot be read", path.display())
}

/// As [`read`], from a file that lies in memory. `path` is what messages call it.
///
/// # Errors
/// As [`read`].
pub fn parse<const COLUMNS: usize>(
    path: &Path,
    bytes: &[u8],
    header: Option<&str>,
    row: &str,
) -> Result<Vec<[f64; COLUMNS]>> {
    let wrong = |offset: usize, expected: &str, found: &str| {
        // Position::line is the line before, if that ends in \r\n or is empty.
        let start = offset + bytes[offset..].iter().take_while(|byte| b"\r\n".contains(byte)).count();
        let line = 1 + bytes[..start].iter().filter(|&&byte| byte == b'\n').count();
        format!("{}, line {line}: expected {expected}, found {found}", path.display())
    };
    let header = header.map(|header| (header, format!("the header {header:?}")));
    let separator = if header.is_some() { "," } else { " " };
    let mut reader = ReaderBuilder::new();
    reader.delimiter(separator.as_bytes()[0]).trim(Trim::All).has_headers(false).flexible(true);

    let (mut rows, mut expected_header) = (Vec::new(), header.as_ref());
    for record in reader.from_reader(bytes).byte_records() {
        let record = record.with_context(|| unreadable(path))?;
        let offset = record.position().map_or(0, Position::byte) as usize;
        let record = StringRecord::from_byte_record_lossy(record);
        let cells: Vec<&str> = match header {
            Some(_) => record.iter().collect(),
            None => record.iter().flat_map(str::split_whitespace).collect(),
        };
        let line = cells.join(separator);
        let quoted = || format!("{:?}", line.chars().take(60).collect::<String>());
        if let Some((header, expected)) = expected_header.take() {
            ensure!(line == *header, wrong(offset, expected, &quoted()));
        } else if !cells.is_empty() {
            let numbers = cells.iter().map(|cell| cell.parse().ok().filter(|x: &f64| x.is_finite()));
            let numbers = numbers.collect::<Option<Vec<f64>>>().and_then(|numbers| numbers.try_into().ok());
            rows.push(numbers.with_context(|| wrong(offset, row, &quoted()))?);
        }
    }
    let expected = expected_header.map_or(row, |(_, expected)| expected);
    ensure!(!rows.is_empty(), wrong(bytes.len(), expected, "the end of the file"));
    Ok(rows)
}
