//! `cargo run --release --bin step10`: guidance in its quick form, both ways; `-- PROGRAM` runs one.

use clap::{Parser, Subcommand};
use steps::common::cli::{Common, Mnist, TrainingFlags, exit, parse};
use steps::step09;
use steps::step10::{classifier_free_guidance, classifier_guidance, conditional, sample};

/// Step 10: guidance. Without a program, classifier_free_guidance and classifier_guidance run in their quick form.
#[derive(Parser)]
#[command(name = "step10")]
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
    /// Train a U-Net that is told which digit it sees
    Conditional(step09::Flags),
    /// Train one that is told most of the time, and draw with guidance
    ClassifierFreeGuidance(classifier_free_guidance::Flags),
    /// Train a classifier of noisy digits, and let it lead a trained model
    ClassifierGuidance(classifier_guidance::Flags),
    /// Draw the digits that you ask for
    Sample(sample::Flags),
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, mnist } = parse();
    let run = || match &program {
        None => {
            let training = TrainingFlags { quick: true, ..TrainingFlags::default() };
            let unet = step09::Flags { training: training.clone(), ..Default::default() };
            let flags = classifier_free_guidance::Flags { unet, ..Default::default() };
            classifier_free_guidance::run(&common, &mnist, &flags)?;
            let flags = classifier_guidance::Flags { training, ..Default::default() };
            classifier_guidance::run(&common, &mnist, &flags)
        }
        Some(Program::Conditional(flags)) => conditional::run(&common, &mnist, flags),
        Some(Program::ClassifierFreeGuidance(flags)) => classifier_free_guidance::run(&common, &mnist, flags),
        Some(Program::ClassifierGuidance(flags)) => classifier_guidance::run(&common, &mnist, flags),
        Some(Program::Sample(flags)) => sample::run(&common, &mnist, flags),
    };
    exit(common.start().and_then(|()| run()))
}
