//! Hostile tables, command lines and pictures: of hundreds of thousands of damaged ones, every one is read or refused in
//! one sentence. IDX files and models are tested so in the engine's `tests/hostile.rs`.

mod every_flag;
#[path = "../../../tests/common/mutate.rs"]
mod mutate;
mod pictures;
#[path = "../program/mod.rs"]
mod program;

use mutate::{Mutations, peak_memory};
use program::plain_loops;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use steps::common::run::RunFolder;
use steps::common::table;

/// How many inputs of each kind: what reads them does not depend on the kernels.
fn count() -> u64 {
    if plain_loops() { 20_000 } else { 200_000 }
}

/// No input is longer than 16 KiB.
const MOST_MEMORY: u64 = 1 << 27;

fn report(what: &str, good: AtomicU64) {
    let (count, good, peak) = (count(), good.into_inner(), peak_memory());
    println!("{what}: {count} inputs, {good} of them good, peak memory {} MiB", peak >> 20);
    assert!(good > count / 100 && good < count / 2 && peak < MOST_MEMORY, "{good} good ones, {peak} bytes");
}

/// A pipe without a writer would be waited for, and `/dev/zero` read for ever.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("step")).expect("a folder");
    let pipes = [at("height.txt"), at("step/.program.lock")];
    assert!(std::process::Command::new("mkfifo").args(&pipes).status().expect("mkfifo").success());
    std::os::unix::fs::symlink("/dev/zero", at("zero")).expect("a link");
    let said = |error: anyhow::Error| format!("{error:#}");
    for (name, what) in [("height.txt", "a pipe"), ("zero", "a device"), ("step", "a folder")] {
        let error = said(table::read::<1>(&at(name), None, "a height").expect_err("no table"));
        assert!(error.ends_with(&format!("cannot be read: expected a file, found {what}")), "{error}");
    }
    let error = said(RunFolder::open(folder.path(), "step", "program", false).err().expect("no lock"));
    assert!(error.ends_with(".program.lock: cannot be written: expected a file, found a pipe"), "{error}");
    let long = std::fs::File::create(at("long")).expect("a file");
    long.set_len(2 << 30).expect("2 GiB without blocks");
    let error = said(table::read::<1>(&at("long"), None, "a height").expect_err("too long"));
    assert!(error.ends_with("expected at most 67108864 bytes, found 2147483648"), "{error}");
}

#[test]
fn damaged_tables_are_read_or_refused() {
    let seeds =
        ["eruptions,waiting\n3.6,79\n1.8,54\n", "\u{feff}eruptions,waiting\r\n\r\n4.5, 85\r\n", "170.5\n\n 168\n"];
    let seeds = seeds.map(|seed| seed.as_bytes().to_vec());
    let tokens = [
        "\"",
        "\"\"",
        ",",
        ",,,,",
        "\r",
        "\n",
        "\n\n\n",
        "\0",
        " ",
        "\u{feff}",
        "1e999",
        "-1e308",
        "nan",
        "inf",
        "-",
        "0x10",
        "1_000",
        "\u{3000}",
        "eruptions,waiting\n",
        "99999999999999999999999999",
    ];
    let tokens: Vec<&[u8]> = tokens.iter().map(|token| token.as_bytes()).collect();
    let good = AtomicU64::new(0);
    Mutations { seeds: &seeds, tokens: &tokens }.each(count(), |bytes| {
        let check = |rows: anyhow::Result<Vec<f64>>| match rows {
            Ok(numbers) => {
                assert!(!numbers.is_empty() && numbers.iter().all(|x| x.is_finite()));
                good.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                let said = format!("{error:#}");
                assert!(said.starts_with("a/file") && !said.contains(char::is_control) && said.len() < 300, "{said:?}");
            }
        };
        let path = Path::new("a/file");
        let two = table::parse::<2>(path, &bytes, Some("eruptions,waiting"), "two numbers");
        check(two.map(|rows| rows.into_flattened()));
        check(table::parse::<1>(path, &bytes, None, "a number").map(|rows| rows.into_flattened()));
    });
    report("CSV", good);
}

#[test]
fn hostile_command_lines_are_understood_or_refused() {
    let seeds = [
        "vae\n--epochs\n3\n--lr\n1e-3\n--latent\n2\n--resume",
        "--seed\n7\ndiffusion_model\n--width\n8\n--schedule\ncosine\n--quick",
        "sample\n--model\na\n--count\n10\n--sampler\nddim\n--threads\n2\n--quiet",
        "--out\nb\n--data\nc\nsample_label\n--label\n3",
        "nothing",
    ];
    let seeds = seeds.map(|seed| seed.as_bytes().to_vec());
    let tokens = [
        "\n--",
        "\n-",
        "\n",
        "=",
        "--help\n",
        "--version",
        "--seed",
        "--threads=0",
        "--threads=70000",
        "--epochs",
        "-1",
        "1e999",
        "nan",
        "18446744073709551616",
        "'",
        "\u{0}",
        "数",
        "\n--resume",
        "--data",
        "help\n",
        "vae\n",
    ];
    let tokens: Vec<&[u8]> = tokens.iter().map(|token| token.as_bytes()).collect();
    let (command, good) = (every_flag::command(), AtomicU64::new(0));
    Mutations { seeds: &seeds, tokens: &tokens }.each(count(), |words| match every_flag::parse(&command, &words) {
        Ok(()) => drop(good.fetch_add(1, Ordering::Relaxed)),
        Err(said) => assert!(!said.is_empty(), "{:?}", String::from_utf8_lossy(&words)),
    });
    report("command lines", good);
}
