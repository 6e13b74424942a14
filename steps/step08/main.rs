//! `cargo run --release --bin step08`: all programs of the step, training in its quick form; `-- PROGRAM` runs one.

use clap::{Parser, Subcommand};
use steps::common::cli::{Common, Mnist, TrainingFlags, exit, parse};
use steps::step08::{elbo, forward_process, hvae};

/// Step 8: a hierarchy of hidden numbers, and the theory of diffusion. Without a program, all run in their quick form.
#[derive(Parser)]
#[command(name = "step08")]
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
    /// Train the book's model of two storeys on digits and make new ones
    Hvae(TrainingFlags),
    /// A number and a digit drown in noise, step by step and in one jump
    ForwardProcess,
    /// The ELBO of a diffusion model from T, from two and from one draw
    Elbo,
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, mnist } = parse();
    let run = || match &program {
        None => {
            hvae::run(&common, &mnist, &TrainingFlags { quick: true, ..TrainingFlags::default() })?;
            forward_process::run(&common)?;
            elbo::run(&common)
        }
        Some(Program::Hvae(flags)) => hvae::run(&common, &mnist, flags),
        Some(Program::ForwardProcess) => forward_process::run(&common),
        Some(Program::Elbo) => elbo::run(&common),
    };
    exit(common.start().and_then(|()| run()))
}
