//! Trains a diffusion transformer in the place of the U-Net, to predict the velocity of a flow or the noise.

use super::draw::{SamplingFlags, draw_results, draw_samples};
use super::{Dit, DitSize, Model, Network, Objective, Path, Sampler, to_signed};
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Split;
use crate::common::images::size_name;
use crate::common::training::{Preset, TrainingFlags, TrainingRun};
use crate::step08::NoiseSchedule;
use crate::step09::Conditioning;
use crate::step10::{drop_labels, target_captions, target_labels};
use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::variable::Variable;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    #[command(flatten)]
    pub training: TrainingFlags,
    /// What the network predicts: the velocity of the straight path, or the noise of step 9 by the cosine schedule
    #[arg(long, value_name = "NAME", default_value = "velocity")]
    pub objective: Objective,
    /// Numbers in a token [default: 128; quick: 64]
    #[arg(long, value_name = "N")]
    pub dim: Option<usize>,
    /// Blocks [default: 6; quick: 4]
    #[arg(long, value_name = "N")]
    pub depth: Option<usize>,
    /// Heads of the attention
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub heads: usize,
    /// Pixels along the sides of a patch
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub patch: usize,
    #[command(flatten)]
    pub sampling: SamplingFlags,
}

const FULL: Preset =
    Preset { epochs: 10, batch_size: 128, lr: 1e-3, lr_decay: true, ema: 0.999, images: usize::MAX, width: 0 };
const QUICK: Preset = Preset { epochs: 10, batch_size: 32, lr: 2e-3, ema: 0.0, images: 12_000, ..FULL };

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let objective = flags.objective;
    let path = match objective {
        Objective::Velocity => &Path::Straight,
        Objective::Noise => &Path::diffusion(NoiseSchedule::Cosine),
        _ => bail!("--objective {}: expected velocity or noise", objective.name()),
    };
    let sampling = flags.sampling.resolve(common, mnist, Sampler::default_for(objective))?;
    let training = &flags.training.resolve(common, mnist, FULL, QUICK)?;
    let (dim, depth) = if training.quick { (64, 4) } else { (128, 6) };
    let (dim, depth) = (flags.dim.unwrap_or(dim), flags.depth.unwrap_or(depth));
    let dit = DitSize { dim, depth, heads: flags.heads, patch: flags.patch };
    let dataset = training.source.load(Split::Train, Some(training.images))?;
    let size @ [_, h, w] = dataset.images().size();
    println!("{} images of {}, {}", dataset.len(), size_name(size), training.source);
    dit.check([h, w])?;
    let width = common.limits.width; // in tests
    let dit = DitSize { dim: dim.min(width.max(4 * dit.heads)), depth: depth.min(width), ..dit };
    let network = Dit::new(dit, size, dataset.classes().len(), &mut Rng::new(training.seed, "init", 0));
    println!("transformer of {} blocks: {} parameters", dit.depth, network.parameter_count());
    let mut optimizer = Adam::new(network.parameters(), training.lr);
    let folder =
        training.folder("step11", if objective == Objective::Noise { "transformer_noise" } else { "transformer" })?;
    let DitSize { dim, depth, heads, patch } = dit;
    let settings = json!({
        "dim": dim, "depth": depth, "heads": heads, "patch": patch, "size": [h, w],
        "objective": objective.name(), "path": path.name(),
    });
    let mut run = TrainingRun::start(training, &folder, &dataset, settings, &network, &mut optimizer)?;

    let (labels, captions) = (&target_labels(&dataset)[..], target_captions(&dataset));
    let model = Model { network: &network, objective, path, labels, gamma: sampling.gamma };
    for epoch in run.epochs() {
        for (x, labels) in run.batches(epoch) {
            let labels = drop_labels(&labels, Conditioning::LabelDropout, &mut run.rng("labels"));
            let t = path.random_times(labels.len(), &mut run.rng("t"));
            let x_1 = Variable::new(to_signed(&x));
            let x_0 = Variable::new(run.rng("noise").normal_tensor(x_1.shape()));
            let (x_t, target) = path.sample(objective, &x_0, &x_1, &t);
            let loss = network.forward(&x_t, &t, &labels).mse_loss(&target, Reduction::Mean);
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
    run.save_curves(&format!("mean squared error of the {}", objective.name()), &["loss"])?;
    println!("{}", folder.path().join("model.safetensors").display());
    run.with_ema(&network, || draw_results(common, &folder, model, &sampling, size, &captions))
}
