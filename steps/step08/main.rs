//! `cargo run --release --bin step08`: all programs of the step, training in its quick form; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::{Common, Mnist, Programs, TrainingFlags, run_step};
use steps::step08::{elbo, forward_process, hvae};

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

impl Programs for Program {
    fn quick() -> Vec<Program> {
        vec![Program::Hvae(TrainingFlags::quick()), Program::ForwardProcess, Program::Elbo]
    }

    fn run(&self, common: &Common, mnist: &Mnist) -> Result<()> {
        match self {
            Program::Hvae(flags) => hvae::run(common, mnist, flags),
            Program::ForwardProcess => forward_process::run(common, mnist),
            Program::Elbo => elbo::run(common),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>(
        "step08",
        "Step 8: a hierarchy of hidden numbers, and the theory of diffusion. Without a program, all run in their quick form",
    )
}
