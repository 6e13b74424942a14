//! Trains the U-Net of step 9 on dequantised digits, to predict the noise of a diffusion model or the velocity of a flow.

use super::{NetworkDenoiser, dequantize, generate};
use crate::common::cli::{Common, MnistArgs};
use crate::common::images::save_grid;
use crate::common::training::TrainingRun;
use crate::step09::{Conditioning, UNetFlags, load_images};
use crate::step11::{Network, Objective, Path, from_signed, to_signed};
use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use tsukuru::mode::eval_mode;
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::variable::Variable;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    #[command(flatten)]
    pub unet: UNetFlags,
    /// What the network predicts: the velocity of the straight path, or the noise, on the path of a cosine schedule
    #[arg(long, value_name = "NAME", default_value = "velocity")]
    pub objective: Objective,
}

/// Images of a picture, and steps of Heun's method for them.
const SAMPLES: usize = 20;
const STEPS: usize = 20;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let objective = flags.objective;
    let path = &match objective {
        Objective::Velocity => Path::Straight,
        Objective::Noise => Path::Trigonometric,
        _ => bail!("--objective {}: expected velocity or noise", objective.name()),
    };
    let config = flags.unet.resolve(common, mnist)?;
    let training = &config.training;
    let dataset = load_images(&training.source, training.images)?;
    let network = config.build(&dataset, 0);
    let mut optimizer = Adam::new(network.parameters(), training.lr);
    let folder = training.folder("step12", folder(objective))?;
    let mut settings = config.settings(&dataset, Conditioning::Unconditional);
    settings["objective"] = json!(objective.name());
    settings["path"] = json!(path.name());
    let mut run = TrainingRun::start(training, &folder, &dataset, settings, &network, &mut optimizer)?;

    let [c, h, w] = dataset.images().size();
    for epoch in run.epochs() {
        for (x, labels) in run.batches(epoch) {
            let x_1 = Variable::new(to_signed(&dequantize(&x, &mut run.rng("dequantize"))));
            let x_0 = Variable::new(run.rng("noise").normal_tensor(x_1.shape()));
            let t = path.random_times(labels.len(), &mut run.rng("t"));
            let (x_t, target) = path.sample(objective, &x_0, &x_1, &t);
            let y = Network::forward(&network, &x_t, &t, &vec![None; labels.len()]);
            let loss = y.mse_loss(&target, Reduction::Mean);
            optimizer.zero_grad();
            loss.backward();
            optimizer.lr = run.lr();
            optimizer.step();
            run.update_ema(&network);
            run.log(&[("loss", loss.item())])?;
        }
        run.save(&network, &optimizer)?;
        let noise = Rng::new(training.seed, "sampling", epoch as u64).normal_tensor([SAMPLES, c, h, w]);
        let model = NetworkDenoiser { network: &network, objective, path };
        let steps = STEPS.min(common.limits.sample_steps);
        let x = run.with_ema(&network, || eval_mode(|| generate(&model, &noise, steps, || ())));
        save_grid(&folder.file(&format!("samples/epoch_{epoch:03}.png"))?, &from_signed(&x), 10)?;
    }
    run.save_curves(&format!("mean squared error of the {}", objective.name()), &["loss"])?;
    println!("{}", folder.path().join("model.safetensors").display());
    Ok(())
}

/// Where a training with this objective goes.
pub fn folder(objective: Objective) -> &'static str {
    if objective == Objective::Noise { "diffusion" } else { "flow" }
}
