//! `cargo run --release --bin step02`: all programs of the step; `-- PROGRAM` runs one.

use clap::{Parser, ValueEnum};
use steps::common::cli::{Common, PeopleArgs, parse};
use steps::step02::{fit, generate, hist, prob};

/// Step 2: maximum likelihood.
#[derive(Parser)]
#[command(name = "step02")]
struct Cli {
    /// The program to run; without one, all run in this order
    program: Option<Program>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    people: PeopleArgs,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Program {
    /// 25,000 heights as a histogram
    Hist,
    /// The normal distribution of maximum likelihood
    Fit,
    /// New heights, drawn from the fitted distribution
    Generate,
    /// Probabilities of a height below 160 cm and above 180 cm
    Prob,
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, people } = parse();
    common.run(program, |program| match program {
        Program::Hist => hist::run(&common, &people),
        Program::Fit => fit::run(&common, &people),
        Program::Generate => generate::run(&common, &people),
        Program::Prob => prob::run(&common, &people),
    })
}
