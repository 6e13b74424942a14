//! `cargo run --release --bin step10`: guidance in its quick form, both ways; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::{Common, MnistArgs};
use steps::common::programs::{Programs, run_step, without};
use steps::step09;
use steps::step10::{classifier_free_guidance, classifier_guidance, conditional, inpaint, interpolate, sample, sdedit};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// Train a U-Net that is conditioned on the label
    Conditional(step09::Flags),
    /// Train one with label dropout, and generate digits with classifier-free guidance
    ClassifierFreeGuidance(classifier_free_guidance::Flags),
    /// Train a classifier of noisy digits, and guide a trained model with it
    ClassifierGuidance(classifier_guidance::Flags),
    /// Generate the digits that you ask for
    Sample(sample::Flags),
    /// Fill a hidden part of digits
    Inpaint(inpaint::Flags),
    /// Make digits of a drawing
    Sdedit(sdedit::Flags),
    /// Go from one image to another
    #[command(args = without(["seed"]))]
    Interpolate(interpolate::Flags),
}

impl Programs for Program {
    type Data = MnistArgs;
    // Two trainings share a few minutes.
    const QUICK: &'static [&'static str] =
        &["classifier_free_guidance --quick", "classifier_guidance --quick --limit 20000"];

    fn run(&self, common: &Common, mnist: &MnistArgs) -> Result<()> {
        match self {
            Program::Conditional(flags) => conditional::run(common, mnist, flags),
            Program::ClassifierFreeGuidance(flags) => classifier_free_guidance::run(common, mnist, flags),
            Program::ClassifierGuidance(flags) => classifier_guidance::run(common, mnist, flags),
            Program::Sample(flags) => sample::run(common, mnist, flags),
            Program::Inpaint(flags) => inpaint::run(common, mnist, flags),
            Program::Sdedit(flags) => sdedit::run(common, mnist, flags),
            Program::Interpolate(flags) => interpolate::run(common, mnist, flags),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>(
        "step10",
        "Step 10: guidance. Without a program, classifier_free_guidance and classifier_guidance run in their quick form",
    )
}
