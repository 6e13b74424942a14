//! A program of the course as a user meets it, in its smoke form: a few images, a narrow model, ten noise steps.

#![allow(dead_code)] // not every test needs all of it

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use tsukuru::data::idx::{self, Images};

pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// `PROGRAM ARGS` in a folder.
pub fn command(program: &str, folder: &Path, args: &str) -> Command {
    let mut command = Command::new(program);
    command.args(args.split_whitespace()).current_dir(folder).env("TSUKURU_SMOKE", "1").env_remove("TSUKURU_DATA");
    command.env("CARGO", "cargo"); // as under `cargo run`
    command
}

/// Runs `PROGRAM ARGS` in a folder; it must succeed.
pub fn succeeds(program: &str, folder: &Path, args: &str) -> String {
    let Output { status, stdout, stderr } = command(program, folder, args).output().expect("it starts");
    assert!(status.success(), "{program} {args}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("UTF-8")
}

/// Runs `PROGRAM ARGS`; it must end with exit code 1 and one sentence that holds all of `expected`.
pub fn fails(program: &str, folder: &Path, args: &str, expected: &[&str]) {
    let Output { status, stderr, .. } = command(program, folder, args).output().expect("it starts");
    let said = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(1), "{program} {args}: {said}");
    assert!(said.starts_with("error: ") && said.lines().count() == 1, "{program} {args}: {said}");
    for part in expected {
        assert!(said.contains(part), "{program} {args}: {said:?} does not say {part:?}");
    }
}

/// What standard error holds after Ctrl-C, as soon as `file` is there; the program must end with exit code 1.
#[cfg(unix)]
pub fn interrupted(mut command: Command, file: &Path) -> String {
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    while !file.exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill").success());
    let Output { status, stderr, .. } = child.wait_with_output().expect("it ends");
    let said = String::from_utf8(stderr).expect("UTF-8");
    assert_eq!(status.code(), Some(1), "{said}");
    said
}

/// Runs what was printed to be pasted into a shell, with `binary` for `cargo run --release --bin STEP --`.
#[cfg(unix)]
pub fn paste(line: &str, binary: &str, folder: &Path) -> String {
    let (before, cargo) = line.split_at(line.find("cargo run --release --bin ").expect("a command line"));
    let (_, flags) = cargo.split_once(" -- ").expect("flags");
    let mut shell = command("sh", folder, "-c");
    let Output { status, stdout, stderr } = shell.arg(format!("{before}'{binary}' {flags}")).output().expect("a shell");
    assert!(status.success(), "{line}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("UTF-8")
}

/// All files must be in the folder, with something in them.
pub fn are_there(folder: &Path, files: &[&str]) {
    for file in files {
        let length = fs::metadata(folder.join(file)).map(|m| m.len()).unwrap_or(0);
        assert!(length > 0, "{file} is missing or empty");
    }
}

/// Four files like MNIST's, for `--data .`: so many grey images of so many pixels along a side, to learn from and to test.
pub fn write_data(folder: &Path, train: (usize, usize), test: (usize, usize)) {
    for (name, (count, side)) in [("train", train), ("t10k", test)] {
        let images = Images { count, channels: 1, rows: side, cols: side, pixels: vec![99; count * side * side] };
        let labels: Vec<u8> = (0..count).map(|i| i as u8 % 10).collect();
        idx::write_images(&folder.join(format!("{name}-images-idx3-ubyte.gz")), &images).expect("images");
        idx::write_labels(&folder.join(format!("{name}-labels-idx1-ubyte.gz")), &labels).expect("labels");
    }
}

/// Epoch, step and loss of each row of a run's log; the time differs from run to run.
pub fn losses(run: &Path) -> Vec<String> {
    let csv = fs::read_to_string(run.join("metrics.csv")).expect("metrics.csv");
    let mut rows = csv.lines();
    assert_eq!(rows.next().unwrap_or("epoch,step,loss,seconds"), "epoch,step,loss,seconds"); // none before the first step
    rows.map(|row| row.rsplit_once(',').expect("four columns").0.to_string()).collect()
}

pub fn model(run: &Path) -> Vec<u8> {
    fs::read(run.join("model.safetensors")).expect("model.safetensors")
}

/// Whether a learning rate falls over all epochs, by the losses of a training of one epoch and of one of two: the rate of
/// the first step is the same, so the first two losses are, and then they part.
pub fn decays_over_all_epochs(one: &[String], two: &[String]) -> bool {
    one[..2] == two[..2] && one[2] != two[2]
}

/// Whether all is computed by the plain loops of the reference kernels, which f64 has, too. They are slow; where results do not
/// depend on the kernels, a test may do less.
pub fn plain_loops() -> bool {
    size_of::<tsukuru::Real>() > 4 || std::env::var_os("KERNELS").is_some_and(|choice| choice == "reference")
}
