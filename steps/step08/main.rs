//! `cargo run --release --bin step08`: all programs of the step, training in its quick form; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::{Common, MnistArgs};
use steps::common::programs::{Programs, run_step, without};
use steps::step08::{elbo, forward_process, hvae};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// Train the book's model with two levels of latent variables on digits and generate new ones
    Hvae(hvae::Flags),
    /// Noise is added to a number and to a digit, step by step and in closed form
    ForwardProcess,
    /// The ELBO of a diffusion model, estimated from T, from two and from one sample
    #[command(args = without(["data"]))]
    Elbo,
}

impl Programs for Program {
    type Data = MnistArgs;
    const QUICK: &'static [&'static str] = &["hvae --quick", "forward_process", "elbo"];

    fn run(&self, common: &Common, mnist: &MnistArgs) -> Result<()> {
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
        "Step 8: hierarchical latent variables, and the theory of diffusion. Without a program, all run in their quick form",
    )
}
