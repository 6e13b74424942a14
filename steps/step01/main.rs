//! `cargo run --release --bin step01`: all programs of the step; `-- PROGRAM` runs one.

use clap::{Parser, Subcommand};
use steps::common::cli::{Common, exit, parse};
use steps::step01::{norm_dist, norm_param, sample_avg, sample_sum};

/// Step 1: the normal distribution. Without a program, all run in order.
#[derive(Parser)]
#[command(name = "step01")]
struct Cli {
    #[command(subcommand)]
    program: Option<Program>,
    #[command(flatten)]
    common: Common,
}

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// The density of the standard normal distribution
    NormDist,
    /// What mu and sigma do to the density
    NormParam,
    /// Means of N uniform numbers, for N = 1, 2, 4, 10, 50: the central limit theorem
    SampleAvg,
    /// Sums of five uniform numbers beside the normal density
    SampleSum,
}

fn main() -> std::process::ExitCode {
    let Cli { program, common } = parse();
    let run = || match program {
        None => {
            norm_dist::run(&common)?;
            norm_param::run(&common)?;
            sample_avg::run(&common)?;
            sample_sum::run(&common)
        }
        Some(Program::NormDist) => norm_dist::run(&common),
        Some(Program::NormParam) => norm_param::run(&common),
        Some(Program::SampleAvg) => sample_avg::run(&common),
        Some(Program::SampleSum) => sample_sum::run(&common),
    };
    exit(common.start().and_then(|()| run()))
}
