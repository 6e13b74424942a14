//! The training that steps 7 and 8 share: an autoencoder on digits, its parts of the loss, and samples.

use crate::common::cli::{Common, Mnist, TrainingFlags, capped};
use crate::common::data::{Part, Source};
use crate::common::images::save_grid;
use crate::common::plot::{self, BLUE, Chart, GREEN, ORANGE};
use crate::common::run::RunFolder;
use crate::common::training::{Loss, Training};
use anyhow::Result;
use serde_json::{Value, json};
use tsukuru::nn::Module;
use tsukuru::optim::Adam;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// A model that learns to describe images by few numbers, and makes new images of new numbers.
pub trait Autoencoder: Module {
    type Loss: Loss;

    /// The loss of images x (N, 1, H, W); its noise follows from seed and step.
    fn batch_loss(&self, x: &Tensor, seed: u64, step: u64) -> Self::Loss;

    /// Images (N, H W) that nobody has drawn.
    fn generate(&self, count: usize, rng: &mut Rng) -> Tensor;
}

/// Images x (N, 1, H, W) as rows (N, H W).
pub fn flat(x: &Tensor) -> Variable {
    let n = x.shape()[0];
    x.reshape([n, x.shape().count() / n]).into()
}

/// What the book trains with, and where the results go.
pub struct Book {
    pub step: &'static str,
    /// The folder in that of the step.
    pub program: String,
    pub lr: f64,
    /// Sizes of the model, of which a resumed run must have the same.
    pub settings: Value,
}

const EPOCHS: usize = 30;
const BATCH: usize = 32;
/// Epochs and learning rate of the quick form.
const QUICK: (usize, f64) = (5, 1e-3);
/// Images that are drawn after each epoch.
const SAMPLES: usize = 64;

/// Trains what `build` makes for so many pixels.
pub fn train<M: Autoencoder>(
    common: &Common,
    mnist: &Mnist,
    flags: &TrainingFlags,
    book: &Book,
    build: impl Fn(usize, &mut Rng) -> M,
) -> Result<()> {
    flags.check()?;
    let (epochs, lr) = if flags.quick { QUICK } else { (EPOCHS, book.lr) };
    let (epochs, lr) = (capped(flags.epochs.unwrap_or(epochs), 2), flags.lr.unwrap_or(lr));
    let source = Source::find(mnist.data.as_deref())?;
    let dataset = source.load(Part::Train, Some(capped(flags.limit.unwrap_or(usize::MAX), 64)))?;
    let [h, w] = [dataset.images().rows, dataset.images().cols];
    println!("{} images of {h} x {w}, {source}", dataset.len());

    let seed = common.seed;
    let model = build(h * w, &mut Rng::new(seed, "init", 0));
    println!("{} parameters", model.parameter_count());
    let mut optimizer = Adam::new(model.parameters(), lr);
    let run = RunFolder::open(&common.out, book.step, &flags.folder(&book.program), flags.resume)?;
    let training = Training {
        run: &run,
        epochs,
        batch_size: flags.batch_size.unwrap_or(BATCH),
        seed,
        lr: &|_| lr,
        ema: 0.0,
        data: source.kind(),
        settings: json!({ "model": book.settings, "lr": lr, "checksum": dataset.checksum() }),
        resume: flags.resume,
        quiet: common.quiet,
    };
    if !flags.quick && !flags.resume {
        let tried = build(h * w, &mut Rng::new(seed, "init", 0));
        training.announce(&dataset, &tried, |x, _, step| tried.batch_loss(&x, seed, step), 0.0)?;
    }
    training.run(
        &dataset,
        &model,
        &mut optimizer,
        |x, _, step| model.batch_loss(&x, seed, step),
        |epoch| {
            let drawn = model.generate(SAMPLES, &mut Rng::new(seed, "sampling", epoch as u64));
            let path = run.file(&format!("samples/epoch_{epoch:03}.png"))?;
            save_grid(&path, &drawn.reshape([SAMPLES, 1, h, w]), 8)
        },
    )?;

    let colors = [BLUE, ORANGE, GREEN];
    let title = "Training, mean over a twentieth of an epoch";
    let names = ["loss"].iter().chain(M::Loss::PARTS);
    let mut chart = Chart::new(title, "epoch", "squared error, or nats").log_y();
    for (name, color) in names.zip(colors) {
        chart = chart.line(name, color, training.curve_of(&dataset, name)?);
    }
    let path = run.file("loss.svg")?;
    plot::save(&path, &[chart.into()])?;
    println!("{}", path.display());
    println!("{}", run.path().join("samples").display());
    println!("{}", run.path().join("model.safetensors").display());
    Ok(())
}
