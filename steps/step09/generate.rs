//! Generates many images with a trained model, and writes them.

use super::diffuser::Diffuser;
use super::evaluation::print_metrics;
use super::export::Export;
use super::sampler::Sampler;
use super::unet::Label;
use crate::common::cli::Common;
use crate::common::images::{Captions, save_captioned_grid};
use crate::common::progress::Progress;
use crate::common::run::RunFolder;
use crate::step06::Evaluator;
use anyhow::{Result, ensure};
use std::ops::Range;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// Images that are generated at once.
const BATCH: usize = 100;

/// One image (C, H, W) for each target label, as x (N, C, H, W). `eps(x, t, labels)` is the predicted noise in a batch of
/// images at time t with these target labels.
///
/// # Errors
/// If a pixel is not finite.
pub fn generate(
    common: &Common,
    diffuser: &Diffuser,
    sampler: Sampler,
    size @ [c, h, w]: [usize; 3],
    labels: &[Label],
    eps: impl Fn(&Tensor, usize, &[Label]) -> Tensor,
) -> Result<Tensor> {
    let steps = sampler.timesteps(diffuser).len() - 1;
    in_batches(common, steps, size, labels.len(), |images, rng, step| {
        let labels = &labels[images];
        let eps = |x: &Tensor, t: usize| diffuser.clip_noise(x, &eps(x, t, labels), t);
        sampler.sample(diffuser, eps, [labels.len(), c, h, w], rng, |_, _| step())
    })
}

/// So many images (C, H, W), as x (N, C, H, W). `sample` makes those of a batch, a range of 0..N, and calls its last
/// argument after each of so many steps.
///
/// # Errors
/// If a pixel is not finite.
pub fn in_batches(
    common: &Common,
    steps: usize,
    [c, h, w]: [usize; 3],
    count: usize,
    sample: impl Fn(Range<usize>, &mut Rng, &mut dyn FnMut()) -> Tensor,
) -> Result<Tensor> {
    let mut progress = Progress::new("sampling", count.div_ceil(BATCH) * steps, 0, common.quiet);
    let mut pixels = Vec::with_capacity(count * c * h * w);
    for batch in 0..count.div_ceil(BATCH) {
        let rng = &mut Rng::new(common.seed, "sampling", batch as u64);
        let images = batch * BATCH..count.min((batch + 1) * BATCH);
        pixels.extend_from_slice(sample(images, rng, &mut || progress.step(String::new)).data());
    }
    progress.finish();
    let finite = pixels.iter().all(|pixel| pixel.is_finite());
    ensure!(finite, "the generated images are not finite: the weights may not be, or a guidance weight is too large");
    Ok(Tensor::new([count, c, h, w], &pixels))
}

/// Writes images x (N, C, H, W) with target labels (N) of these classes, the same in every row if there are some: as a
/// picture, as IDX files if there is an `export`, and their metrics if there is an `evaluator`.
///
/// # Errors
/// If a file cannot be written, or as [`print_metrics`].
pub fn write_images(
    folder: &RunFolder,
    x: &Tensor,
    labels: &[Label],
    classes: &[String],
    columns: usize,
    export: Option<Export>,
    evaluator: Option<Evaluator>,
) -> Result<()> {
    let path = folder.file("samples.png")?;
    let names = labels.iter().take(columns).filter_map(|label| Some(classes[(*label)?].clone()));
    save_captioned_grid(&path, x, columns, &Captions::within(names, x.shape()[3]))?;
    println!("{}", path.display());
    export.map_or(Ok(()), |export| export.write(x, labels))?;
    evaluator.map_or(Ok(()), |evaluator| print_metrics(&evaluator, x, labels))
}
