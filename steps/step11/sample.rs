//! Generates the digits that are asked for, with a network that a program of this step has trained.

use super::draw::{SamplingFlags, generate};
use super::model_file::{self, Trained};
use super::{Model, Sampler};
use crate::common::cli::{Common, MnistArgs};
use crate::common::run::RunFolder;
use crate::step09::sample::MAX_IMAGES;
use crate::step09::{Export, write_images};
use crate::step10::parse_digits;
use anyhow::{Result, ensure};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// A model.safetensors that flow or transformer has written
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// The target labels, such as 0123456789 or 1984
    #[arg(long, value_name = "DIGITS", default_value = "0123456789")]
    pub labels: String,
    /// How many images of each
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub count: usize,
    /// Also write STEM-images-idx3-ubyte.gz and STEM-labels-idx1-ubyte.gz, which must not be there yet
    #[arg(long, value_name = "STEM")]
    pub export: Option<PathBuf>,
    #[command(flatten)]
    pub sampling: SamplingFlags,
}

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let digits = parse_digits(&flags.labels)?;
    let max = MAX_IMAGES / digits.len();
    ensure!((1..=max).contains(&flags.count), "--count {}: expected 1 to {max}", flags.count);
    let Trained { network, objective, path, size } = model_file::read(&flags.model)?;
    let sampling = flags.sampling.resolve(common, mnist, Sampler::default_for(objective))?;
    let export = flags.export.as_deref().map(Export::new).transpose()?;
    let folder = RunFolder::open(&common.out, "step11", "sample", false)?;

    let labels = &digits.repeat(flags.count)[..];
    let model = Model { network: &*network, objective, path: &path, labels, gamma: sampling.gamma };
    let x = generate(common, model, sampling.sampler, sampling.steps, size)?;
    write_images(&folder, &x, labels, digits.len(), export, sampling.evaluator)
}
