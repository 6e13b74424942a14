//! Downloads MNIST, so that the steps learn from real handwriting.

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use steps::common::cli::parse;
use steps::common::data::default_folder;
use steps::common::fetch::{MIRRORS, MNIST, fetch};
use tsukuru::{eprintln, println};

/// Downloads MNIST (11 MB) and checks it. Files that are already there and right are kept.
#[derive(Parser)]
struct Args {
    /// Where to put it, instead of datasets/mnist of the repository
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

fn main() -> ExitCode {
    let Args { into } = parse();
    let folder = into.unwrap_or_else(default_folder);
    match fetch(&MIRRORS, &MNIST, &folder, &mut |line| println!("{line}")) {
        Ok(()) => {
            println!("MNIST is in {}", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("fetch: {error}");
            ExitCode::FAILURE
        }
    }
}
