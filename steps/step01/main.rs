//! `cargo run --release --bin step01`: all programs of the step; `-- PROGRAM` runs one.

use clap::{Parser, ValueEnum};
use steps::common::cli::{Common, parse};
use steps::step01::{norm_dist, norm_param, sample_avg, sample_sum};

/// Step 1: the normal distribution.
#[derive(Parser)]
#[command(name = "step01")]
struct Cli {
    /// The program to run; without one, all run in this order
    program: Option<Program>,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Program {
    /// The density of the standard normal distribution
    NormDist,
    /// The parameters mu and sigma
    NormParam,
    /// The central limit theorem: means of N uniform numbers, for N = 1, 2, 4, 10, 50
    SampleAvg,
    /// Sums of five uniform numbers, and the normal density
    SampleSum,
}

fn main() -> std::process::ExitCode {
    let Cli { program, common } = parse();
    common.run(program, |program| match program {
        Program::NormDist => norm_dist::run(&common),
        Program::NormParam => norm_param::run(&common),
        Program::SampleAvg => sample_avg::run(&common),
        Program::SampleSum => sample_sum::run(&common),
    })
}
