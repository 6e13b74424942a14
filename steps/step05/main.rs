//! `cargo run --release --bin step05`: all programs of the step; `-- PROGRAM` runs one.

use clap::{Parser, ValueEnum};
use steps::common::cli::{Common, parse};
use steps::step04::OldFaithfulArgs;
use steps::step05::{em, generate, kl, monte_carlo};

/// Step 5: the EM algorithm.
#[derive(Parser)]
#[command(name = "step05")]
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
    /// The Kullback-Leibler divergence between two coins, in nats
    Kl,
    /// The Monte Carlo method: expectations as means over draws, and their error
    MonteCarlo,
    /// The EM algorithm on Old Faithful, iteration by iteration
    Em,
    /// Eruptions drawn from the fitted mixture, beside the data
    Generate,
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, geyser } = parse();
    common.run(program, |program| match program {
        Program::Kl => kl::run(&common),
        Program::MonteCarlo => monte_carlo::run(&common),
        Program::Em => em::run(&common, &geyser),
        Program::Generate => generate::run(&common, &geyser),
    })
}
