//! `cargo run --release --bin step12`: all programs of the step, in their quick form; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::{Common, MnistArgs};
use steps::common::programs::{Programs, run_step, without};
use steps::step12::{gaussian, likelihoods, unet, vae};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// All estimators of the likelihood where it is known
    #[command(args = without(["data"]))]
    Gaussian,
    /// Train an autoencoder with one or more levels on dequantised digits
    Vae(vae::Flags),
    /// Train the U-Net on dequantised digits, to predict the velocity of a flow or the noise of a diffusion model
    Unet(unet::Flags),
    /// The likelihood of test images by a mixture, by autoencoders, by a diffusion model and by a flow
    Likelihoods(likelihoods::Flags),
}

impl Programs for Program {
    type Data = MnistArgs;
    const QUICK: &'static [&'static str] = &[
        "gaussian",
        "vae --quick",
        "vae --quick --levels 2",
        "unet --quick --objective noise",
        "unet --quick",
        "likelihoods --quick",
    ];

    fn run(&self, common: &Common, mnist: &MnistArgs) -> Result<()> {
        match self {
            Program::Gaussian => gaussian::run(common),
            Program::Vae(flags) => vae::run(common, mnist, flags),
            Program::Unet(flags) => unet::run(common, mnist, flags),
            Program::Likelihoods(flags) => likelihoods::run(common, mnist, flags),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>("step12", "Step 12: one scale of nats. Without a program, all run in their quick form")
}
