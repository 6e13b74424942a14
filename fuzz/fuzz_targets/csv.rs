//! Tables with and without a header.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use steps::common::table;

fn check(rows: anyhow::Result<Vec<f64>>) {
    match rows {
        Ok(numbers) => assert!(!numbers.is_empty() && numbers.iter().all(|x| x.is_finite())),
        Err(error) => assert!(!format!("{error:#}").contains(char::is_control), "{error:#}"),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("a/file");
    let two = table::parse::<2>(path, bytes, Some("eruptions,waiting"), "two numbers");
    check(two.map(|rows| rows.into_flattened()));
    check(table::parse::<1>(path, bytes, None, "a number").map(|rows| rows.into_flattened()));
});
