//! `cargo run --release --bin step02`: all programs of the step; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::{Common, PeopleArgs};
use steps::common::programs::{Programs, run_step, without};
use steps::step02::{fit, generate, hist, prob};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// 25,000 heights as a histogram
    #[command(args = without(["seed"]))]
    Hist,
    /// The normal distribution of maximum likelihood
    #[command(args = without(["seed"]))]
    Fit,
    /// New heights, drawn from the fitted distribution
    Generate,
    /// Probabilities of a height below 160 cm and above 180 cm
    #[command(args = without(["seed"]))]
    Prob,
}

impl Programs for Program {
    type Data = PeopleArgs;
    const QUICK: &'static [&'static str] = &["hist", "fit", "generate", "prob"];

    fn run(&self, common: &Common, people: &PeopleArgs) -> Result<()> {
        match self {
            Program::Hist => hist::run(common, people),
            Program::Fit => fit::run(common, people),
            Program::Generate => generate::run(common, people),
            Program::Prob => prob::run(common, people),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>("step02", "Step 2: maximum likelihood. Without a program, all run in this order")
}
