//! `cargo run --release --bin step09`: all programs of the step, training in its quick form; `-- PROGRAM` runs one.

use clap::{Parser, Subcommand};
use steps::common::cli::{Common, Mnist, TrainingFlags, exit, parse};
use steps::step09::{Flags, diffusion_model, gaussian_noise, sample, simple_unet};

/// Step 9: a diffusion model. Without a program, the first three run in their quick form.
#[derive(Parser)]
#[command(name = "step09")]
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
    /// An image drowns in noise, step by step and in one jump
    GaussianNoise,
    /// The shapes inside the U-Net
    SimpleUnet,
    /// Train the U-Net on digits and draw digits with it
    DiffusionModel(Flags),
    /// Draw digits with a trained model
    Sample(sample::Flags),
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, mnist } = parse();
    let run = || match &program {
        None => {
            gaussian_noise::run(&common)?;
            simple_unet::run(&common)?;
            let training = TrainingFlags { quick: true, ..TrainingFlags::default() };
            diffusion_model::run(&common, &mnist, &Flags { training, ..Flags::default() })
        }
        Some(Program::GaussianNoise) => gaussian_noise::run(&common),
        Some(Program::SimpleUnet) => simple_unet::run(&common),
        Some(Program::DiffusionModel(flags)) => diffusion_model::run(&common, &mnist, flags),
        Some(Program::Sample(flags)) => sample::run(&common, &mnist, flags),
    };
    exit(common.start().and_then(|()| run()))
}
