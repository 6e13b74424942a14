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
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// Images that are generated at once.
const BATCH: usize = 100;

/// One image (1, H, W) for each target label, as x (N, 1, H, W). `eps(x, t, labels)` is the predicted noise in a batch of
/// images at time t with these target labels.
///
/// # Errors
/// If a pixel is not finite.
pub fn generate(
    common: &Common,
    diffuser: &Diffuser,
    sampler: Sampler,
    [h, w]: [usize; 2],
    labels: &[Label],
    eps: impl Fn(&Tensor, usize, &[Label]) -> Tensor,
) -> Result<Tensor> {
    let steps = labels.len().div_ceil(BATCH) * (sampler.timesteps(diffuser).len() - 1);
    let mut progress = Progress::new("sampling", steps, 0, common.quiet);
    let mut pixels = Vec::with_capacity(labels.len() * h * w);
    for (batch, labels) in labels.chunks(BATCH).enumerate() {
        let mut rng = Rng::new(common.seed, "sampling", batch as u64);
        let eps = |x: &Tensor, t: usize| diffuser.clip_noise(x, &eps(x, t, labels), t);
        let shape = [labels.len(), 1, h, w];
        let x = sampler.sample(diffuser, eps, shape, &mut rng, |_, _| progress.step(String::new));
        pixels.extend_from_slice(x.data());
    }
    progress.finish();
    let finite = pixels.iter().all(|pixel| pixel.is_finite());
    ensure!(finite, "the generated images are not finite: the weights may not be, or a guidance weight is too large");
    Ok(Tensor::new([labels.len(), 1, h, w], &pixels))
}

/// Writes images x (N, 1, H, W) with target labels (N), the same in every row if there are some: as a picture, as IDX
/// files if there is an `export`, and their metrics if there is an `evaluator`.
///
/// # Errors
/// If a file cannot be written, or as [`print_metrics`].
pub fn write_images(
    folder: &RunFolder,
    x: &Tensor,
    labels: &[Label],
    columns: usize,
    export: Option<Export>,
    evaluator: Option<Evaluator>,
) -> Result<()> {
    let path = folder.file("samples.png")?;
    let captions = Captions::above(labels.iter().take(columns).filter_map(|label| Some((*label)?.to_string())));
    save_captioned_grid(&path, x, columns, &captions)?;
    println!("{}", path.display());
    export.map_or(Ok(()), |export| export.write(x, labels))?;
    evaluator.map_or(Ok(()), |evaluator| print_metrics(&evaluator, x, labels))
}
