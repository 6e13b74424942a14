//! Trains a classifier of noisy digits, and guides an unconditional model with it.

use super::guidance_scales::draw_grids;
use super::{NoisyClassifier, find_model};
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Split;
use crate::common::images::size_name;
use crate::common::training::{Preset, TrainingFlags, TrainingRun};
use crate::step06::{accuracy, argmax};
use crate::step09::{
    Diffuser, EvaluatorFlag, Label, Sampler, SamplerFlags, TrainedUNet, load_images, read_unconditional,
};
use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use tsukuru::Real;
use tsukuru::data::Dataset;
use tsukuru::mode::{eval_mode, no_grad};
use tsukuru::nn::Module;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    #[command(flatten)]
    pub training: TrainingFlags,
    /// The model to guide; by default one of classifier_free_guidance, used without labels, or of step 9
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub sampler: SamplerFlags,
    #[command(flatten)]
    pub evaluator: EvaluatorFlag,
}

const FULL: Preset =
    Preset { epochs: 5, batch_size: 128, lr: 2e-3, lr_decay: true, ema: 0.0, images: usize::MAX, width: 32 };
const QUICK: Preset = Preset { epochs: 2, batch_size: 64, images: 45_000, ..FULL };
/// Test images for the accuracy.
const TEST: usize = 1000;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let config = flags.training.resolve(common, mnist, FULL, QUICK)?;
    let source = &config.source;
    let path = find_model(flags.model.as_deref(), common, source)?;
    let TrainedUNet { model: unet, diffuser, size, .. } = read_unconditional(&path)?;
    let sampler = flags.sampler.resolve(common, &diffuser, Sampler::FIFTY_STEPS)?;
    let evaluator = flags.evaluator.load(common, mnist)?;
    println!("the model to guide: {}", path.display());

    let (dataset, test) = (load_images(source, config.images)?, source.load(Split::Test, Some(TEST))?);
    let [of_model, of_train, of_test] = [size, dataset.images().size(), test.images().size()].map(size_name);
    let (path, location, classes) = (path.display(), source.location(), dataset.classes().len());
    ensure!(of_train == of_test, "{location}: expected test images of {of_train} as the others, found {of_test}");
    ensure!(
        of_train == of_model,
        "{path}: expected a model of images of {of_train}, as in {location}, found {of_model}"
    );
    let classifier = NoisyClassifier::new(size[0], config.width, classes, &mut Rng::new(config.seed, "init", 0));
    println!("classifier of noisy images: {} parameters", classifier.parameter_count());
    let mut optimizer = Adam::new(classifier.parameters(), config.lr);
    let folder = config.folder("step10", "classifier_guidance")?;
    let schedule = diffuser.noise_schedule().name();
    let settings = json!({ "schedule": schedule, "num_timesteps": diffuser.num_timesteps() });
    let mut run = TrainingRun::start(&config, &folder, &dataset, settings, &classifier, &mut optimizer)?;

    for epoch in run.epochs() {
        for (x, labels) in run.batches(epoch) {
            let t = diffuser.random_timesteps(x.shape()[0], &mut run.rng("t"));
            let noise = run.rng("noise").normal_tensor(*x.shape());
            let x_t = diffuser.add_noise(&x, &t, &noise);
            let loss = classifier.forward(&x_t.into(), &t).cross_entropy(&labels);
            optimizer.zero_grad();
            loss.backward();
            optimizer.lr = run.lr();
            optimizer.step();
            run.log(&[("loss", loss.item())])?;
        }
        run.save(&classifier, &optimizer)?;
    }

    println!("   t   accuracy on test images");
    for t in [1, 2, 3, 5, 8].map(|tenths| diffuser.num_timesteps() * tenths / 10) {
        println!("{t:>4}   {:>21.1} %", 100.0 * accuracy_at(&classifier, &diffuser, &test, t, config.seed)?);
    }
    let eps = |x: &Tensor, t: usize, labels: &[Label], gamma: f64| {
        let labels: Vec<usize> = labels.iter().map(|label| label.expect("a target label")).collect();
        let eps = unet.predict_noise(x, t, &vec![None; labels.len()]);
        guided_noise(eps, classifier.log_prob_gradient(x, t, &labels), gamma, diffuser.alpha_bar(t))
    };
    draw_grids(common, &folder, &diffuser, sampler, &dataset, evaluator.as_ref(), eps)?;
    println!("{}", folder.path().join("model.safetensors").display());
    Ok(())
}

/// The score is the predicted noise but for a factor, d ln p(x_t) / dx_t = -eps / sqrt(1 - alpha_bar_t). By Bayes' rule
/// the score of p(x_t | label) is that plus the classifier's gradient d ln p(label | x_t) / dx_t; with gamma times the
/// gradient (Dhariwal and Nichol, 2021, algorithm 2),
/// eps_guided = eps - sqrt(1 - alpha_bar_t) gamma d ln p(label | x_t) / dx_t. eps and gradient are (N, C, H, W).
fn guided_noise(eps: Tensor, gradient: Tensor, gamma: f64, alpha_bar: f64) -> Tensor {
    let eps = Variable::new(eps) - ((1.0 - alpha_bar).sqrt() * gamma) as Real * Variable::new(gradient);
    eps.value().clone()
}

/// The classifier's accuracy on images with the noise of time t.
fn accuracy_at(
    classifier: &NoisyClassifier,
    diffuser: &Diffuser,
    images: &Dataset,
    t: usize,
    seed: u64,
) -> Result<f64> {
    let (mut predictions, mut all_labels) = (vec![], vec![]);
    for (i, (x, labels)) in images.batches(100, None)?.enumerate() {
        let noise = Rng::new(seed, "test noise", i as u64).normal_tensor(*x.shape());
        let t = vec![t; labels.len()];
        let x_t = diffuser.add_noise(&x, &t, &noise);
        let logits = no_grad(|| eval_mode(|| classifier.forward(&x_t.into(), &t)));
        predictions.extend(argmax(&logits.value()));
        all_labels.extend(labels);
    }
    Ok(accuracy(&predictions, &all_labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::data::Source;
    use crate::step08::{Schedule, T};
    use tsukuru::nn::Entry;

    #[test]
    fn the_accuracy_is_that_of_noisy_images() {
        let (diffuser, classifier) =
            (Diffuser::new(Schedule::linear(T)), NoisyClassifier::new(1, 4, 10, &mut Rng::new(0, "init", 0)));
        let digits = Source::BUILT_IN.load(Split::Test, Some(100)).expect("digits");
        let (x, _) = digits.all();
        let logits = |noise: &Tensor, t: &[usize]| classifier.forward(&diffuser.add_noise(&x, t, noise).into(), t);
        // Without training, it predicts the same digit for all images unless the mean logits are subtracted.
        let noise = Rng::new(0, "test noise", 0).normal_tensor(*x.shape());
        let logits = || no_grad(|| eval_mode(|| logits(&noise, &[500; 100]).value().clone()));
        let mean = |digit: usize| logits().data().iter().skip(digit).step_by(10).sum::<Real>() / 100.0;
        let means: Vec<Real> = (0..10).map(mean).collect();
        for (name, entry) in classifier.entries() {
            if let ("out.bias", Entry::Parameter(bias)) = (&name[..], entry) {
                bias.update(|bias| bias.data_mut().iter_mut().zip(&means).for_each(|(bias, mean)| *bias -= mean));
            }
        }
        let predicted = argmax(&logits()).map(|digit| digit as u8).collect();
        let predicted = Dataset::new(digits.images().clone(), predicted).expect("images and labels");
        let accuracy = |t: usize| accuracy_at(&classifier, &diffuser, &predicted, t, 0).expect("an accuracy");
        assert!(accuracy(500) == 1.0 && accuracy(1) < 0.5, "{}, {}", accuracy(500), accuracy(1));
    }

    /// Two classes of numbers, N(-1, 0.3^2) and N(1, 0.3^2), equally many: everything is known. With gamma = 1 the best
    /// unconditional prediction, guided by the exact classifier, generates one class.
    #[test]
    fn a_guided_model_generates_one_class() {
        let diffuser = Diffuser::new(Schedule::linear(T));
        // x_t of a class is normal with mean +-m and variance v.
        let moments = |t: usize| {
            let alpha_bar = diffuser.alpha_bar(t);
            (alpha_bar.sqrt(), alpha_bar * 0.09 + 1.0 - alpha_bar)
        };
        let each = |x: &Tensor, f: &dyn Fn(f64) -> f64| x.map(|x| f(f64::from(x)) as Real);
        let eps = |x: &Tensor, t: usize| {
            let (m, v) = moments(t);
            // p(positive given x) = sigmoid(2 m x / v); the score is the mean of both classes' scores.
            let positive = |x: f64| 1.0 / (1.0 + libm::exp(-2.0 * m * x / v));
            let score = |x: f64| (positive(x) * (m - x) + (1.0 - positive(x)) * (-m - x)) / v;
            let uncond = each(x, &|x| -(1.0 - diffuser.alpha_bar(t)).sqrt() * score(x));
            let gradient = each(x, &|x| (1.0 - positive(x)) * 2.0 * m / v);
            guided_noise(uncond, gradient, 1.0, diffuser.alpha_bar(t))
        };
        let mut rng = Rng::new(0, "sampling", 0);
        let x = Sampler::Ancestral.sample(&diffuser, eps, [1, 1, 100, 100], &mut rng, |_, _| ());
        let numbers = || x.data().iter().map(|&x| f64::from(x));
        let mean = numbers().sum::<f64>() / 1e4;
        let std = (numbers().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e4).sqrt();
        assert!((mean - 1.0).abs() < 0.02 && (std - 0.3).abs() < 0.01, "{mean}, {std}");
    }
}
