//! Generates digits with a trained model.

use super::autoguidance::Autoguidance;
use super::{
    COLUMNS, EvaluatorFlag, Export, Sampler, SamplerFlags, TrainedUNet, generate, read_unconditional, write_images,
};
use crate::common::cli::{Common, MnistArgs};
use crate::common::run::RunFolder;
use anyhow::{Result, ensure};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// A model.safetensors that diffusion_model, or PyTorch, has written
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// How many images to generate
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub count: usize,
    /// Also write the images as STEM-images-idx3-ubyte.gz, which must not be there yet
    #[arg(long, value_name = "STEM")]
    pub export: Option<PathBuf>,
    /// Weight of autoguidance by the guide beside the model; 1: none [default: that of its training]
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true)]
    pub autoguidance: Option<f64>,
    #[command(flatten)]
    pub sampler: SamplerFlags,
    #[command(flatten)]
    pub evaluator: EvaluatorFlag,
}

/// Images that one call generates, at most.
pub const MAX_IMAGES: usize = 100_000;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    ensure!((1..=MAX_IMAGES).contains(&flags.count), "--count {}: expected 1 to {MAX_IMAGES}", flags.count);
    let TrainedUNet { model, diffuser, sampler, autoguidance, size, classes, .. } = read_unconditional(&flags.model)?;
    let sampler = flags.sampler.resolve(common, &diffuser, sampler.unwrap_or(Sampler::Ancestral))?;
    let weight = Autoguidance::resolve_weight(flags.autoguidance, autoguidance)?;
    let guidance = Autoguidance::read(&flags.model, size, weight)?;
    let evaluator = flags.evaluator.load(common, mnist)?;
    let export = flags.export.as_deref().map(|stem| Export::new(stem, size[0])).transpose()?;
    let folder = RunFolder::open(&common.out, "step09", "sample", false)?;

    let labels = vec![None; flags.count];
    let eps = |x: &_, t, labels: &[_]| model.predict_guided(guidance.as_ref(), x, t, labels);
    let x = generate(common, &diffuser, sampler, size, &labels, eps)?;
    write_images(&folder, &x, &labels, &classes, COLUMNS, export, evaluator)
}
