//! Trains the same network to predict different things, on the same images and with the same noise, and compares what the
//! networks generate with few evaluations.

use super::comparison::{Variant, compare};
use super::{Network, Objective, Path, to_signed};
use crate::common::cli::{Common, MnistArgs};
use crate::common::training::{Preset, TrainingFlags, TrainingRun};
use crate::step06::{self, Evaluator, SIDE};
use crate::step09::{EvaluatorFlag, Label, MAX_WIDTH, UNet, load_images};
use crate::step10::DIGITS;
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;
use tsukuru::Real;
use tsukuru::nn::Module;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    #[command(flatten)]
    pub training: TrainingFlags,
    /// Channels of each U-Net at full resolution [default: 32; quick: 16]
    #[arg(long, value_name = "N")]
    pub width: Option<usize>,
    #[command(flatten)]
    pub evaluator: EvaluatorFlag,
}

const FULL: Preset =
    Preset { epochs: 5, batch_size: 64, lr: 2e-3, lr_decay: true, ema: 0.0, images: usize::MAX, width: 32 };
const QUICK: Preset = Preset { epochs: 4, batch_size: 16, images: 6000, width: 16, ..FULL };

/// What is compared: a name, what the network predicts, the path, and whether errors are weighted by min-SNR.
const VARIANTS: [(&str, Objective, &str, bool); 7] = [
    ("noise_linear", Objective::Noise, "linear", false),
    ("noise_cosine", Objective::Noise, "cosine", false),
    ("noise_min_snr", Objective::Noise, "cosine", true),
    ("data_cosine", Objective::Data, "cosine", false),
    ("v_cosine", Objective::V, "cosine", false),
    ("v_min_snr", Objective::V, "cosine", true),
    ("velocity", Objective::Velocity, "straight", false),
];
/// gamma of Hang et al. (2023).
const SNR_GAMMA: f64 = 5.0;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    if let Some(width) = flags.width {
        ensure!((1..=MAX_WIDTH).contains(&width), "--width {width}: expected 1 to {MAX_WIDTH}");
    }
    let evaluator = evaluator(common, mnist, flags)?;
    let [full, quick] = [FULL, QUICK].map(|preset| Preset { width: flags.width.unwrap_or(preset.width), ..preset });
    let training = flags.training.resolve(common, mnist, full, quick)?;
    let dataset = load_images(&training.source, training.images)?;
    // Every network begins with the same weights.
    let network = |_| {
        let rng = &mut Rng::new(training.seed, "init", 0);
        UNet::new(1, training.width, rng).with_labels(DIGITS, rng)
    };
    let networks = Vec::from_iter(VARIANTS.iter().map(network));
    println!("{} U-Nets of width {}: {} parameters", VARIANTS.len(), training.width, networks.parameter_count());
    let paths = VARIANTS.map(|(_, _, path, _)| Path::from_name(path).expect("a path"));
    let mut optimizer = Adam::new(networks.parameters(), training.lr);
    let folder = training.folder("step11", "objectives")?;
    let settings =
        json!({ "width": training.width, "size": [SIDE, SIDE], "variants": VARIANTS.map(|variant| variant.0) });
    let mut run = TrainingRun::start(&training, &folder, &dataset, settings, &networks, &mut optimizer)?;

    for epoch in run.epochs() {
        for (x, labels) in run.batches(epoch) {
            let labels: Vec<Label> = labels.into_iter().map(Some).collect();
            let x_1 = Variable::new(to_signed(&x));
            let x_0 = Variable::new(run.rng("noise").normal_tensor(x_1.shape()));
            let mut losses = vec![];
            // No network shares a weight with another, so each gets the gradient of its own loss.
            optimizer.zero_grad();
            for ((network, path), (_, objective, _, min_snr)) in networks.iter().zip(&paths).zip(VARIANTS) {
                let t = path.random_times(labels.len(), &mut run.rng("t"));
                let (x_t, target) = path.sample(objective, &x_0, &x_1, &t);
                let error = (Network::forward(network, &x_t, &t, &labels) - target).square().mean([1, 2, 3]);
                let weight =
                    |t: &f64| if min_snr { objective.min_snr_weight(path.alpha_sigma(*t), SNR_GAMMA) } else { 1.0 };
                let weights = Vec::from_iter(t.iter().map(|t| weight(t) as Real));
                let loss = (error * Variable::new(Tensor::new([t.len()], &weights))).mean(..);
                loss.backward();
                losses.push(loss.item());
            }
            optimizer.lr = run.lr();
            optimizer.step();
            let mut columns = vec![("loss", losses.iter().sum())];
            columns.extend(VARIANTS.iter().zip(losses).map(|(variant, loss)| (variant.0, loss)));
            run.log(&columns)?;
        }
        run.save(&networks, &optimizer)?;
    }
    let variants = networks.iter().zip(&paths).zip(VARIANTS);
    let variants = variants.map(|((network, path), (name, objective, ..))| Variant { name, network, objective, path });
    compare(common, &folder, &Vec::from_iter(variants), &evaluator)
}

/// The classifier of step 6 on this data set; where there is none, it is trained first.
fn evaluator(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<Evaluator> {
    if let Some(evaluator) = flags.evaluator.load(common, mnist)? {
        return Ok(evaluator);
    }
    let command = common.command.with_program("classifier --quick");
    step06::classifier::run(&Common { command, ..common.clone() }, mnist, &TrainingFlags::quick())?;
    flags.evaluator.load(common, mnist)?.context("the classifier of step 6 does not fit these images")
}
