//! `cargo run --release --bin step02`: all programs of the step; `-- PROGRAM` runs one.

use clap::{Parser, Subcommand};
use steps::common::cli::{Common, People, exit, parse};
use steps::step02::{fit, generate, hist, prob};

/// Step 2: maximum likelihood. Without a program, all run in order.
#[derive(Parser)]
#[command(name = "step02")]
struct Cli {
    #[command(subcommand)]
    program: Option<Program>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    people: People,
}

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// 25,000 heights as a histogram
    Hist,
    /// The normal distribution that fits them best
    Fit,
    /// New heights out of that distribution
    Generate,
    /// How probable it is to be small, or tall
    Prob,
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, people } = parse();
    let run = || match program {
        None => {
            hist::run(&common, &people)?;
            fit::run(&common, &people)?;
            generate::run(&common, &people)?;
            prob::run(&common, &people)
        }
        Some(Program::Hist) => hist::run(&common, &people),
        Some(Program::Fit) => fit::run(&common, &people),
        Some(Program::Generate) => generate::run(&common, &people),
        Some(Program::Prob) => prob::run(&common, &people),
    };
    exit(common.start().and_then(|()| run()))
}
