//! Trains the variational autoencoder of the book, and generates digits with it.

use super::model::{Vae, flatten};
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Split;
use crate::common::images::{save_grid, size_name};
use crate::common::training::{Preset, TrainingFlags, TrainingRun};
use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;
use tsukuru::mode::no_grad;
use tsukuru::nn::Module;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    #[command(flatten)]
    pub training: TrainingFlags,
    /// Size of the latent variable
    #[arg(long, value_name = "N", default_value_t = LATENT)]
    pub latent: usize,
    /// Width of the hidden layers
    #[arg(long, value_name = "N", default_value_t = HIDDEN)]
    pub hidden: usize,
}

pub const LATENT: usize = 20;
pub const HIDDEN: usize = 200;
const FULL: Preset =
    Preset { epochs: 30, batch_size: 32, lr: 3e-4, lr_decay: false, ema: 0.0, images: usize::MAX, width: HIDDEN };
const QUICK: Preset = Preset { epochs: 5, lr: 1e-3, ..FULL };
/// Twenty times the book's width.
const MAX_WIDTH: usize = 4000;
/// Images that are generated after each epoch.
const SAMPLES: usize = 64;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let &Flags { latent, hidden, ref training } = flags;
    ensure!((1..=MAX_WIDTH).contains(&latent), "--latent {latent}: expected 1 to {MAX_WIDTH}");
    ensure!((1..=MAX_WIDTH).contains(&hidden), "--hidden {hidden}: expected 1 to {MAX_WIDTH}");
    let [full, quick] = [FULL, QUICK].map(|preset| Preset { width: hidden, ..preset });
    let config = training.resolve(common, mnist, full, quick)?;
    let dataset = config.source.load(Split::Train, Some(config.images))?;
    let size @ [c, h, w] = dataset.images().size();
    println!("{} images of {}, {}", dataset.len(), size_name(size), config.source);

    let model = Vae::new(c * h * w, config.width, latent, &mut Rng::new(config.seed, "init", 0));
    println!("{} parameters", model.parameter_count());
    let mut optimizer = Adam::new(model.parameters(), config.lr);
    let settings = json!({ "model": { "latent": latent, "hidden": config.width } });
    let folder = config.folder("step07", &folder(latent))?;
    let mut run = TrainingRun::start(&config, &folder, &dataset, settings, &model, &mut optimizer)?;

    for epoch in run.epochs() {
        for (x, _) in run.batches(epoch) {
            let x = flatten(&x); // (B, C H W)
            let eps = run.rng("noise").normal_tensor([x.shape()[0], latent]);
            let loss = model.loss(&x, &eps.into());
            optimizer.zero_grad();
            loss.total.backward();
            optimizer.step();
            run.log(&[("loss", loss.total.item()), ("reconstruction", loss.reconstruction), ("kl", loss.kl)])?;
        }
        run.save(&model, &optimizer)?;

        let z = Rng::new(config.seed, "sampling", epoch as u64).normal_tensor([SAMPLES, latent]);
        let x = no_grad(|| model.decode(&z.into())).reshape([SAMPLES, c, h, w]);
        save_grid(&folder.file(&format!("samples/epoch_{epoch:03}.png"))?, &x.value(), 8)?;
    }

    run.save_curves("squared error, or nats", &["loss", "reconstruction", "kl"])?;
    println!("{}", folder.path().join("samples").display());
    println!("{}", folder.path().join("model.safetensors").display());
    Ok(())
}

/// Where a training with a latent variable of that size goes.
pub fn folder(latent: usize) -> String {
    if latent == LATENT { "vae".into() } else { format!("vae_latent{latent}") }
}
