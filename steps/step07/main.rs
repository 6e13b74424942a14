//! `cargo run --release --bin step07`: all programs of the step, training in its quick form; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::{Common, MnistArgs};
use steps::common::programs::{Programs, run_step};
use steps::step07::model_file::ModelFlag;
use steps::step07::{e_step, evaluate, latent, vae};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// Train the book's model on digits and generate new ones
    Vae(vae::Flags),
    /// Interpolations between digits, and a map of the latent space
    Latent(ModelFlag),
    /// The model's -ELBO and importance-weighted likelihood of test images
    Evaluate(evaluate::Flags),
    /// The exact p(z|x) of a model with two latent numbers, and what it would cost with more
    EStep(ModelFlag),
}

impl Programs for Program {
    type Data = MnistArgs;
    const QUICK: &'static [&'static str] = &["vae --quick", "latent", "evaluate", "e_step"];

    fn run(&self, common: &Common, mnist: &MnistArgs) -> Result<()> {
        match self {
            Program::Vae(flags) => vae::run(common, mnist, flags),
            Program::Latent(flags) => latent::run(common, mnist, flags),
            Program::Evaluate(flags) => evaluate::run(common, mnist, flags),
            Program::EStep(flags) => e_step::run(common, mnist, flags),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>("step07", "Step 7: the variational autoencoder. Without a program, all run in their quick form")
}
