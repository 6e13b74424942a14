//! `cargo run --release --bin step01`: all programs of the step; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::Common;
use steps::common::programs::{Programs, run_step, without};
use steps::step01::{norm_dist, norm_param, sample_avg, sample_sum};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// The density of the standard normal distribution
    #[command(args = without(["seed"]))]
    NormDist,
    /// The parameters mu and sigma
    #[command(args = without(["seed"]))]
    NormParam,
    /// The central limit theorem: means of N uniform numbers, for N = 1, 2, 4, 10, 50
    SampleAvg,
    /// Sums of five uniform numbers, and the normal density
    SampleSum,
}

impl Programs for Program {
    type Data = ();
    const QUICK: &'static [&'static str] = &["norm_dist", "norm_param", "sample_avg", "sample_sum"];

    fn run(&self, common: &Common, (): &()) -> Result<()> {
        match self {
            Program::NormDist => norm_dist::run(common),
            Program::NormParam => norm_param::run(common),
            Program::SampleAvg => sample_avg::run(common),
            Program::SampleSum => sample_sum::run(common),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>("step01", "Step 1: the normal distribution. Without a program, all run in this order")
}
