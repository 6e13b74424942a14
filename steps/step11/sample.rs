//! Generates images of the labels that are asked for, with a network that a program of this step has trained.

use super::draw::{SamplingFlags, generate};
use super::model_file::{self, Trained};
use super::{Model, Sampler};
use crate::common::cli::{Common, MnistArgs};
use crate::common::run::RunFolder;
use crate::step09::write_images;
use crate::step10::LabelFlags;
use anyhow::{Result, ensure};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// A model.safetensors that flow or transformer has written
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    #[command(flatten)]
    pub targets: LabelFlags,
    #[command(flatten)]
    pub sampling: SamplingFlags,
}

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let Trained { network, objective, path, size, classes } = model_file::read(&flags.model)?;
    ensure!(!classes.is_empty(), "{}: expected a network with labels, found one without", flags.model.display());
    let targets = flags.targets.resolve(size[0], &classes)?;
    let sampling = flags.sampling.resolve(common, mnist, Sampler::default_for(objective))?;
    let folder = RunFolder::open(&common.out, "step11", "sample", false)?;

    let labels = &targets.labels[..];
    let model = Model { network: &*network, objective, path: &path, labels, gamma: sampling.gamma };
    let x = generate(common, model, sampling.sampler, sampling.steps, size)?;
    write_images(&folder, &x, labels, &classes, targets.columns, targets.export, sampling.evaluator)
}
