//! Trains the U-Net of step 9 to predict the velocity of a flow from noise to digits.

use super::draw::{SamplingFlags, draw_results, draw_samples};
use super::{Model, Network, Objective, Path, Sampler, to_signed};
use crate::common::cli::{Common, MnistArgs};
use crate::common::training::TrainingRun;
use crate::step09::{Conditioning, UNetFlags, load_images};
use crate::step10::{drop_labels, target_captions, target_labels};
use anyhow::Result;
use clap::Args;
use serde_json::json;
use tsukuru::Real;
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    #[command(flatten)]
    pub unet: UNetFlags,
    #[command(flatten)]
    pub sampling: SamplingFlags,
}

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let sampling = flags.sampling.resolve(common, mnist, Sampler::default_for(Objective::Velocity))?;
    let config = flags.unet.resolve(common, mnist)?;
    let training = &config.training;
    let dataset = load_images(&training.source, training.images)?;
    let network = config.build(&dataset, dataset.classes().len());
    let mut optimizer = Adam::new(network.parameters(), training.lr);
    let folder = training.folder("step11", "flow")?;
    let mut settings = config.settings(&dataset, Conditioning::LabelDropout);
    settings["objective"] = json!(Objective::Velocity.name());
    let mut run = TrainingRun::start(training, &folder, &dataset, settings, &network, &mut optimizer)?;

    let (size, captions) = (dataset.images().size(), target_captions(&dataset));
    let (objective, path, labels) = (Objective::Velocity, &Path::Straight, &target_labels(&dataset)[..]);
    let model = Model { network: &network, objective, path, labels, gamma: sampling.gamma };
    for epoch in run.epochs() {
        for (x, labels) in run.batches(epoch) {
            let labels = drop_labels(&labels, Conditioning::LabelDropout, &mut run.rng("labels"));
            let t = path.random_times(labels.len(), &mut run.rng("t"));
            // On the straight line x_t = (1 - t) x_0 + t x_1 from noise to an image, the velocity is x_1 - x_0.
            let x_1 = Variable::new(to_signed(&x));
            let x_0 = Variable::new(run.rng("noise").normal_tensor(x_1.shape()));
            let weight = Variable::new(Tensor::from_fn([t.len(), 1, 1, 1], |i| t[i] as Real));
            let x_t = (1.0 - &weight) * &x_0 + &weight * &x_1;
            let velocity = x_1 - x_0;
            let loss = Network::forward(&network, &x_t, &t, &labels).mse_loss(&velocity, Reduction::Mean);
            optimizer.zero_grad();
            loss.backward();
            optimizer.lr = run.lr();
            optimizer.step();
            run.update_ema(&network);
            run.log(&[("loss", loss.item())])?;
        }
        run.save(&network, &optimizer)?;
        run.with_ema(&network, || draw_samples(training.seed, &folder, epoch, model, &sampling, size, &captions))?;
    }
    run.save_curves("mean squared error of the velocity", &["loss"])?;
    println!("{}", folder.path().join("model.safetensors").display());
    run.with_ema(&network, || draw_results(common, &folder, model, &sampling, size, &captions))
}
