//! Trains a U-Net that is conditioned on most labels, and guides it by the difference that the label makes.

use super::guidance_scales::{self, draw_grids};
use super::{target_captions, target_labels};
use crate::common::cli::{Common, MnistArgs};
use crate::common::training::TrainingRun;
use crate::step09::{
    self, Conditioning, EvaluatorFlag, Label, Sampler, UNet, draw_results, draw_samples, load_images, sampling_seconds,
};
use anyhow::Result;
use clap::Args;
use serde_json::json;
use tsukuru::Real;
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    #[command(flatten)]
    pub diffusion: step09::Flags,
    /// The guidance scale of the samples after each epoch [default: 3]
    #[arg(long, allow_negative_numbers = true)]
    pub gamma: Option<f64>,
    /// Drop the labels of all images of a batch or of none, as the book does, instead of each by itself
    #[arg(long)]
    pub book: bool,
    #[command(flatten)]
    pub evaluator: EvaluatorFlag,
}

/// The probability that a label is dropped.
const DROP: f64 = 0.1;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let gamma = guidance_scales::resolve_gamma(flags.gamma)?;
    let evaluator = flags.evaluator.load(common, mnist)?;
    let config = flags.diffusion.resolve(common, mnist, Sampler::FIFTY_STEPS)?;
    let training = &config.unet.training;
    let dataset = load_images(&training.source, training.images)?;
    let model = config.unet.build(&dataset, dataset.classes().len());
    let mut optimizer = Adam::new(model.parameters(), training.lr);
    let folder = training.folder("step10", "classifier_free_guidance")?;
    let conditioning = if flags.book { Conditioning::BatchLabelDropout } else { Conditioning::LabelDropout };
    let settings = config.settings(&dataset, conditioning);
    let mut run = TrainingRun::start(training, &folder, &dataset, settings, &model, &mut optimizer)?;

    let (size, labels, captions) = (dataset.images().size(), target_labels(&dataset), target_captions(&dataset));
    let eps = |x: &Tensor, t: usize| guided_noise(&model, x, t, &labels, gamma);
    run.sampling = json!({ "sampler": config.sampler.to_json() });
    run.sampling_seconds = sampling_seconds(&config, size, eps);
    for epoch in run.epochs() {
        for (x, labels) in run.batches(epoch) {
            let labels = drop_labels(&labels, conditioning, &mut run.rng("labels"));
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
    draw_results(&run, &folder)?;

    let eps = |x: &Tensor, t: usize, labels: &[Label], gamma: f64| guided_noise(&model, x, t, labels, gamma);
    let (diffuser, sampler) = (&config.diffuser, config.sampler);
    run.with_ema(&model, || draw_grids(common, &folder, diffuser, sampler, &dataset, evaluator.as_ref(), eps))
}

/// Replaces labels by `None` with probability 0.1, so that the model is also trained without: each by itself, or
/// those of a whole batch at once, as the book does.
pub fn drop_labels(labels: &[usize], conditioning: Conditioning, rng: &mut Rng) -> Vec<Label> {
    let mut keep = || rng.uniform() >= DROP;
    if conditioning == Conditioning::BatchLabelDropout {
        let kept = keep();
        return labels.iter().map(|&label| kept.then_some(label)).collect();
    }
    labels.iter().map(|&label| keep().then_some(label)).collect()
}

/// The noise in x (N, C, H, W), all at time t, [`guided`] towards labels (N).
pub fn guided_noise(model: &UNet, x: &Tensor, t: usize, labels: &[Label], gamma: f64) -> Tensor {
    guided(|x, labels| model.predict_noise(x, t, labels), x, labels, gamma)
}

/// y = y_uncond + gamma (y_cond - y_uncond), a prediction for x (N, C, H, W) extrapolated from the unconditional one through
/// the one with labels (N) (Ho and Salimans, 2022, equation 6, where 1 + w is gamma).
pub fn guided(predict: impl Fn(&Tensor, &[Label]) -> Tensor, x: &Tensor, labels: &[Label], gamma: f64) -> Tensor {
    // Both in one batch: every image once with its label and once without.
    let (x, n) = (Variable::new(x), labels.len());
    let twice = Variable::cat(&[&x, &x], 0);
    let y = Variable::new(predict(&twice.value(), &[labels, &vec![None; n]].concat()));
    let (cond, uncond) = (y.narrow(0, 0, n), y.narrow(0, n, n));
    let y = &uncond + gamma as Real * (cond - &uncond);
    y.value().clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step10::DIGITS;

    #[test]
    fn a_tenth_of_the_labels_is_dropped() {
        let labels: Vec<usize> = (0..1000).map(|i| i % DIGITS).collect();
        let dropped = |labels: &[Label]| labels.iter().filter(|label| label.is_none()).count();
        let of_step =
            |labels: &[usize], conditioning, step| drop_labels(labels, conditioning, &mut Rng::new(0, "labels", step));
        let once = of_step(&labels, Conditioning::LabelDropout, 0);
        assert!(once.iter().zip(&labels).all(|(kept, &label)| kept.is_none_or(|kept| kept == label)));
        assert!((70..130).contains(&dropped(&once)), "{}", dropped(&once));
        assert!(
            once != of_step(&labels, Conditioning::LabelDropout, 1)
                && once == of_step(&labels, Conditioning::LabelDropout, 0)
        );

        // The book's way: all or none.
        let batch = |step| of_step(&labels[..8], Conditioning::BatchLabelDropout, step);
        let counts: Vec<usize> = (0..1000).map(|step| dropped(&batch(step))).collect();
        assert!(counts.iter().all(|&count| count == 0 || count == 8));
        let dropped = counts.iter().filter(|&&count| count == 8).count();
        assert!((70..130).contains(&dropped), "{dropped}");
    }

    /// One batch with and without labels is the two predictions.
    #[test]
    fn guidance_extrapolates_from_the_unconditional_noise() {
        let mut rng = Rng::new(0, "init", 0);
        let model = UNet::new(1, 4, &mut rng).with_labels(DIGITS, &mut rng);
        let x = rng.normal_tensor([3, 1, 8, 8]);
        let labels = [Some(7), Some(0), Some(3)];
        let (cond, uncond) = (model.predict_noise(&x, 500, &labels), model.predict_noise(&x, 500, &[None; 3]));
        let far = |a: &Tensor, b: &Tensor| {
            a.data().iter().zip(b.data()).map(|(a, b)| f64::from(a - b).abs()).fold(0.0, f64::max)
        };
        assert!(far(&cond, &uncond) > 1e-2, "labels make a difference");
        assert!(far(&guided_noise(&model, &x, 500, &labels, 0.0), &uncond) < 1e-5);
        assert!(far(&guided_noise(&model, &x, 500, &labels, 1.0), &cond) < 1e-5);
        let expected = cond.data().iter().zip(uncond.data()).map(|(cond, uncond)| uncond + 3.0 * (cond - uncond));
        let expected = Tensor::new([3, 1, 8, 8], &expected.collect::<Vec<_>>());
        assert!(far(&guided_noise(&model, &x, 500, &labels, 3.0), &expected) < 1e-5);
    }
}
