//! A step that has every flag of the course.

use anyhow::Result;
use clap::{Command, Subcommand};
use std::ffi::OsString;
use steps::common::cli::{Common, MnistArgs};
use steps::common::programs::{self, Programs, without};
use steps::common::training::TrainingFlags;
use steps::{step07, step08, step09, step10, step11, step12};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
pub enum Program {
    #[command(args = without(["data", "seed"]))]
    Nothing,
    Classifier(TrainingFlags),
    Vae(step07::vae::Flags),
    Evaluate(step07::evaluate::Flags),
    Hvae(step08::hvae::Flags),
    DiffusionModel(step09::diffusion_model::Flags),
    Sample(step09::sample::Flags),
    Guided(step10::classifier_free_guidance::Flags),
    Classified(step10::classifier_guidance::Flags),
    SampleLabel(step10::sample::Flags),
    Inpaint(step10::inpaint::Flags),
    Sdedit(step10::sdedit::Flags),
    Interpolate(step10::interpolate::Flags),
    #[command(name = "flow_2d")]
    Flow2d(step11::flow_2d::Flags),
    Flow(step11::flow::Flags),
    Objectives(step11::objectives::Flags),
    Transformer(step11::transformer::Flags),
    SampleFlow(step11::sample::Flags),
    LevelsVae(step12::vae::Flags),
    LikelihoodUnet(step12::unet::Flags),
    Likelihoods(step12::likelihoods::Flags),
}

impl Programs for Program {
    type Data = MnistArgs;
    const QUICK: &'static [&'static str] = &["nothing"];

    fn run(&self, _: &Common, _: &MnistArgs) -> Result<()> {
        Ok(())
    }
}

pub fn command() -> Command {
    programs::command::<Program>("every_flag", "All flags of the course")
}

/// Parses a command line of words that end with a newline each; the error is what the program would print.
pub fn parse(command: &Command, words: &[u8]) -> Result<(), String> {
    let words = words.split(|&byte| byte == b'\n').map(|word| OsString::from(&*String::from_utf8_lossy(word)));
    let words: Vec<OsString> = std::iter::once("every_flag".into()).chain(words).collect();
    programs::parse::<Program>(command, &words).map(drop).map_err(|error| error.to_string())
}
