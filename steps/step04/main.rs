//! `cargo run --release --bin step04`: all programs of the step; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::Common;
use steps::common::programs::{Programs, run_step, without};
use steps::step04::{OldFaithfulArgs, gmm, gmm_sampling, old_faithful, two_groups};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// The data: 272 eruptions of a geyser, in two clusters
    #[command(args = without(["seed"]))]
    OldFaithful,
    /// The density of a mixture, as a surface and by its contours
    #[command(args = without(["data", "seed"]))]
    Gmm,
    /// 500 draws from a mixture
    #[command(args = without(["data"]))]
    GmmSampling,
    /// Joint, marginal and conditional probability: heights of women and men
    #[command(args = without(["data", "seed"]))]
    TwoGroups,
}

impl Programs for Program {
    type Data = OldFaithfulArgs;
    const QUICK: &'static [&'static str] = &["old_faithful", "gmm", "gmm_sampling", "two_groups"];

    fn run(&self, common: &Common, geyser: &OldFaithfulArgs) -> Result<()> {
        match self {
            Program::OldFaithful => old_faithful::run(common, geyser),
            Program::Gmm => gmm::run(common),
            Program::GmmSampling => gmm_sampling::run(common),
            Program::TwoGroups => two_groups::run(common),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>("step04", "Step 4: the Gaussian mixture. Without a program, all run in this order")
}
