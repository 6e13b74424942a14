//! `cargo run --release --bin step07`: all programs of the step, training in its quick form; `-- PROGRAM` runs one.

use clap::{Parser, Subcommand};
use steps::common::cli::{Common, Mnist, TrainingFlags, exit, parse};
use steps::step07::trained::ModelFlag;
use steps::step07::{e_step, evaluate, latent, vae};

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
    /// Walks between digits, and a map of all of them
    Latent(ModelFlag),
    /// The model's -ELBO and importance-weighted likelihood of test images
    Evaluate(evaluate::Flags),
    /// The exact p(z|x) of a model with two numbers z, and what it would cost with more
    EStep(ModelFlag),
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, mnist } = parse();
    let run = || match &program {
        None => {
            let training = TrainingFlags { quick: true, ..TrainingFlags::default() };
            let (latent, hidden) = (vae::LATENT, vae::HIDDEN);
            vae::run(&common, &mnist, &vae::Flags { training, latent, hidden })?;
            latent::run(&common, &mnist, &ModelFlag::default())?;
            evaluate::run(&common, &mnist, &evaluate::Flags::default())?;
            e_step::run(&common, &mnist, &ModelFlag::default())
        }
        Some(Program::Vae(flags)) => vae::run(&common, &mnist, flags),
        Some(Program::Latent(flags)) => latent::run(&common, &mnist, flags),
        Some(Program::Evaluate(flags)) => evaluate::run(&common, &mnist, flags),
        Some(Program::EStep(flags)) => e_step::run(&common, &mnist, flags),
    };
    exit(common.start().and_then(|()| run()))
}
