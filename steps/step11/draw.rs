//! Images that a network generates: after every epoch, and many at the end.

use super::{Model, Sampler, from_signed};
use crate::common::cli::{Common, MnistArgs};
use crate::common::images::{Captions, grid, save_captioned_grid, save_gif};
use crate::common::run::RunFolder;
use crate::step06::Evaluator;
use crate::step09::{COLUMNS, EvaluatorFlag, Label, in_batches, print_metrics};
use crate::step10::DIGITS;
use anyhow::{Result, ensure};
use clap::Args;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// Numbers of evaluations, one for each row of a picture.
const EVALUATIONS: [usize; 5] = [2, 4, 8, 16, 50];
/// Images of each digit that are evaluated.
const PER_LABEL: usize = 100;

/// The flags of programs that generate images.
#[derive(Args, Clone, Debug)]
pub struct SamplingFlags {
    /// How noise becomes an image: euler, midpoint or heun with a velocity, else ddim or dpm-solver [default: heun, dpm-solver]
    #[arg(long, value_name = "NAME")]
    pub sampler: Option<Sampler>,
    /// How often the network is asked about an image: once in a step, but twice in one of midpoint or heun
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub evaluations: usize,
    /// The guidance scale: 0 unconditional, 1 conditional, more exaggerates the label
    #[arg(long, default_value_t = 1.5, allow_negative_numbers = true)]
    pub gamma: f64,
    #[command(flatten)]
    pub evaluator: EvaluatorFlag,
}

/// How images are generated.
pub struct Sampling {
    pub sampler: Sampler,
    pub steps: usize,
    pub gamma: f64,
    pub evaluator: Option<Evaluator>,
}

impl SamplingFlags {
    /// `default` is the sampler if no flag names one.
    ///
    /// # Errors
    /// If a flag has a value that it cannot have, or as [`EvaluatorFlag::load`].
    pub fn resolve(&self, common: &Common, mnist: &MnistArgs, default: Sampler) -> Result<Sampling> {
        let (gamma, sampler) = (self.gamma, self.sampler.unwrap_or(default));
        ensure!((-100.0..=100.0).contains(&gamma), "--gamma {gamma}: expected -100 to 100");
        ensure!(
            sampler.follows_flow() == default.follows_flow(),
            "--sampler: expected {} for this network",
            if default.follows_flow() { "euler, midpoint or heun" } else { "ddim or dpm-solver" }
        );
        let steps = sampler.steps(common, self.evaluations)?;
        Ok(Sampling { sampler, steps, gamma, evaluator: self.evaluator.load(common, mnist)? })
    }
}

/// The labels of the images that are evaluated: [`PER_LABEL`] of each digit.
pub fn evaluation_labels(common: &Common) -> Vec<Label> {
    let count = PER_LABEL.min(common.limits.samples_per_label);
    (0..DIGITS * count).map(|i| Some(i % DIGITS)).collect()
}

/// One image (C, H, W) of pixels from 0 to 1 for each of the model's labels, as x (N, C, H, W).
///
/// # Errors
/// If a pixel is not finite.
pub fn generate(common: &Common, model: Model, sampler: Sampler, steps: usize, size: [usize; 3]) -> Result<Tensor> {
    let x = in_batches(common, steps, size, model.labels.len(), |images, rng, step| {
        let ([c, h, w], labels) = (size, &model.labels[images]);
        let noise = rng.normal_tensor([labels.len(), c, h, w]);
        Model { labels, ..model }.sample(sampler, noise, steps, |_, _| step())
    })?;
    Ok(from_signed(&x))
}

/// Writes an image for each label after an epoch: as they are in the end with captions, and on their way.
///
/// # Errors
/// If an image is not finite, or a file cannot be written.
pub fn draw_samples(
    seed: u64,
    folder: &RunFolder,
    epoch: usize,
    model: Model,
    sampling: &Sampling,
    [c, h, w]: [usize; 3],
    captions: &Captions,
) -> Result<()> {
    let noise = Rng::new(seed, "sampling", epoch as u64).normal_tensor([model.labels.len(), c, h, w]);
    let frame = |t: f64, x: &Tensor| grid(&from_signed(x), COLUMNS, &Captions::above([format!("t = {t:.2}")]));
    let mut frames = vec![frame(0.0, &noise)];
    let x = model.sample(sampling.sampler, noise, sampling.steps, |t, x| frames.push(frame(t, x)));
    let path = folder.file(&format!("samples/epoch_{epoch:03}.png"))?;
    save_captioned_grid(&path, &from_signed(&x), COLUMNS, captions)?;
    println!("{}", path.display());
    save_gif(&folder.file("flow.gif")?, frames.into_iter().collect::<Result<Vec<_>>>()?, 200, 2500)
}

/// The images by different numbers of evaluations, each column from the same noise, as a picture; and the metrics of
/// [`PER_LABEL`] images of each digit, if there is a classifier.
///
/// # Errors
/// If an image is not finite, or a file cannot be written.
pub fn draw_results(
    common: &Common,
    folder: &RunFolder,
    model: Model,
    sampling: &Sampling,
    size @ [c, h, w]: [usize; 3],
    captions: &Captions,
) -> Result<()> {
    let sampler = sampling.sampler;
    let (first, mut rows) = (Model { labels: &model.labels[..COLUMNS], ..model }, vec![]);
    for evaluations in EVALUATIONS {
        rows.extend_from_slice(generate(common, first, sampler, sampler.steps(common, evaluations)?, size)?.data());
    }
    let path = folder.file("evaluations.png")?;
    let x = Tensor::new([EVALUATIONS.len() * COLUMNS, c, h, w], &rows);
    let captions = Captions { beside: EVALUATIONS.map(|n| n.to_string()).to_vec(), ..captions.clone() };
    save_captioned_grid(&path, &x, COLUMNS, &captions)?;
    println!("{}", path.display());
    let Some(evaluator) = &sampling.evaluator else { return Ok(()) };
    let labels = evaluation_labels(common);
    let x = generate(common, Model { labels: &labels, ..model }, sampler, sampling.steps, size)?;
    print_metrics(evaluator, &x, &labels)
}
