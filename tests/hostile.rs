//! Hostile files: of hundreds of thousands of damaged ones, every one is read or refused in one sentence.

#[path = "common/mutate.rs"]
mod mutate;

use flate2::{Compression, write::GzEncoder};
use mutate::{Mutations, peak_memory};
use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use tsukuru::checkpoint::{self, Data};
use tsukuru::data::idx;

const COUNT: u64 = 200_000;
/// No input is longer than 16 KiB, and none unpacks to more than 1032 times that, on a few threads at once.
const MOST_MEMORY: u64 = 1 << 28;

fn path() -> &'static Path {
    Path::new("a/file")
}

/// One sentence that begins with the path.
fn check_sentence(error: impl Display) {
    let said = error.to_string();
    assert!(said.starts_with("a/file") && !said.contains(char::is_control) && said.len() < 2000, "{said:?}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn damaged_idx_files_are_read_or_refused() {
    let images = [&[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2][..], &[7; 12]].concat();
    let labels = vec![0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3];
    let packed = [gzip(&images), gzip(&labels), [gzip(&images[..20]), gzip(&images[20..])].concat()];
    let seeds = [vec![images, labels, gzip(&vec![0; 1 << 20])], packed.to_vec()].concat();
    let tokens: [&[u8]; 8] = [
        &[0, 0, 8, 3],
        &[0, 0, 8, 1],
        &[0, 0, 13, 3],
        &[0xff; 4],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0x1f, 0x8b, 8, 0],
        &[0; 16],
        &[0, 0, 0, 1],
    ];
    let good = AtomicU64::new(0);
    Mutations { seeds: &seeds, tokens: &tokens }.each(COUNT, |bytes| {
        match idx::images_from_bytes(path(), &bytes) {
            Ok(images) => {
                assert_eq!(images.count * images.rows * images.cols, images.pixels.len());
                good.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => check_sentence(error),
        }
        if let Err(error) = idx::labels_from_bytes(path(), &bytes) {
            check_sentence(error);
        }
    });
    let (good, peak) = (good.into_inner(), peak_memory());
    println!("IDX: {COUNT} files, {good} of them images, peak memory {} MiB", peak >> 20);
    assert!(good > COUNT / 100 && good < COUNT / 2 && peak < MOST_MEMORY, "{good} good ones, {peak} bytes");
}

#[test]
fn damaged_safetensors_are_read_or_refused() {
    let headers = [
        r#"{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"n":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}"#,
        r#"{"__metadata__":{"format":"pt","meta":"{\"lr\":0.1}"},"b":{"dtype":"F64","shape":[4],"data_offsets":[0,32]}}"#,
        r#"{"none":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]},"v":{"dtype":"F32","shape":[8],"data_offsets":[0,32]}}"#,
    ];
    let seeds = headers.map(|header| header.as_bytes().to_vec());
    let nested = "[".repeat(500);
    let tokens = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\u0000",
        "\\ud800",
        "null",
        "-1",
        "1e999",
        "0",
        "18446744073709551615",
        "4294967296",
        "\"F32\"",
        "\"F64\"",
        "\"I64\"",
        "\"BF16\"",
        "\"dtype\":\"F32\",",
        "\"shape\":[1],",
        "\"data_offsets\":[0,4],",
        "\"__metadata__\":{\"a\":\"b\"},",
        "\"__metadata__\":{},",
        "\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},",
        "\"w\":",
        &nested,
        "\n",
    ];
    let tokens: Vec<&[u8]> = tokens.iter().map(|token| token.as_bytes()).collect();
    let good = AtomicU64::new(0);
    Mutations { seeds: &seeds, tokens: &tokens }.each(COUNT, |json| {
        // The length before the header is right, except in one file of eight, where it is any number.
        let sum = json.iter().fold(0u64, |sum, &byte| sum.rotate_left(7) ^ u64::from(byte));
        let length = if sum % 8 == 0 { sum >> (sum / 8 % 64) } else { json.len() as u64 };
        let bytes = [&length.to_le_bytes(), &json[..], &[0x40; 32]].concat();
        match checkpoint::from_bytes(path(), &bytes) {
            Ok(entries) => {
                let count = |(_, data): (&str, &Data)| match data {
                    Data::Real(tensor) => (tensor.shape().count(), tensor.data().len()),
                    Data::Int(shape, numbers) => (shape.count(), numbers.len()),
                };
                assert!(entries.iter().map(count).all(|(promised, there)| promised == there));
                good.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => check_sentence(error),
        }
    });
    let (good, peak) = (good.into_inner(), peak_memory());
    println!("safetensors: {COUNT} files, {good} of them good, peak memory {} MiB", peak >> 20);
    assert!(good > COUNT / 100 && good < COUNT / 2 && peak < MOST_MEMORY, "{good} good ones, {peak} bytes");
}
