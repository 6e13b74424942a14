//! Generates the digits that are asked for, with a network that a program of this step has trained.

use super::draw::{SamplingFlags, generate};
use super::model_file::{self, Trained};
use super::{Model, Sampler};
use crate::common::cli::{Common, MnistArgs};
use crate::common::run::RunFolder;
use crate::step09::write_images;
use crate::step10::DigitFlags;
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// A model.safetensors that flow or transformer has written
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    #[command(flatten)]
    pub digits: DigitFlags,
    #[command(flatten)]
    pub sampling: SamplingFlags,
}

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let digits = flags.digits.resolve()?;
    let Trained { network, objective, path, size } = model_file::read(&flags.model)?;
    let sampling = flags.sampling.resolve(common, mnist, Sampler::default_for(objective))?;
    let folder = RunFolder::open(&common.out, "step11", "sample", false)?;

    let labels = &digits.labels[..];
    let model = Model { network: &*network, objective, path: &path, labels, gamma: sampling.gamma };
    let x = generate(common, model, sampling.sampler, sampling.steps, size)?;
    write_images(&folder, &x, labels, digits.columns, digits.export, sampling.evaluator)
}
