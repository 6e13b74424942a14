//! Trains the hierarchical autoencoder of the book, and generates digits with it.

use super::Hvae;
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Split;
use crate::common::images::{save_grid, size_name};
use crate::common::training::{Preset, TrainingFlags, TrainingRun};
use crate::step07::flatten;
use crate::step07::vae::LATENT;
use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;
use tsukuru::Real;
use tsukuru::nn::Module;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;

const FULL: Preset =
    Preset { epochs: 30, batch_size: 32, lr: 1e-3, lr_decay: false, ema: 0.0, images: usize::MAX, width: 100 };
const QUICK: Preset = Preset { epochs: 5, ..FULL };
/// Images that are generated after each epoch.
const SAMPLES: usize = 64;

#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    #[command(flatten)]
    pub training: TrainingFlags,
    /// Free bits: so many nats of kl2 cost nothing, against posterior collapse
    #[arg(long, value_name = "NATS", default_value_t = 0.0)]
    pub free_nats: f64,
}

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let free_nats = flags.free_nats;
    ensure!((0.0..=100.0).contains(&free_nats), "--free-nats {free_nats}: expected 0 to 100");
    let config = flags.training.resolve(common, mnist, FULL, QUICK)?;
    let dataset = config.source.load(Split::Train, Some(config.images))?;
    let size @ [c, h, w] = dataset.images().size();
    println!("{} images of {}, {}", dataset.len(), size_name(size), config.source);

    let model = Hvae::new(c * h * w, config.width, LATENT, &mut Rng::new(config.seed, "init", 0));
    println!("{} parameters", model.parameter_count());
    let mut optimizer = Adam::new(model.parameters(), config.lr);
    let settings = json!({ "model": { "latent": LATENT, "hidden": config.width }, "free_nats": free_nats });
    let folder = config.folder("step08", "hvae")?;
    let mut run = TrainingRun::start(&config, &folder, &dataset, settings, &model, &mut optimizer)?;

    for epoch in run.epochs() {
        for (x, _) in run.batches(epoch) {
            let x = flatten(&x); // (B, C H W)
            let mut rng = run.rng("noise");
            let [eps1, eps2] = [0; 2].map(|_| rng.normal_tensor([x.shape()[0], LATENT]).into());
            let loss = model.loss(&x, &eps1, &eps2, free_nats as Real);
            optimizer.zero_grad();
            loss.total.backward();
            optimizer.step();
            let (total, reconstruction) = (loss.total.item(), loss.reconstruction);
            run.log(&[("loss", total), ("reconstruction", reconstruction), ("kl1", loss.kl1), ("kl2", loss.kl2)])?;
        }
        run.save(&model, &optimizer)?;

        let x = model.generate(SAMPLES, &mut Rng::new(config.seed, "sampling", epoch as u64));
        save_grid(&folder.file(&format!("samples/epoch_{epoch:03}.png"))?, &x.reshape([SAMPLES, c, h, w]), 8)?;
    }

    run.save_curves("squared error, or nats", &["loss", "reconstruction", "kl1", "kl2"])?;
    println!("{}", folder.path().join("samples").display());
    println!("{}", folder.path().join("model.safetensors").display());
    Ok(())
}
