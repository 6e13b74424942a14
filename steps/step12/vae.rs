//! Trains variational autoencoders whose likelihood can be compared with that of others: with one level of latent variables, or
//! with more.

use super::{Vae, bits_per_dim, dequantize, log_weight};
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Split;
use crate::common::training::{Preset, TrainingFlags, TrainingRun};
use crate::step07::{flatten, vae::LATENT};
use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;
use tsukuru::Real;
use tsukuru::nn::Module;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    #[command(flatten)]
    pub training: TrainingFlags,
    /// Levels of latent variables: 1, as in step 7, or more; 2 are the model of step 8
    #[arg(long, value_name = "L", default_value_t = 1)]
    pub levels: usize,
}

const FULL: Preset =
    Preset { epochs: 30, batch_size: 64, lr: 1e-3, lr_decay: true, ema: 0.0, images: usize::MAX, width: 400 };
const QUICK: Preset = Preset { epochs: 10, images: 12_000, width: 200, ..FULL };
const MAX_LEVELS: usize = 10;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let levels = flags.levels;
    ensure!((1..=MAX_LEVELS).contains(&levels), "--levels {levels}: expected 1 to {MAX_LEVELS}");
    let config = flags.training.resolve(common, mnist, FULL, QUICK)?;
    let dataset = config.source.load(Split::Train, Some(config.images))?;
    let location = config.source.location();
    ensure!(dataset.len() > 1, "{location}: expected at least 2 images, as pixels need a variance, found 1");
    println!("{} images, {}", dataset.len(), config.source);
    let all = dequantize(&dataset.all().0, &mut Rng::new(config.seed, "dequantize", 0));
    let model = Vae::new(&flatten(&all), levels, config.width, LATENT, &mut Rng::new(config.seed, "init", 0));
    println!("{} parameters", model.parameter_count());
    let mut optimizer = Adam::new(model.parameters(), config.lr);
    let settings = json!({ "levels": levels, "hidden": config.width });
    let folder = config.folder("step12", &folder(levels))?;
    let mut run = TrainingRun::start(&config, &folder, &dataset, settings, &model, &mut optimizer)?;

    for epoch in run.epochs() {
        for (x, _) in run.batches(epoch) {
            let x = flatten(&dequantize(&x, &mut run.rng("dequantize"))); // (B, D)
            // The negative ELBO in nats, by one draw of the latent variables of each image.
            let loss = -log_weight(&model, &x, &mut run.rng("noise")).mean(..);
            optimizer.zero_grad();
            loss.backward();
            optimizer.lr = run.lr();
            optimizer.step();
            let bits = bits_per_dim(-f64::from(loss.item()), x.shape()[1]) as Real;
            run.log(&[("loss", loss.item()), ("bits_per_dim", bits)])?;
        }
        run.save(&model, &optimizer)?;
    }
    run.save_curves("bits per dimension", &["bits_per_dim"])?;
    println!("{}", folder.path().join("model.safetensors").display());
    Ok(())
}

/// Where a training with so many levels goes.
pub fn folder(levels: usize) -> String {
    if levels == 1 { "vae".into() } else { format!("vae_levels{levels}") }
}
