//! `cargo run --release --bin step07`: all programs of the step, training in its quick form; `-- PROGRAM` runs one.

use clap::{Parser, Subcommand};
use steps::common::cli::{Common, Mnist, exit, parse};
use steps::step07::vae;

/// Step 7: the variational autoencoder. Without a program, all run in their quick form.
#[derive(Parser)]
#[command(name = "step07")]
struct Cli {
    #[command(subcommand)]
    program: Option<Program>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    mnist: Mnist,
}

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// Train the book's model on digits and make new ones
    Vae(vae::Flags),
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, mnist } = parse();
    let run = || match &program {
        None => Ok(()),
        Some(Program::Vae(flags)) => vae::run(&common, &mnist, flags),
    };
    exit(common.start().and_then(|()| run()))
}
