//! Trains a U-Net that is conditioned on the label of every image.

use super::{target_captions, target_labels};
use crate::common::cli::{Common, MnistArgs};
use crate::common::training::TrainingRun;
use crate::step09::{Conditioning, Flags, Sampler, draw_results, draw_samples, load_images, sampling_seconds};
use anyhow::Result;
use serde_json::json;
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::tensor::Tensor;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let config = flags.resolve(common, mnist, Sampler::FIFTY_STEPS)?;
    let training = &config.unet.training;
    let dataset = load_images(&training.source, training.images)?;
    let model = config.unet.build(&dataset, dataset.classes().len());
    let mut optimizer = Adam::new(model.parameters(), training.lr);
    let folder = training.folder("step10", "conditional")?;
    let settings = config.settings(&dataset, Conditioning::Conditional);
    let mut run = TrainingRun::start(training, &folder, &dataset, settings, &model, &mut optimizer)?;

    let (size, labels, captions) = (dataset.images().size(), target_labels(&dataset), target_captions(&dataset));
    let eps = |x: &Tensor, t: usize| model.predict_noise(x, t, &labels);
    run.sampling = json!({ "sampler": config.sampler.to_json() });
    run.sampling_seconds = sampling_seconds(&config, size, eps);
    for epoch in run.epochs() {
        for (x, labels) in run.batches(epoch) {
            let labels: Vec<_> = labels.into_iter().map(Some).collect();
            let t = config.diffuser.random_timesteps(x.shape()[0], &mut run.rng("t"));
            let noise = run.rng("noise").normal_tensor(*x.shape());
            let x_t = config.diffuser.add_noise(&x, &t, &noise);
            let loss = model.forward_conditioned(&x_t.into(), &t, &labels).mse_loss(&noise.into(), Reduction::Mean);
            optimizer.zero_grad();
            loss.backward();
            optimizer.lr = run.lr();
            optimizer.step();
            run.update_ema(&model);
            run.log(&[("loss", loss.item())])?;
        }
        run.save(&model, &optimizer)?;
        run.with_ema(&model, || draw_samples(&config, &folder, epoch, size, &captions, eps))?;
    }
    draw_results(&run, &folder)
}
