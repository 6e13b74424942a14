//! What the training of a U-Net draws: samples after every epoch, and the curve of the loss at its end.

use super::config::{DiffusionConfig, UNetConfig};
use crate::common::images::{Captions, grid, save_captioned_grid, save_gif};
use crate::common::progress::Progress;
use crate::common::run::RunFolder;
use crate::common::training::TrainingRun;
use anyhow::Result;
use std::time::Instant;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// Images that are generated after every epoch.
pub const SAMPLES: usize = 20;
/// Images in a row of a picture.
pub const COLUMNS: usize = 10;
/// Pictures in an animation, at most.
const FRAMES: usize = 50;

/// Generates [`SAMPLES`] images (C, H, W) from noise and writes them: as they are in the end with captions, and an animation
/// of the steps. `eps(x, t)` is the predicted noise in x (N, C, H, W) at time t.
///
/// # Errors
/// If an image is not finite, or a file cannot be written.
pub fn draw_samples(
    config: &DiffusionConfig,
    folder: &RunFolder,
    epoch: usize,
    [c, h, w]: [usize; 3],
    captions: &Captions,
    eps: impl Fn(&Tensor, usize) -> Tensor,
) -> Result<()> {
    let DiffusionConfig { unet: UNetConfig { training, .. }, diffuser, sampler } = config;
    let steps = sampler.timesteps(diffuser).len() - 1;
    let mut progress = Progress::new("sampling", steps, 0, training.quiet);
    let mut rng = Rng::new(training.seed, "sampling", epoch as u64);
    let (mut left, mut frames) = (steps, Vec::new());
    let eps = |x: &Tensor, t: usize| diffuser.clip_noise(x, &eps(x, t), t);
    let x = sampler.sample(diffuser, eps, [SAMPLES, c, h, w], &mut rng, |t, x| {
        progress.step(String::new);
        left -= 1;
        if left.is_multiple_of(steps.div_ceil(FRAMES)) {
            frames.push(grid(x, COLUMNS, &Captions::above([format!("t = {t}")])));
        }
    });
    progress.finish();
    let path = folder.file(&format!("samples/epoch_{epoch:03}.png"))?;
    save_captioned_grid(&path, &x, COLUMNS, captions)?;
    println!("{}", path.display());
    save_gif(&folder.file("denoising.gif")?, frames.into_iter().collect::<Result<Vec<_>>>()?, 80, 2500)
}

/// About how long [`draw_samples`] takes, in seconds.
pub fn sampling_seconds(
    config: &DiffusionConfig,
    [c, h, w]: [usize; 3],
    eps: impl Fn(&Tensor, usize) -> Tensor,
) -> f64 {
    let start = Instant::now();
    eps(&Tensor::zeros([SAMPLES, c, h, w]), 1);
    start.elapsed().as_secs_f64() * (config.sampler.timesteps(&config.diffuser).len() - 1) as f64
}

/// Draws the curve of the loss, and prints where everything is.
///
/// # Errors
/// If a file cannot be read or written.
pub fn draw_results(run: &TrainingRun, folder: &RunFolder) -> Result<()> {
    run.save_curves("mean squared error of the noise", &["loss"])?;
    println!("{}", folder.path().join("denoising.gif").display());
    println!("{}", folder.path().join("model.safetensors").display());
    Ok(())
}
