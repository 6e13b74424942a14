//! Trains a U-Net to predict the noise in digits, then generates digits from noise.

use super::autoguidance::{Autoguidance, GUIDE};
use super::config::{self, Conditioning, load_images};
use super::draw::{SAMPLES, draw_results, draw_samples, sampling_seconds};
use super::sampler::Sampler;
use crate::common::cli::{Common, MnistArgs};
use crate::common::images::Captions;
use crate::common::training::TrainingRun;
use anyhow::Result;
use clap::Args;
use serde_json::json;
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::tensor::Tensor;

#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    #[command(flatten)]
    pub diffusion: config::Flags,
    /// Weight of autoguidance by the model of the first epoch; 1: none, as in the book [default: 1; quick: 2]
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true)]
    pub autoguidance: Option<f64>,
}

/// DDIM with all the noise of ancestral sampling, in a tenth of its steps.
const QUICK_SAMPLER: Sampler = Sampler::Ddim { steps: 100, eta: 1.0 };

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let quick = flags.diffusion.unet.training.quick;
    let config = flags.diffusion.resolve(common, mnist, if quick { QUICK_SAMPLER } else { Sampler::Ancestral })?;
    let weight = Autoguidance::resolve_weight(flags.autoguidance, if quick { 2.0 } else { 1.0 })?;
    let training = &config.unet.training;
    let dataset = load_images(&training.source, training.images)?;
    let size = dataset.images().size();
    let model = config.unet.build(&dataset, 0);
    let mut optimizer = Adam::new(model.parameters(), training.lr);
    let folder = training.folder("step09", "diffusion_model")?;
    let settings = config.settings(&dataset, Conditioning::Unconditional);
    let mut run = TrainingRun::start(training, &folder, &dataset, settings, &model, &mut optimizer)?;

    run.sampling = json!({ "sampler": config.sampler.to_json(), "autoguidance": weight });

    let eps = |x: &Tensor, t: usize| model.predict_noise(x, t, &[None; SAMPLES]);
    let networks = if weight == 1.0 { 1.0 } else { 2.0 };
    run.sampling_seconds = networks * sampling_seconds(&config, size, eps);
    for epoch in run.epochs() {
        for (x, _) in run.batches(epoch) {
            let t = config.diffuser.random_timesteps(x.shape()[0], &mut run.rng("t"));
            let noise = run.rng("noise").normal_tensor(*x.shape());
            let x_t = config.diffuser.add_noise(&x, &t, &noise);
            let loss = model.forward(&x_t.into(), &t).mse_loss(&noise.into(), Reduction::Mean);
            optimizer.zero_grad();
            loss.backward();
            optimizer.lr = run.lr();
            optimizer.step();
            run.update_ema(&model);
            run.log(&[("loss", loss.item())])?;
        }
        run.save(&model, &optimizer)?;
        if epoch == 1 {
            run.save_model(&model, GUIDE)?;
        }
        let guidance = Autoguidance::read(&folder.path().join("model.safetensors"), size, weight)?;
        let eps = |x: &Tensor, t: usize| model.predict_guided(guidance.as_ref(), x, t, &[None; SAMPLES]);
        run.with_ema(&model, || draw_samples(&config, &folder, epoch, size, &Captions::default(), eps))?;
    }
    draw_results(&run, &folder)
}
