//! `cargo run --release --bin step04`: all programs of the step; `-- PROGRAM` runs one.

use clap::{Parser, ValueEnum};
use steps::common::cli::{Common, parse};
use steps::step04::{OldFaithfulArgs, gmm, gmm_sampling, old_faithful, two_groups};

/// Step 4: the Gaussian mixture.
#[derive(Parser)]
#[command(name = "step04")]
struct Cli {
    /// The program to run; without one, all run in this order
    program: Option<Program>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    geyser: OldFaithfulArgs,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Program {
    /// The data: 272 eruptions of a geyser, in two clusters
    OldFaithful,
    /// The density of a mixture, as a surface and by its contours
    Gmm,
    /// 500 draws from a mixture
    GmmSampling,
    /// Joint, marginal and conditional probability: heights of women and men
    TwoGroups,
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, geyser } = parse();
    common.run(program, |program| match program {
        Program::OldFaithful => old_faithful::run(&common, &geyser),
        Program::Gmm => gmm::run(&common),
        Program::GmmSampling => gmm_sampling::run(&common),
        Program::TwoGroups => two_groups::run(&common),
    })
}
