//! Trains a U-Net to predict the noise in digits, then generates digits from noise.

use super::config::{Conditioning, Flags, load_images, size};
use super::draw::{SAMPLES, draw_results, draw_samples, sampling_seconds};
use super::sampler::SamplerKind;
use super::unet::UNet;
use crate::common::cli::{Common, MnistArgs};
use crate::common::training::TrainingRun;
use anyhow::Result;
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let config = flags.resolve(common, mnist, SamplerKind::Ancestral)?;
    let training = &config.training;
    let dataset = load_images(&training.source, training.images)?;
    let model = UNet::new(1, training.width, &mut Rng::new(training.seed, "init", 0));
    println!("U-Net of width {}: {} parameters", training.width, model.parameter_count());
    let mut optimizer = Adam::new(model.parameters(), training.lr);
    let folder = training.folder("step09", "diffusion_model")?;
    let settings = config.settings(&dataset, Conditioning::Unconditional);
    let mut run = TrainingRun::start(training, &folder, &dataset, settings, &model, &mut optimizer)?;

    let eps = |x: &Tensor, t: usize| model.predict_noise(x, t, &[None; SAMPLES]);
    run.sampling_seconds = sampling_seconds(&config, size(&dataset), eps);
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
        run.with_ema(&model, || draw_samples(&config, &folder, epoch, size(&dataset), eps))?;
    }
    draw_results(&run, &folder)
}
