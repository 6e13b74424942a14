//! Generates images of the labels that are asked for.

use super::classifier_free_guidance::guided_noise;
use super::guidance_scales;
use crate::common::cli::{Common, MnistArgs};
use crate::common::run::RunFolder;
use crate::step09::sample::MAX_IMAGES;
use crate::step09::{
    COLUMNS, EvaluatorFlag, Export, Label, Sampler, SamplerFlags, TrainedUNet, generate, read_unet, write_images,
};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::PathBuf;

/// Which images are generated, and where to.
#[derive(Args, Clone, Debug)]
pub struct LabelFlags {
    /// The target labels, such as 1984 or, where a name has several letters, daisy,rose [default: the first ten]
    #[arg(long, value_name = "LABELS")]
    pub labels: Option<String>,
    /// How many images of each
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub count: usize,
    /// Also write STEM-images-idx3-ubyte.gz and STEM-labels-idx1-ubyte.gz, which must not be there yet
    #[arg(long, value_name = "STEM")]
    pub export: Option<PathBuf>,
}

/// What [`LabelFlags`] ask for.
pub struct Targets {
    /// One for each image, row by row.
    pub labels: Vec<Label>,
    /// Images in a row.
    pub columns: usize,
    pub export: Option<Export>,
}

impl LabelFlags {
    /// Of a model of images with so many channels, and labels of these names.
    ///
    /// # Errors
    /// If `--labels` holds no labels, too many or something else, `--count` is 0 or too large, or as [`Export::new`].
    pub fn resolve(&self, channels: usize, classes: &[String]) -> Result<Targets> {
        let labels = match &self.labels {
            Some(labels) => parse_labels(labels, classes)?,
            None => (0..classes.len().min(COLUMNS)).map(Some).collect(),
        };
        let max = MAX_IMAGES / labels.len();
        ensure!((1..=max).contains(&self.count), "--count {}: expected 1 to {max}", self.count);
        let export = self.export.as_deref().map(|stem| Export::new(stem, channels)).transpose()?;
        Ok(Targets { labels: labels.repeat(self.count), columns: labels.len(), export })
    }
}

#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// A model.safetensors that classifier_free_guidance or conditional has written
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    #[command(flatten)]
    pub targets: LabelFlags,
    /// The guidance scale: 0 unconditional, 1 conditional, more exaggerates the label [default: 3; with a model of conditional: 1]
    #[arg(long, allow_negative_numbers = true)]
    pub gamma: Option<f64>,
    #[command(flatten)]
    pub sampler: SamplerFlags,
    #[command(flatten)]
    pub evaluator: EvaluatorFlag,
}

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let TrainedUNet { model, diffuser, sampler, always_conditioned, size, classes, .. } = read_unet(&flags.model)?;
    let path = flags.model.display();
    ensure!(!classes.is_empty(), "{path}: expected a model with labels, found one without");
    let targets = flags.targets.resolve(size[0], &classes)?;
    let sampler = flags.sampler.resolve(common, &diffuser, sampler.unwrap_or(Sampler::FIFTY_STEPS))?;
    // A model that was always conditioned predicts no unconditional noise to extrapolate from.
    let gamma = guidance_scales::resolve_gamma(flags.gamma.or(always_conditioned.then_some(1.0)))?;
    let evaluator = flags.evaluator.load(common, mnist)?;
    let folder = RunFolder::open(&common.out, "step10", "sample", false)?;

    let labels = &targets.labels;
    let eps = |x: &_, t, labels: &[_]| guided_noise(&model, x, t, labels, gamma);
    let x = generate(common, &diffuser, sampler, size, labels, eps)?;
    write_images(&folder, &x, labels, &classes, targets.columns, targets.export, evaluator)
}

/// The labels of `--labels`: names between commas; names of one letter each need none.
fn parse_labels(labels: &str, classes: &[String]) -> Result<Vec<Label>> {
    let letters = classes.iter().all(|name| name.chars().count() == 1) && !labels.contains(',');
    let names: Vec<String> = match letters {
        true => labels.chars().map(String::from).collect(),
        false => labels.split(',').map(|name| name.trim().to_string()).collect(),
    };
    ensure!((1..=100).contains(&names.len()), "--labels: expected 1 to 100 labels, found {}", names.len());
    let label = |name: &String| {
        let unknown = || {
            let some = classes[..classes.len().min(COLUMNS)].join(", ");
            format!("--labels {labels}: expected names such as {some}, found {name:?}")
        };
        Ok(Some(classes.iter().position(|class| class == name).with_context(unknown)?))
    };
    names.iter().map(label).collect()
}
