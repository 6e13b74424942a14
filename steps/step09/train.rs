//! What the trainings of steps 9 and 10 share: a U-Net learns to see noise, and draws after every epoch.

use super::diffusion_model::loss;
use super::{Diffuser, Kind, Label, SamplerFlags, T, UNet};
use crate::common::cli::{Common, Mnist, TrainingFlags, capped};
use crate::common::data::{Part, Source};
use crate::common::images::{save_animation, save_grid};
use crate::common::plot::{self, BLUE, Chart};
use crate::common::progress::Progress;
use crate::common::run::RunFolder;
use crate::common::training::Training;
use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;
use std::time::Instant;
use tsukuru::data::Dataset;
use tsukuru::nn::Module;
use tsukuru::optim::Adam;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// The flags of programs that train a U-Net.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    #[command(flatten)]
    pub training: TrainingFlags,
    /// Channels of the U-Net at full resolution (64; quick: 32)
    #[arg(long, value_name = "N")]
    pub width: Option<usize>,
    /// Decay of the moving average of the weights that draws and is saved; 0: no average, as in the book [default: 0.999; quick: 0]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    pub ema: Option<f64>,
    #[command(flatten)]
    pub sampler: SamplerFlags,
}

/// The noise in images x (N, 1, H, W) at time t that are to show labels (N), by way of a model.
pub type Eps<'a> = dyn Fn(&UNet, &Tensor, usize, &[Label]) -> Tensor + 'a;

/// What one program does in its own way.
pub struct Lesson<'a> {
    /// The step and the program, for the folder of the results.
    pub place: (&'a str, &'a str),
    /// How many labels the U-Net knows; 0 in step 9.
    pub labels: usize,
    /// What it is told about the labels (B) of the batch in a step of the training.
    pub told: &'a dyn Fn(&[usize], u64) -> Vec<Label>,
    /// The name of `told`, which the file of the model remembers.
    pub name_of_told: &'a str,
    /// What the pictures after each epoch are to show.
    pub asked: Vec<Label>,
    /// The noise that drawing takes away.
    pub eps: &'a Eps<'a>,
    /// How images are drawn if no flag says it.
    pub sampler: Kind,
}

/// What a training leaves.
pub struct Trained {
    pub model: UNet,
    /// Height and width of the images.
    pub size: [usize; 2],
    pub diffuser: Diffuser,
    pub run: RunFolder,
}

/// The name of telling the label of every image.
pub const TOLD_ALL: &str = "all";
/// Eight times the book's width: a step of it would take minutes and some gigabytes.
const WIDEST: usize = 512;
/// How much of the average a step keeps, once there are 9000 of them; before, about the last ninth counts.
const EMA: f64 = 0.999;
/// Images in a row of a picture.
const COLUMNS: usize = 10;
/// Pictures in an animation.
const FRAMES: usize = 50;

impl Lesson<'_> {
    /// # Errors
    /// If a flag or the data cannot be used, and as [`Training::run`].
    pub fn train(&self, common: &Common, mnist: &Mnist, flags: &Flags) -> Result<Trained> {
        flags.training.check()?;
        let quick = flags.training.quick;
        let given = &flags.training;
        // Where the learning rate falls to zero, the weights come to rest by themselves.
        let ema = given.or(flags.ema, EMA, 0.0);
        ensure!((0.0..1.0).contains(&ema), "--ema {ema}: expected 0 to below 1");
        let width = given.or(flags.width, 64, 32);
        ensure!((1..=WIDEST).contains(&width), "--width {width}: expected 1 to {WIDEST}");
        let width = capped(width, 4);
        let epochs = capped(given.or(given.epochs, 10, 2), 2);
        let batch_size = capped(given.or(given.batch_size, 128, 32), 16);
        let lr = given.or(given.lr, 1e-3, 2e-3);
        let limit = capped(given.or(given.limit, usize::MAX, 45_000), 32);
        let diffuser = Diffuser::new(capped(T, 10));
        let sampler = flags.sampler.choose(self.sampler, &diffuser)?;

        let source = Source::find(mnist.data.as_deref())?;
        let dataset = images(&source, limit)?;
        let [h, w] = [dataset.images().rows, dataset.images().cols];
        let seed = common.seed;
        let model = self.unet(width, seed);
        let mut optimizer = Adam::new(model.parameters(), lr);
        println!("U-Net of width {width}: {} parameters", model.parameter_count());
        let steps = sampler.times(&diffuser).len() - 1;
        let (step, program) = self.place;
        let run = RunFolder::open(&common.out, step, &given.folder(program), given.resume)?;
        // Images out of noise, on their way and at its end.
        let draw = |epoch: usize| {
            let mut progress = Progress::new("sampling", steps, 0, common.quiet);
            let mut rng = Rng::new(seed, "sampling", epoch as u64);
            let (mut left, mut frames) = (steps, Vec::new());
            let eps = |x: &Tensor, t: usize| (self.eps)(&model, x, t, &self.asked);
            sampler.sample(&diffuser, eps, [self.asked.len(), 1, h, w], &mut rng, |_, x| {
                progress.step(String::new);
                left -= 1;
                if left.is_multiple_of(steps.div_ceil(FRAMES)) {
                    frames.push(x.clone());
                }
            });
            progress.finish();
            frames
        };
        // The quick form's learning rate knows how many epochs there will be.
        let falls_over = quick.then_some(epochs);
        let checksum = dataset.checksum();
        let training = Training {
            run: &run,
            epochs,
            batch_size,
            seed,
            ema,
            lr: &|done| if quick { lr * (1.0 - done) } else { lr },
            data: source.kind(),
            settings: json!({
                "width": width, "size": [h, w], "lr": lr, "falls_over": falls_over, "checksum": checksum, "labels": self.name_of_told
            }),
            resume: given.resume,
            quiet: common.quiet,
        };
        let loss_of = |model: &UNet, x: &Tensor, labels: &[usize], step| {
            loss(model, &diffuser, x, &(self.told)(labels, step), seed, step)
        };
        if !quick && !given.resume {
            let tried = self.unet(width, seed);
            let start = Instant::now();
            (self.eps)(&tried, &Tensor::zeros([self.asked.len(), 1, h, w]), 1, &self.asked);
            let sampling = start.elapsed().as_secs_f64() * steps as f64;
            training.announce(&dataset, &tried, |x, labels, step| loss_of(&tried, &x, &labels, step), sampling)?;
        }
        let mut frames = Vec::new();
        training.run(
            &dataset,
            &model,
            &mut optimizer,
            |x, labels, step| loss_of(&model, &x, &labels, step),
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
        Ok(Trained { model, size: [h, w], diffuser, run })
    }

    fn unet(&self, width: usize, seed: u64) -> UNet {
        let mut rng = Rng::new(seed, "init", 0);
        let model = UNet::new(1, width, &mut rng);
        if self.labels > 0 { model.with_labels(self.labels, &mut rng) } else { model }
    }
}

/// At most `limit` images to learn from, of a size that the U-Net can halve twice.
pub fn images(source: &Source, limit: usize) -> Result<Dataset> {
    let dataset = source.load(Part::Train, Some(limit))?;
    let [h, w] = [dataset.images().rows, dataset.images().cols];
    println!("{} images of {h} x {w}, {source}", dataset.len());
    let halves = h.is_multiple_of(4) && w.is_multiple_of(4) && h.min(w) >= 8;
    let place = source.place();
    ensure!(halves, "{place}: expected images whose sizes, 8 or more, the U-Net can halve twice, found {h} x {w}");
    Ok(dataset)
}
