//! Trains a classifier of noisy digits, and lets it lead a model that knows no labels.

use super::NoisyClassifier;
use super::gammas::draw_grids;
use crate::common::cli::{Common, Mnist, TrainingFlags, capped};
use crate::common::data::{Part, Source};
use crate::common::run::RunFolder;
use crate::common::training::Training;
use crate::step06::{accuracy, argmax};
use crate::step09::diffusion_model::random_noise;
use crate::step09::{Diffuser, JudgeFlag, Kind, Label, SamplerFlags, T, UNet, images, read_unconditional};
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use tsukuru::Real;
use tsukuru::data::Dataset;
use tsukuru::mode::{eval_mode, no_grad};
use tsukuru::nn::Module;
use tsukuru::optim::Adam;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    #[command(flatten)]
    pub training: TrainingFlags,
    /// The model to lead; by default one of classifier_free_guidance, which is told nothing, or of step 9
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub sampler: SamplerFlags,
    #[command(flatten)]
    pub judge: JudgeFlag,
}

/// Channels of the classifier at full resolution.
const WIDTH: usize = 32;
/// Test images that are read to see how well it reads.
const TEST: usize = 1000;

pub fn run(common: &Common, mnist: &Mnist, flags: &Flags) -> Result<()> {
    flags.training.check()?;
    let given = &flags.training;
    let epochs = capped(given.or(given.epochs, 5, 2), 2);
    let batch_size = capped(given.or(given.batch_size, 128, 64), 16);
    let lr = given.lr.unwrap_or(2e-3);
    let limit = capped(given.or(given.limit, usize::MAX, 45_000), 32);
    let diffuser = Diffuser::new(capped(T, 10));
    let sampler = flags.sampler.choose(Kind::Ddim, &diffuser)?;
    let source = Source::find(mnist.data.as_deref())?;
    let path = match &flags.model {
        Some(path) => path.clone(),
        None => find_model(&common.out, &source)?,
    };
    let unet = read_unconditional(&path)?.model;
    let judge = flags.judge.find(common, mnist)?;
    println!("the model to lead: {}", path.display());

    let (dataset, test) = (images(&source, limit)?, source.load(Part::Test, Some(capped(TEST, 16)))?);
    let size = |dataset: &Dataset| [dataset.images().rows, dataset.images().cols];
    let ([h, w], [rows, cols]) = (size(&dataset), size(&test));
    let place = source.place();
    ensure!([h, w] == [rows, cols], "{place}: expected test images of {h} x {w} as the others, found {rows} x {cols}");
    let seed = common.seed;
    let classifier = NoisyClassifier::new(capped(WIDTH, 4), &mut Rng::new(seed, "init", 0));
    println!("classifier of noisy digits: {} parameters", classifier.parameter_count());
    let run = RunFolder::open(&common.out, "step10", &given.folder("classifier_guidance"), given.resume)?;
    let training = Training {
        run: &run,
        epochs,
        batch_size,
        seed,
        ema: 0.0,
        lr: &|done| lr * (1.0 - done),
        data: source.kind(),
        settings: json!({ "lr": lr, "falls_over": epochs, "checksum": dataset.checksum() }),
        resume: given.resume,
        quiet: common.quiet,
    };
    training.run(
        &dataset,
        &classifier,
        &mut Adam::new(classifier.parameters(), lr),
        |x, labels, step| loss(&classifier, &diffuser, &x, &labels, seed, step),
        |_| Ok(()),
    )?;
    println!("   t   test images read right");
    for t in [1, 2, 3, 5, 8].map(|tenths| diffuser.steps() * tenths / 10) {
        println!("{t:>4}   {:>15.1} %", 100.0 * accuracy_at(&classifier, &diffuser, &test, t, seed)?);
    }

    let eps = |x: &Tensor, t: usize, labels: &[Label], gamma: f64| {
        guided(&unet, &classifier, x, t, labels, gamma, diffuser.alpha_bar(t))
    };
    draw_grids(common, &run, &diffuser, sampler, [h, w], judge.as_ref(), eps)?;
    println!("{}", run.path().join("model.safetensors").display());
    Ok(())
}

/// Cross entropy of images x_0 (N, 1, H, W), each noised to a random time, and labels (N).
fn loss(
    classifier: &NoisyClassifier,
    diffuser: &Diffuser,
    x_0: &Tensor,
    labels: &[usize],
    seed: u64,
    step: u64,
) -> Variable {
    let (t, noise) = random_noise(diffuser, x_0.shape(), seed, step);
    let x_t = diffuser.add_noise(x_0, &t, &noise);
    classifier.forward(&x_t.into(), &t).cross_entropy(labels)
}

/// The noise in x (N, 1, H, W) at time t that the U-Net sees untold, led towards labels (N).
fn guided(
    unet: &UNet,
    classifier: &NoisyClassifier,
    x: &Tensor,
    t: usize,
    labels: &[Label],
    gamma: f64,
    alpha_bar: f64,
) -> Tensor {
    let eps = unet.noise(x, t, &vec![None; labels.len()]);
    let labels: Vec<usize> = labels.iter().map(|label| label.expect("a digit to lead to")).collect();
    led(eps, classifier.gradient(x, t, &labels), gamma, alpha_bar)
}

/// The score, which is the direction in which images become likelier, is the noise seen from behind:
/// d ln p(x_t) / dx_t = -eps / sqrt(1 - alpha_bar_t). By Bayes, that of p(x_t given label) is longer by the classifier's
/// gradient; with gamma times it (Dhariwal and Nichol, 2021, algorithm 2),
/// eps_led = eps - sqrt(1 - alpha_bar_t) gamma d ln p(label given x_t) / dx_t.
fn led(eps: Tensor, gradient: Tensor, gamma: f64, alpha_bar: f64) -> Tensor {
    let eps = Variable::new(eps) - ((1.0 - alpha_bar).sqrt() * gamma) as Real * Variable::new(gradient);
    eps.value().clone()
}

/// What share of images the classifier reads right at time t.
fn accuracy_at(
    classifier: &NoisyClassifier,
    diffuser: &Diffuser,
    images: &Dataset,
    t: usize,
    seed: u64,
) -> Result<f64> {
    let (mut read, mut shown) = (vec![], vec![]);
    for (i, (x, labels)) in images.batches(100, None)?.enumerate() {
        let noise = Rng::new(seed, "test noise", i as u64).normal_tensor(*x.shape());
        let t = vec![t; labels.len()];
        let x_t = diffuser.add_noise(&x, &t, &noise);
        let logits = no_grad(|| eval_mode(|| classifier.forward(&x_t.into(), &t)));
        read.extend(argmax(&logits.value()));
        shown.extend(labels);
    }
    Ok(accuracy(&read, &shown))
}

/// A model that was trained before on the same kind of images.
fn find_model(out: &Path, source: &Source) -> Result<PathBuf> {
    let places = ["step10/classifier_free_guidance", "step09/diffusion_model"];
    let places = places.iter().flat_map(|place| [place.to_string(), format!("{place}_quick")]);
    source.taught(places.map(|place| out.join(place).join("model.safetensors")))?.with_context(|| {
        format!(
            "no model of {} to lead in {}: expected one of `step10 -- classifier_free_guidance` or \
             `step09 -- diffusion_model` there, or --model",
            source.kind(),
            out.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step09::Sampler;
    use tsukuru::nn::Entry;

    #[test]
    fn it_learns_and_reads_images_under_noise() {
        let (diffuser, classifier) = (Diffuser::new(T), NoisyClassifier::new(4, &mut Rng::new(0, "init", 0)));
        let digits = Source::BuiltIn.load(Part::Test, Some(100)).expect("digits");
        let (x, labels) = digits.all();
        let logits = |noise: &Tensor, t: &[usize]| classifier.forward(&diffuser.add_noise(&x, t, noise).into(), t);
        let (t, noise) = random_noise(&diffuser, x.shape(), 0, 5);
        let ln_p = logits(&noise, &t).log_softmax(1).value().clone();
        let of_labels = labels.iter().enumerate().map(|(i, label)| f64::from(ln_p.data()[10 * i + label]));
        let (found, expected) =
            (loss(&classifier, &diffuser, &x, &labels, 0, 5).item(), -of_labels.sum::<f64>() / 100.0);
        assert!((f64::from(found) - expected).abs() < 1e-5, "{found}, not {expected}");

        // Were it not for a new bias, it would read the same digit everywhere.
        let noise = Rng::new(0, "test noise", 0).normal_tensor(*x.shape());
        let seen = || no_grad(|| eval_mode(|| logits(&noise, &[500; 100]).value().clone()));
        let mean = |digit: usize| seen().data().iter().skip(digit).step_by(10).sum::<Real>() / 100.0;
        let means: Vec<Real> = (0..10).map(mean).collect();
        for (name, entry) in classifier.entries() {
            if let ("out.bias", Entry::Parameter(bias)) = (&name[..], entry) {
                bias.update(|bias| bias.data_mut().iter_mut().zip(&means).for_each(|(bias, mean)| *bias -= mean));
            }
        }
        let read = argmax(&seen()).map(|digit| digit as u8).collect();
        let read = Dataset::new(digits.images().clone(), read).expect("images and labels");
        let share = |t: usize| accuracy_at(&classifier, &diffuser, &read, t, 0).expect("a share");
        assert!(share(500) == 1.0 && share(1) < 0.5, "{}, {}", share(500), share(1));
    }

    /// Two kinds of numbers, N(-1, 0.3^2) and N(1, 0.3^2), equally many: everything is known. With gamma = 1 the best
    /// guess for all of them, led by the exact classifier, draws one kind.
    #[test]
    fn a_led_model_draws_one_kind() {
        let diffuser = Diffuser::new(T);
        // x_t of a kind is normal with mean +-m and variance v.
        let moments = |t: usize| {
            let alpha_bar = diffuser.alpha_bar(t);
            (alpha_bar.sqrt(), alpha_bar * 0.09 + 1.0 - alpha_bar)
        };
        let each = |x: &Tensor, f: &dyn Fn(f64) -> f64| x.map(|x| f(f64::from(x)) as Real);
        let eps = |x: &Tensor, t: usize| {
            let (m, v) = moments(t);
            // p(positive given x) = sigmoid(2 m x / v); the score is the mean of both kinds' scores.
            let positive = |x: f64| 1.0 / (1.0 + libm::exp(-2.0 * m * x / v));
            let score = |x: f64| (positive(x) * (m - x) + (1.0 - positive(x)) * (-m - x)) / v;
            let untold = each(x, &|x| -(1.0 - diffuser.alpha_bar(t)).sqrt() * score(x));
            let gradient = each(x, &|x| (1.0 - positive(x)) * 2.0 * m / v);
            led(untold, gradient, 1.0, diffuser.alpha_bar(t))
        };
        let mut rng = Rng::new(0, "sampling", 0);
        let x = Sampler::Ancestral.sample(&diffuser, eps, [1, 1, 100, 100], &mut rng, |_, _| ());
        let numbers = || x.data().iter().map(|&x| f64::from(x));
        let mean = numbers().sum::<f64>() / 1e4;
        let std = (numbers().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e4).sqrt();
        assert!((mean - 1.0).abs() < 0.02 && (std - 0.3).abs() < 0.01, "{mean}, {std}");
    }
}
