//! `cargo run --release --bin step04`: all programs of the step; `-- PROGRAM` runs one.

use clap::{Parser, Subcommand};
use steps::common::cli::{Common, exit, parse};
use steps::step04::{Geyser, gmm, gmm_sampling, old_faithful, two_groups};

/// Step 4: the Gaussian mixture. Without a program, all run in this order.
#[derive(Parser)]
#[command(name = "step04")]
struct Cli {
    #[command(subcommand)]
    program: Option<Program>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    geyser: Geyser,
}

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// 272 eruptions of a geyser, in two heaps
    OldFaithful,
    /// The density of a mixture, as a landscape and as contours
    Gmm,
    /// 500 draws from a mixture
    GmmSampling,
    /// Heights of women and men: joint, marginal and conditional probability
    TwoGroups,
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, geyser } = parse();
    let run = || match program {
        None => {
            old_faithful::run(&common, &geyser)?;
            gmm::run(&common)?;
            gmm_sampling::run(&common)?;
            two_groups::run(&common)
        }
        Some(Program::OldFaithful) => old_faithful::run(&common, &geyser),
        Some(Program::Gmm) => gmm::run(&common),
        Some(Program::GmmSampling) => gmm_sampling::run(&common),
        Some(Program::TwoGroups) => two_groups::run(&common),
    };
    exit(common.start().and_then(|()| run()))
}
