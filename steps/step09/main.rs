//! `cargo run --release --bin step09`: all programs of the step, training in its quick form; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::{Common, MnistArgs};
use steps::common::programs::{Programs, run_step, without};
use steps::step09::{diffusion_model, gaussian_noise, sample, simple_unet};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// Noise is added to an image, step by step and in closed form
    #[command(args = without(["data"]))]
    GaussianNoise,
    /// The shapes inside the U-Net
    #[command(args = without(["data", "seed"]))]
    SimpleUnet,
    /// Train the U-Net on digits and generate digits with it
    DiffusionModel(diffusion_model::Flags),
    /// Generate digits with a trained model
    Sample(sample::Flags),
}

impl Programs for Program {
    type Data = MnistArgs;
    const QUICK: &'static [&'static str] = &["gaussian_noise", "simple_unet", "diffusion_model --quick"];

    fn run(&self, common: &Common, mnist: &MnistArgs) -> Result<()> {
        match self {
            Program::GaussianNoise => gaussian_noise::run(common),
            Program::SimpleUnet => simple_unet::run(common),
            Program::DiffusionModel(flags) => diffusion_model::run(common, mnist, flags),
            Program::Sample(flags) => sample::run(common, mnist, flags),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>(
        "step09",
        "Step 9: a diffusion model. Without a program, the first three run in their quick form",
    )
}
