//! Generates the digits that are asked for.

use super::classifier_free_guidance::guided_noise;
use super::{DIGITS, guidance_scales};
use crate::common::cli::{Common, MnistArgs};
use crate::common::run::RunFolder;
use crate::step09::sample::MAX_IMAGES;
use crate::step09::{
    EvaluatorFlag, Export, Label, Sampler, SamplerFlags, TrainedUNet, generate, read_unet, write_images,
};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::PathBuf;

/// Which digits are generated, and where to.
#[derive(Args, Clone, Debug)]
pub struct DigitFlags {
    /// The target labels, such as 0123456789 or 1984
    #[arg(long, value_name = "DIGITS", default_value = "0123456789")]
    pub labels: String,
    /// How many images of each
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub count: usize,
    /// Also write STEM-images-idx3-ubyte.gz and STEM-labels-idx1-ubyte.gz, which must not be there yet
    #[arg(long, value_name = "STEM")]
    pub export: Option<PathBuf>,
}

/// What [`DigitFlags`] ask for.
pub struct Digits {
    /// One for each image, row by row.
    pub labels: Vec<Label>,
    /// Images in a row.
    pub columns: usize,
    pub export: Option<Export>,
}

impl DigitFlags {
    /// # Errors
    /// If `--labels` holds no digits, too many or something else, `--count` is 0 or too large, or a file to export to is
    /// there.
    pub fn resolve(&self) -> Result<Digits> {
        let digits = parse_digits(&self.labels)?;
        let max = MAX_IMAGES / digits.len();
        ensure!((1..=max).contains(&self.count), "--count {}: expected 1 to {max}", self.count);
        let export = self.export.as_deref().map(Export::new).transpose()?;
        Ok(Digits { labels: digits.repeat(self.count), columns: digits.len(), export })
    }
}

#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// A model.safetensors that classifier_free_guidance or conditional has written
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    #[command(flatten)]
    pub digits: DigitFlags,
    /// The guidance scale: 0 unconditional, 1 conditional, more exaggerates the label [default: 3; with a model of conditional: 1]
    #[arg(long, allow_negative_numbers = true)]
    pub gamma: Option<f64>,
    #[command(flatten)]
    pub sampler: SamplerFlags,
    #[command(flatten)]
    pub evaluator: EvaluatorFlag,
}

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let digits = flags.digits.resolve()?;
    let TrainedUNet { model, diffuser, sampler, always_conditioned, size, .. } = read_unet(&flags.model)?;
    let sampler = flags.sampler.resolve(common, &diffuser, sampler.unwrap_or(Sampler::FIFTY_STEPS))?;
    // A model that was always conditioned predicts no unconditional noise to extrapolate from.
    let gamma = guidance_scales::resolve_gamma(flags.gamma.or(always_conditioned.then_some(1.0)))?;
    let path = flags.model.display();
    let found = model.label_emb.as_ref().map_or(0, |labels| labels.weight.shape()[0]);
    ensure!(found == DIGITS, "{path}: expected a model with {DIGITS} labels, found one with {found}");
    let evaluator = flags.evaluator.load(common, mnist)?;
    let folder = RunFolder::open(&common.out, "step10", "sample", false)?;

    let labels = &digits.labels;
    let eps = |x: &_, t, labels: &[_]| guided_noise(&model, x, t, labels, gamma);
    let x = generate(common, &diffuser, sampler, size, labels, eps)?;
    write_images(&folder, &x, labels, digits.columns, digits.export, evaluator)
}

/// The digits of `--labels`.
fn parse_digits(labels: &str) -> Result<Vec<Label>> {
    ensure!((1..=100).contains(&labels.len()), "--labels: expected 1 to 100 digits, found {}", labels.len());
    let digit = |c: char| {
        let digit = c.to_digit(10).with_context(|| format!("--labels {labels}: expected digits, found {c:?}"))?;
        Ok(Some(digit as usize))
    };
    labels.chars().map(digit).collect()
}
