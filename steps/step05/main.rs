//! `cargo run --release --bin step05`: all programs of the step; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::Common;
use steps::common::programs::{Programs, run_step, without};
use steps::step04::OldFaithfulArgs;
use steps::step05::{em, generate, kl, monte_carlo};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// The Kullback-Leibler divergence between two coins, in nats
    #[command(args = without(["data", "seed"]))]
    Kl,
    /// The Monte Carlo method: expectations as means over draws, and their error
    #[command(args = without(["data"]))]
    MonteCarlo,
    /// The EM algorithm on Old Faithful, iteration by iteration
    Em,
    /// Eruptions drawn from the fitted mixture, beside the data
    Generate,
}

impl Programs for Program {
    type Data = OldFaithfulArgs;
    const QUICK: &'static [&'static str] = &["kl", "monte_carlo", "em", "generate"];

    fn run(&self, common: &Common, geyser: &OldFaithfulArgs) -> Result<()> {
        match self {
            Program::Kl => kl::run(common),
            Program::MonteCarlo => monte_carlo::run(common),
            Program::Em => em::run(common, geyser),
            Program::Generate => generate::run(common, geyser),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>("step05", "Step 5: the EM algorithm. Without a program, all run in this order")
}
