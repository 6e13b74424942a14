//! Trains a U-Net to see the noise in digits, then draws digits out of noise.

use super::{Diffuser, T, UNet};
use crate::common::cli::{Common, Mnist, TrainingFlags, capped};
use crate::common::data::{Part, Source};
use crate::common::images::{save_animation, save_grid};
use crate::common::plot::{self, BLUE, Chart};
use crate::common::progress::{Progress, duration};
use crate::common::run::RunFolder;
use crate::common::training::Training;
use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;
use std::time::Instant;
use tsukuru::data::Dataset;
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::shape::Shape;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    #[command(flatten)]
    pub training: TrainingFlags,
    /// Channels of the U-Net at full resolution (64; quick: 32)
    #[arg(long, value_name = "N")]
    pub width: Option<usize>,
    /// Decay of the moving average of the weights that draws and is saved; 0: no average, as in the book
    #[arg(long, value_name = "DECAY", default_value_t = EMA, allow_negative_numbers = true)]
    pub ema: f64,
}

/// About the last thousand steps count, once there are several thousand.
pub const EMA: f64 = 0.999;
/// Eight times the book's width: a step of it would take minutes and some gigabytes.
const WIDEST: usize = 512;
/// How many digits are drawn after each epoch.
const SAMPLES: usize = 20;
/// Of them in a row of the picture.
const COLUMNS: usize = 10;

pub fn run(common: &Common, mnist: &Mnist, flags: &Flags) -> Result<()> {
    flags.training.check()?;
    let given = flags.width.unwrap_or(1);
    ensure!((1..=WIDEST).contains(&given), "--width {given}: expected 1 to {WIDEST}");
    ensure!((0.0..1.0).contains(&flags.ema), "--ema {}: expected 0 to below 1", flags.ema);
    let quick = flags.training.quick;
    let or = |given: Option<usize>, long: usize, short: usize| given.unwrap_or(if quick { short } else { long });
    let width = capped(or(flags.width, 64, 32), 4);
    let epochs = capped(or(flags.training.epochs, 10, 2), 2);
    let batch_size = capped(or(flags.training.batch_size, 128, 32), 16);
    let lr = flags.training.lr.unwrap_or(if quick { 2e-3 } else { 1e-3 });
    let limit = capped(or(flags.training.limit, usize::MAX, 45_000), 32);

    let source = Source::find(mnist.data.as_deref())?;
    let dataset = source.load(Part::Train, Some(limit))?;
    let [h, w] = [dataset.images().rows, dataset.images().cols];
    println!("{} images of {h} x {w}, {source}", dataset.len());
    let halves = h.is_multiple_of(4) && w.is_multiple_of(4) && h.min(w) >= 8;
    let place = source.place();
    ensure!(halves, "{place}: expected images whose sizes, 8 or more, the U-Net can halve twice, found {h} x {w}");

    let seed = common.seed;
    let model = UNet::new(1, width, &mut Rng::new(seed, "init", 0));
    let mut optimizer = Adam::new(model.parameters(), lr);
    let diffuser = Diffuser::new(capped(T, 10));
    println!("U-Net of width {width}: {} parameters", model.parameter_count());
    if !quick && !flags.training.resume {
        announce(&diffuser, &dataset, width, batch_size, epochs)?;
    }

    let program = if quick { "diffusion_model_quick" } else { "diffusion_model" };
    let run = RunFolder::open(&common.out, "step09", program, flags.training.resume)?;
    // Images out of noise, fifty times on their way and at its end.
    let draw = |epoch: usize| {
        let mut progress = Progress::new("sampling", diffuser.steps(), 0, common.quiet);
        let mut rng = Rng::new(seed, "sampling", epoch as u64);
        let mut frames = Vec::new();
        diffuser.sample(&model, [SAMPLES, 1, h, w], &mut rng, |t, x| {
            progress.step(String::new);
            if t.is_multiple_of(diffuser.steps().div_ceil(50)) {
                frames.push(x.clone());
            }
        });
        progress.finish();
        frames
    };
    // The quick form's learning rate knows how many epochs there will be.
    let falls_over = quick.then_some(epochs);
    let training = Training {
        run: &run,
        epochs,
        batch_size,
        seed,
        ema: flags.ema,
        lr: &|done| if quick { lr * (1.0 - done) } else { lr },
        settings: json!({ "width": width, "lr": lr, "falls_over": falls_over, "checksum": dataset.checksum() }),
        resume: flags.training.resume,
        quiet: common.quiet,
    };
    let mut frames = Vec::new();
    training.run(
        &dataset,
        &model,
        &mut optimizer,
        |x, _, step| loss(&model, &diffuser, &x, seed, step),
        |epoch| {
            frames = draw(epoch);
            let path = run.file(&format!("samples/epoch_{epoch:03}.png"))?;
            save_grid(&path, frames.last().expect("the last step is a frame"), COLUMNS)?;
            println!("{}", path.display());
            Ok(())
        },
    )?;

    let curve = training.curve(&dataset)?;
    if !curve.is_empty() {
        let path = run.file("loss.svg")?;
        let title = "Training of the diffusion model, mean over a twentieth of an epoch";
        let chart = Chart::new(title, "epoch", "mean squared error of the noise").log_y().line("", BLUE, curve);
        plot::save(&path, &[chart.into()])?;
        println!("{}", path.display());
    }
    if !frames.is_empty() {
        let path = run.file("denoising.gif")?;
        save_animation(&path, &frames, COLUMNS)?;
        println!("{}", path.display());
    }
    println!("{}", run.path().join("model.safetensors").display());
    Ok(())
}

/// How far the model's guess is from the noise that was added (Ho et al., equation 14): images x_0 (N, 1, H, W) at
/// random times.
pub fn loss(model: &UNet, diffuser: &Diffuser, x_0: &Tensor, seed: u64, step: u64) -> Variable {
    let (t, noise) = random_noise(diffuser, x_0.shape(), seed, step);
    let x_t = diffuser.add_noise(x_0, &t, &noise);
    model.forward(&x_t.into(), &t).mse_loss(&noise.into(), Reduction::Mean)
}

/// For each image of shape (N, C, H, W) a time t (N) from 1 to T, all equally likely, and noise of that shape.
fn random_noise(diffuser: &Diffuser, shape: &Shape, seed: u64, step: u64) -> (Vec<usize>, Tensor) {
    let mut rng = Rng::new(seed, "t", step);
    let t = (0..shape[0]).map(|_| 1 + rng.below(diffuser.steps())).collect();
    (t, Rng::new(seed, "noise", step).normal_tensor(*shape))
}

/// Times a few steps of a model that is thrown away, and says how long the training will take.
fn announce(diffuser: &Diffuser, dataset: &Dataset, width: usize, batch_size: usize, epochs: usize) -> Result<()> {
    let model = UNet::new(1, width, &mut Rng::new(0, "init", 0));
    let mut optimizer = Adam::new(model.parameters(), 1e-3);
    let mut seconds = f64::INFINITY;
    for (step, (x, _)) in dataset.batches(batch_size, None)?.take(3).enumerate() {
        let start = Instant::now();
        loss(&model, diffuser, &x, 0, step as u64).backward();
        optimizer.step();
        optimizer.clear_grads();
        seconds = seconds.min(start.elapsed().as_secs_f64());
    }
    let start = Instant::now();
    diffuser.denoise(&model, &Tensor::zeros([SAMPLES, 1, 28, 28]), 1, &mut Rng::new(0, "sampling", 0));
    let sampling = start.elapsed().as_secs_f64() * diffuser.steps() as f64;
    let steps = dataset.len().div_ceil(batch_size);
    let total = epochs as f64 * (steps as f64 * seconds + sampling);
    println!("{epochs} epochs of {steps} steps, {seconds:.2} s each, and samples: about {}", duration(total));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_run_from_1_to_t() {
        let (t, _) = random_noise(&Diffuser::new(10), &Shape::new(&[1000, 1, 1, 1]), 0, 0);
        let count = |time: usize| t.iter().filter(|&&t| t == time).count();
        assert!((1..=10).all(|time| count(time) > 50), "{:?}", (0..=11).map(count).collect::<Vec<_>>());
        assert_eq!((1..=10).map(count).sum::<usize>(), 1000);
    }

    #[test]
    fn times_and_noise_follow_from_seed_and_step() {
        let draw = |seed, step| random_noise(&Diffuser::new(T), &Shape::new(&[8, 1, 2, 2]), seed, step);
        assert_eq!(draw(0, 3), draw(0, 3));
        for (t, noise) in [draw(0, 4), draw(1, 3)] {
            assert!(t != draw(0, 3).0 && noise != draw(0, 3).1);
        }
    }
}
