//! `cargo run --release --bin step05`: all programs of the step; `-- PROGRAM` runs one.

use clap::{Parser, Subcommand};
use steps::common::cli::{Common, exit, parse};
use steps::step04::Geyser;
use steps::step05::{em, generate, kl, monte_carlo};

/// Step 5: the EM algorithm. Without a program, all run in this order.
#[derive(Parser)]
#[command(name = "step05")]
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
    let run = || match program {
        None => {
            kl::run(&common)?;
            monte_carlo::run(&common)?;
            em::run(&common, &geyser)?;
            generate::run(&common, &geyser)
        }
        Some(Program::Kl) => kl::run(&common),
        Some(Program::MonteCarlo) => monte_carlo::run(&common),
        Some(Program::Em) => em::run(&common, &geyser),
        Some(Program::Generate) => generate::run(&common, &geyser),
    };
    exit(common.start().and_then(|()| run()))
}
