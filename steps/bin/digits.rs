//! Writes the built-in digits as the four files in which MNIST is published, for other programs to read.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use steps::common::data::{Source, Split};
use steps::common::{cli, images};
use tsukuru::data::{Dataset, idx};
use tsukuru::println;

/// Writes the built-in digits as four gzipped IDX files, under MNIST's names
#[derive(Parser)]
struct Flags {
    /// Output directory; it is made if it is not there
    #[arg(long, value_name = "DIR", default_value = "out/digits")]
    out: PathBuf,
    /// Only the first N of the 60,000 training images, and of the 10,000 test images
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// Also a picture of the first test images, twenty of each digit
    #[arg(long, value_name = "FILE.png")]
    sheet: Option<PathBuf>,
}

fn main() -> ExitCode {
    cli::exit(run(&cli::parse()))
}

fn run(flags: &Flags) -> Result<()> {
    let count = flags.count.map(|count| count as usize);
    fs::create_dir_all(&flags.out).with_context(|| format!("{}: cannot be made", flags.out.display()))?;
    let splits = [Split::Train, Split::Test];
    let path = |name: &str| flags.out.join(format!("{name}.gz"));
    for path in splits.iter().flat_map(|split| split.files().map(path)) {
        ensure!(!path.exists(), "{}: is there already, and nothing is overwritten", path.display());
    }
    for split in splits {
        let digits = Source::BUILT_IN.load(split, count)?;
        let [images, labels] = split.files().map(path);
        idx::write_images(&images, digits.images())?;
        println!("{}: {} images", images.display(), digits.len());
        idx::write_labels(&labels, digits.labels())?;
        println!("{}: {} labels", labels.display(), digits.len());
    }
    flags.sheet.as_deref().map_or(Ok(()), |path| write_sheet(path, &Source::BUILT_IN.load(Split::Test, count)?))
}

/// A row for each digit.
fn write_sheet(path: &Path, digits: &Dataset) -> Result<()> {
    const COLUMNS: usize = 20;
    let of = |digit: u8| (0..digits.len()).filter(move |&i| digits.labels()[i] == digit).take(COLUMNS);
    let which: Vec<usize> = (0..10).flat_map(of).collect();
    images::save_grid(path, &digits.batch(&which).0, COLUMNS)?;
    println!("{}", path.display());
    Ok(())
}
