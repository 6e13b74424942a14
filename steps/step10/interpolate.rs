//! Goes from one image to another: both become noise, and what lies between the noises becomes images.

use super::editor::rms;
use super::find_model;
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Split;
use crate::common::images::{Captions, save_captioned_grid, size_name};
use crate::common::progress::Progress;
use crate::common::run::RunFolder;
use crate::step09::{Diffuser, Sampler, T, TrainedUNet, read_unconditional};
use anyhow::{Result, ensure};
use clap::Args;
use std::path::PathBuf;
use tsukuru::Real;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// The model.safetensors of a program of step 9 or 10; by default that of classifier_free_guidance, used without labels, or of step 9, in --out
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// How many pairs of test images, one row for each
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub count: usize,
    /// Steps from an image to noise, and back
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub sample_steps: usize,
    /// How often each step to noise is improved; 1: the noise is predicted once, in the image before the step
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub iterations: usize,
}

/// Images from one end to the other, both included.
const WEIGHTS: usize = 9;
/// Pairs of images, at most: all are interpolated at once.
const MAX_PAIRS: usize = 100;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let Flags { count, iterations, sample_steps, .. } = *flags;
    ensure!((1..=MAX_PAIRS).contains(&count), "--count {count}: expected 1 to {MAX_PAIRS}");
    ensure!((1..=100).contains(&iterations), "--iterations {iterations}: expected 1 to 100");
    ensure!((2..=T).contains(&sample_steps), "--sample-steps {sample_steps}: expected 2 to {T}");
    let source = mnist.source()?;
    let test = source.load(Split::Test, Some(2 * count))?;
    let found = test.len();
    ensure!(found == 2 * count, "--count {count}: expected 2 test images for each pair, found {found}");
    let path = find_model(flags.model.as_deref(), common, &source)?;
    let TrainedUNet { model, diffuser, size: size @ [c, h, w], .. } = read_unconditional(&path)?;
    let (location, expected, found) = (source.location(), size_name(size), size_name(test.images().size()));
    ensure!(found == expected, "{location}: expected images of {expected} as the model's, found {found}");
    let steps = sample_steps.min(common.limits.sample_steps).min(diffuser.num_timesteps());
    println!("model: {}", path.display());
    let folder = RunFolder::open(&common.out, "step10", "interpolate", false)?;

    let eps = |x: &Tensor, t: usize| model.predict_noise(x, t, &vec![None; x.shape()[0]]);
    let sampler = Sampler::Ddim { steps, eta: 0.0 };
    // Without the step to T, where next to nothing is left of an image: back from there, a small error is a large one.
    let timesteps = &sampler.timesteps(&diffuser)[1..];
    let mut progress = Progress::new("to noise and back", 2 * (steps - 1), 0, common.quiet);
    let (x_0, labels) = test.all();
    let noise = invert(&diffuser, eps, &x_0, timesteps, iterations, || progress.step(String::new));
    let (pixels, last) = (c * h * w, WEIGHTS - 1);
    let between = |i: usize| {
        let [a, b] = [0, 1].map(|end| &noise.data()[(2 * (i / WEIGHTS) + end) * pixels..][..pixels]);
        slerp(a, b, (i % WEIGHTS) as f64 / last as f64)
    };
    let x_t = Tensor::new([count * WEIGHTS, c, h, w], &Vec::from_iter((0..count * WEIGHTS).flat_map(between)));
    let rng = &mut Rng::new(0, "none is added", 0);
    let x = sampler.denoise(&diffuser, eps, x_t, timesteps, rng, |_, _| progress.step(String::new));
    progress.finish();

    let mut rows = vec![];
    for pair in 0..count {
        let images = &x.data()[pair * WEIGHTS * pixels..][..WEIGHTS * pixels];
        let ends = &x_0.data()[2 * pair * pixels..][..2 * pixels];
        let (a, b) = ends.split_at(pixels);
        let errors = [rms(&images[..pixels], a), rms(&images[last * pixels..], b)];
        let [from, to] = [0, 1].map(|end| &test.classes()[labels[2 * pair + end]]);
        println!("{from} and {to} come back with root mean square errors of {:.4} and {:.4}", errors[0], errors[1]);
        rows.extend([a, images, b].concat());
    }
    let path = folder.file("interpolated.png")?;
    let weights = (0..WEIGHTS).map(|i| (i as f64 / last as f64).to_string());
    let captions = std::iter::once("image".into()).chain(weights).chain(["image".into()]);
    let x = Tensor::new([count * (WEIGHTS + 2), c, h, w], &rows);
    save_captioned_grid(&path, &x, WEIGHTS + 2, &Captions::above(captions))?;
    println!("{}", path.display());
    Ok(())
}

/// The noise from which DDIM with eta = 0 comes to images x_0 (N, C, H, W) through the `timesteps`: each of its steps from t
/// to s is undone, x_t = a x_s + b eps(x_t, t), where x_t stands on both sides. From x_t = x_s on, the right side is
/// computed `iterations` times. `step` is called after every step.
fn invert(
    diffuser: &Diffuser,
    eps: impl Fn(&Tensor, usize) -> Tensor,
    x_0: &Tensor,
    timesteps: &[usize],
    iterations: usize,
    mut step: impl FnMut(),
) -> Tensor {
    let rng = &mut Rng::new(0, "none is added", 0);
    let mut x = x_0.clone();
    for pair in timesteps.windows(2).rev() {
        let (t, s) = (pair[0], pair[1]);
        let x_s = x.clone();
        for _ in 0..iterations {
            x = diffuser.ddim_step(&x_s, &eps(&x, t), s, t, 0.0, rng);
        }
        step();
    }
    x
}

/// From a for weight 0 to b for weight 1, along the great circle through both (Shoemake, 1985): halfway between independent
/// normal numbers, the mean would have half of their variance.
fn slerp(a: &[Real], b: &[Real], weight: f64) -> Vec<Real> {
    let dot = |a: &[Real], b: &[Real]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let angle = libm::acos((dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()).clamp(-1.0, 1.0));
    let share = |weight: f64| match libm::sin(angle) {
        0.0 => weight, // parallel
        sin => libm::sin(weight * angle) / sin,
    };
    let (of_a, of_b) = (share(1.0 - weight) as Real, share(weight) as Real);
    a.iter().zip(b).map(|(a, b)| of_a * a + of_b * b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step08::Schedule;
    use crate::step09::best_eps;

    #[test]
    fn inversion_and_sampling_return_the_image() {
        let diffuser = Diffuser::new(Schedule::cosine(T));
        let eps = |x: &Tensor, t: usize| best_eps(&diffuser, x, t);
        let (rng, sampler) = (&mut Rng::new(0, "test", 0), Sampler::Ddim { steps: 50, eta: 0.0 });
        let x_0 = rng.normal_tensor([1, 1, 28, 28]).map(|x| 0.3 + 0.5 * x); // as the data of `best_eps`
        let timesteps = &sampler.timesteps(&diffuser)[1..];
        let errors = [1, 3, 10].map(|iterations| {
            let noise = invert(&diffuser, eps, &x_0, timesteps, iterations, || ());
            let numbers = noise.data().iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
            assert!((numbers / 784.0 - 1.0).abs() < 0.2, "{numbers}: noise of variance 1");
            let rng = &mut Rng::new(0, "none is added", 0);
            let back = sampler.denoise(&diffuser, eps, noise, timesteps, rng, |_, _| ());
            rms(back.data(), x_0.data())
        });
        assert!(errors[1] < 0.1 * errors[0] && errors[2] < 1e-4, "{errors:?}");
    }

    #[test]
    fn between_two_noises_lies_noise_of_the_same_length() {
        let [a, b] = [0, 1].map(|i| Rng::new(0, "test", i).normal_tensor([1000]));
        let (a, b) = (a.data(), b.data());
        let far = |x: &[Real], y: &[Real]| rms(x, y);
        assert!(far(&slerp(a, b, 0.0), a) < 1e-6 && far(&slerp(a, b, 1.0), b) < 1e-6);
        let half = slerp(a, b, 0.5);
        let length = |x: &[Real]| far(x, &vec![0.0; x.len()]);
        assert!((length(&half) / length(a) - 1.0).abs() < 0.05, "{}", length(&half));
        assert!((far(&half, a) / far(&half, b) - 1.0).abs() < 0.05);
        assert_eq!(slerp(a, a, 0.5), a);
    }
}
