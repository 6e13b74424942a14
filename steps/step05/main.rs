//! `cargo run --release --bin step05`: all programs of the step; `-- PROGRAM` runs one.

use clap::{Parser, ValueEnum};
use steps::common::cli::{Common, parse};
use steps::step04::Geyser;
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
    geyser: Geyser,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Program {
    /// How much one coin differs from another, in nats
    Kl,
    /// Expectations from random numbers, and how slowly their error shrinks
    MonteCarlo,
    /// A mixture for Old Faithful, iteration by iteration
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
