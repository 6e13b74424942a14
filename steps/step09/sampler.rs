//! Two samplers, DDPM's and DDIM's, for any function that predicts the noise in an image.

use super::diffuser::Diffuser;
use crate::common::cli::Common;
use crate::step08::T;
use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// The reverse process, from noise to images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampler {
    /// Through all T timesteps, as in the book (DDPM: Ho et al., 2020, algorithm 2).
    Ancestral,
    /// Through `steps` of the timesteps (DDIM: Song, Meng, Ermon, 2021, equation 12), with a share `eta` of ancestral
    /// sampling's noise: with 0 the result is a function of x_T.
    Ddim { steps: usize, eta: f64 },
}

impl Sampler {
    /// What `--sampler ddim` means if no other flag does.
    pub const DDIM: Sampler = Sampler::Ddim { steps: 50, eta: 0.0 };
    /// Ancestral sampling in a twentieth of the steps.
    pub const FIFTY_STEPS: Sampler = Sampler::Ddim { steps: 50, eta: 1.0 };

    /// As the file of a model has it.
    pub fn to_json(self) -> Value {
        match self {
            Sampler::Ancestral => json!({ "name": "ancestral" }),
            Sampler::Ddim { steps, eta } => json!({ "name": "ddim", "steps": steps, "eta": eta }),
        }
    }

    /// What [`to_json`](Sampler::to_json) has written; `None` for anything else.
    pub fn from_json(json: &Value) -> Option<Sampler> {
        let sampler = match json["name"].as_str()? {
            "ancestral" => Sampler::Ancestral,
            "ddim" => Sampler::Ddim { steps: json["steps"].as_u64()? as usize, eta: json["eta"].as_f64()? },
            _ => return None,
        };
        sampler.check().is_ok().then_some(sampler)
    }

    fn check(self) -> Result<()> {
        if let Sampler::Ddim { steps, eta } = self {
            ensure!((1..=T).contains(&steps), "--sample-steps {steps}: expected 1 to {T}");
            ensure!((0.0..=1.0).contains(&eta), "--eta {eta}: expected 0 to 1");
        }
        Ok(())
    }

    /// The timesteps that it goes through, from T to 0. The S steps of DDIM end at ceil(i T / S) for i = S - 1, .., 0: evenly
    /// spaced, and all timesteps for S = T.
    pub fn timesteps(&self, diffuser: &Diffuser) -> Vec<usize> {
        let num_timesteps = diffuser.num_timesteps();
        let steps = match *self {
            Sampler::Ancestral => num_timesteps,
            Sampler::Ddim { steps, .. } => steps,
        };
        (0..=steps).rev().map(|i| (i * num_timesteps).div_ceil(steps)).collect()
    }

    /// Those from `start` on: `start` itself, and the timesteps below it.
    pub fn timesteps_from(&self, diffuser: &Diffuser, start: usize) -> Vec<usize> {
        let below = self.timesteps(diffuser).into_iter().filter(|&t| t < start);
        std::iter::once(start).chain(below).collect()
    }

    /// Images of `shape` (N, C, H, W), from pure noise; see [`denoise`](Sampler::denoise).
    pub fn sample(
        &self,
        diffuser: &Diffuser,
        eps: impl Fn(&Tensor, usize) -> Tensor,
        shape: [usize; 4],
        rng: &mut Rng,
        callback: impl FnMut(usize, &Tensor),
    ) -> Tensor {
        let x = rng.normal_tensor(shape);
        self.denoise(diffuser, eps, x, &self.timesteps(diffuser), rng, callback)
    }

    /// From x (N, C, H, W) at the first of the `timesteps` to images at the last. `eps(x_t, t)` is the predicted noise in
    /// x_t (N, C, H, W), of the same shape; `callback` gets (t, x_t) after every step.
    pub fn denoise(
        &self,
        diffuser: &Diffuser,
        eps: impl Fn(&Tensor, usize) -> Tensor,
        mut x: Tensor,
        timesteps: &[usize],
        rng: &mut Rng,
        mut callback: impl FnMut(usize, &Tensor),
    ) -> Tensor {
        for pair in timesteps.windows(2) {
            let (t, s) = (pair[0], pair[1]);
            x = self.step(diffuser, &x, &eps(&x, t), t, s, rng);
            callback(s, &x);
        }
        x
    }

    /// One step, from x_t (N, C, H, W) to x_s, given the noise eps in x_t; s follows t among the
    /// [`timesteps`](Sampler::timesteps).
    pub fn step(&self, diffuser: &Diffuser, x_t: &Tensor, eps: &Tensor, t: usize, s: usize, rng: &mut Rng) -> Tensor {
        match *self {
            Sampler::Ancestral => diffuser.ddpm_step(x_t, eps, t, rng),
            Sampler::Ddim { eta, .. } => diffuser.ddim_step(x_t, eps, t, s, eta, rng),
        }
    }
}

/// The flags of programs that generate images.
#[derive(Args, Clone, Debug, Default)]
pub struct SamplerFlags {
    /// DDPM's sampler (ancestral, the book's) or DDIM's, which takes fewer steps (ddim); by default `sample` takes that of the training
    #[arg(long, value_name = "NAME")]
    pub sampler: Option<SamplerKind>,
    /// Steps of ddim [default with --sampler ddim: 50]
    #[arg(long, value_name = "N")]
    pub sample_steps: Option<usize>,
    /// Noise that ddim adds in each step: 0 none, 1 as much as ancestral sampling [default with --sampler ddim: 0]
    #[arg(long, allow_negative_numbers = true)]
    pub eta: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SamplerKind {
    Ancestral,
    Ddim,
}

impl SamplerFlags {
    /// The sampler that the flags name, or else `default`, with the steps and the noise that they name.
    ///
    /// # Errors
    /// If a flag has a value that it cannot have.
    pub fn resolve(&self, common: &Common, diffuser: &Diffuser, default: Sampler) -> Result<Sampler> {
        let of_kind = |kind| match kind {
            SamplerKind::Ancestral => Sampler::Ancestral,
            SamplerKind::Ddim => Sampler::DDIM,
        };
        let Sampler::Ddim { steps, eta } = self.sampler.map_or(default, of_kind) else {
            ensure!(self.sample_steps.is_none(), "--sample-steps: expected with --sampler ddim only");
            ensure!(self.eta.is_none(), "--eta: expected with --sampler ddim only");
            return Ok(Sampler::Ancestral);
        };
        let (steps, eta) = (self.sample_steps.unwrap_or(steps), self.eta.unwrap_or(eta));
        Sampler::Ddim { steps, eta }.check()?;
        let (steps, most) = (steps.min(common.limits.sample_steps), diffuser.num_timesteps());
        ensure!(steps <= most, "--sample-steps {steps}: expected at most {most}, the timesteps of the model");
        Ok(Sampler::Ddim { steps, eta })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::common::cli::Limits;
    use crate::step08::Schedule;
    use clap::Parser;
    use tsukuru::Real;

    const MEAN: f64 = 0.3;
    const STD: f64 = 0.5;
    const SHAPE: [usize; 4] = [1, 1, 200, 200];

    /// The noise in x_t (N, C, H, W) if the data are one Gaussian: x_t has the mean sqrt(alpha_bar) MEAN and the
    /// variance alpha_bar STD^2 + 1 - alpha_bar, and given it, its noise has the mean
    /// sqrt(1 - alpha_bar) (x_t - mean) / variance: the best prediction that there is.
    pub(crate) fn best_eps(diffuser: &Diffuser, x: &Tensor, t: usize) -> Tensor {
        let alpha_bar = diffuser.alpha_bar(t);
        let scale = (1.0 - alpha_bar).sqrt() / (alpha_bar * STD * STD + 1.0 - alpha_bar);
        let eps = |x: Real| (scale * (f64::from(x) - alpha_bar.sqrt() * MEAN)) as Real;
        x.map(eps)
    }

    fn draw(sampler: Sampler) -> Tensor {
        let diffuser = Diffuser::new(Schedule::linear(T));
        let mut rng = Rng::new(0, "sampling", 0);
        sampler.sample(&diffuser, |x, t| best_eps(&diffuser, x, t), SHAPE, &mut rng, |_, _| ())
    }

    fn moments(x: &Tensor) -> [f64; 2] {
        let numbers = || x.data().iter().map(|&x| f64::from(x));
        let count = x.data().len() as f64;
        let mean = numbers().sum::<f64>() / count;
        [mean, (numbers().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt()]
    }

    #[test]
    fn both_samplers_generate_the_gaussian_that_the_data_are() {
        for sampler in [
            Sampler::Ancestral,
            Sampler::Ddim { steps: T, eta: 1.0 },
            Sampler::Ddim { steps: T, eta: 0.0 },
            Sampler::Ddim { steps: T, eta: 0.5 },
        ] {
            let [mean, std] = moments(&draw(sampler));
            // Of 40,000 numbers, the standard error of the mean is 0.0025, and that of the standard deviation 0.0018.
            assert!((mean - MEAN).abs() < 0.01 && (std - STD).abs() < 0.0075, "{sampler:?}: {mean}, {std}");
        }
    }

    /// With eta = 0, each number keeps its quantile: that of x_T among all x_T is that of x_0 in the data.
    #[test]
    fn ddim_without_noise_is_the_affine_map_between_gaussians() {
        let diffuser = Diffuser::new(Schedule::linear(T));
        let x_t = Rng::new(0, "sampling", 0).normal_tensor(SHAPE);
        let alpha_bar = diffuser.alpha_bar(T);
        let std = (alpha_bar * STD * STD + 1.0 - alpha_bar).sqrt();
        let error = |steps: usize| {
            let x_0 = draw(Sampler::Ddim { steps, eta: 0.0 });
            let pairs = x_0.data().iter().zip(x_t.data());
            let error = |(&x_0, &x_t): (&Real, &Real)| {
                let want = MEAN + STD * (f64::from(x_t) - alpha_bar.sqrt() * MEAN) / std;
                (f64::from(x_0) - want).abs()
            };
            pairs.map(error).fold(0.0, f64::max)
        };
        let errors = [50, 200, 1000].map(error);
        // DDIM is a first-order method: the error is about proportional to the length of a step.
        assert!(errors[2] < 0.01 && errors[1] < 0.4 * errors[0] && errors[2] < 0.4 * errors[1], "{errors:?}");
    }

    /// With eta = 1 and all T steps, DDIM is ancestral sampling, number by number.
    #[test]
    fn ddim_with_all_steps_and_all_noise_is_ancestral_sampling() {
        let (ancestral, ddim) = (draw(Sampler::Ancestral), draw(Sampler::Ddim { steps: T, eta: 1.0 }));
        let error = |(a, b): (&Real, &Real)| f64::from(a - b).abs();
        let largest = ancestral.data().iter().zip(ddim.data()).map(error).fold(0.0, f64::max);
        assert!(largest < 1e-4, "{largest}");
    }

    #[test]
    fn the_timesteps_of_ddim_are_evenly_spaced() {
        let diffuser = Diffuser::new(Schedule::linear(10));
        let timesteps = |steps| Sampler::Ddim { steps, eta: 0.0 }.timesteps(&diffuser);
        assert_eq!(timesteps(3), [10, 7, 4, 0]);
        assert_eq!(timesteps(1), [10, 0]);
        assert_eq!(timesteps(10), Sampler::Ancestral.timesteps(&diffuser));
        assert_eq!(timesteps(10), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
        let from = |start| Sampler::Ddim { steps: 3, eta: 0.0 }.timesteps_from(&diffuser, start);
        assert_eq!([from(10), from(5), from(4), from(0)], [vec![10, 7, 4, 0], vec![5, 4, 0], vec![4, 0], vec![0]]);
    }

    /// After the step from t to s, `callback` gets s and x_s.
    #[test]
    fn each_step_is_shown_with_its_timestep() {
        let diffuser = Diffuser::new(Schedule::linear(10));
        let (mut rng, mut seen) = (Rng::new(0, "sampling", 0), vec![]);
        let sampler = Sampler::Ddim { steps: 3, eta: 0.0 };
        let told = |s: usize, x: &Tensor| seen.push((s, x.clone()));
        let x = sampler.sample(&diffuser, |x, t| x.map(|_| t as Real), [1, 1, 1, 1], &mut rng, told);
        assert_eq!(seen.iter().map(|(s, _)| *s).collect::<Vec<_>>(), [7, 4, 0]);
        assert_eq!(seen[2].1, x);
        assert!(seen[0].1 != x && seen[1].1 != x);
    }

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        sampler: SamplerFlags,
    }

    #[test]
    fn ddim_takes_at_most_all_timesteps_of_the_model() {
        let resolve = |steps: &str| {
            let Cli { common, sampler } = Cli::parse_from(["", "--sampler", "ddim", "--sample-steps", steps]);
            let common = Common { limits: Limits::NONE, ..common };
            sampler.resolve(&common, &Diffuser::new(Schedule::linear(10)), Sampler::Ancestral)
        };
        assert_eq!(resolve("10").expect("a sampler"), Sampler::Ddim { steps: 10, eta: 0.0 });
        let message = "--sample-steps 11: expected at most 10, the timesteps of the model";
        assert_eq!(resolve("11").expect_err("too many").to_string(), message);
    }

    #[test]
    fn what_a_file_says_is_read_again_or_refused() {
        let [fewest, most] = [(1, 0.25), (T, 1.0)].map(|(steps, eta)| Sampler::Ddim { steps, eta });
        for sampler in [Sampler::Ancestral, Sampler::DDIM, fewest, most] {
            assert_eq!(Sampler::from_json(&sampler.to_json()), Some(sampler));
        }
        for wrong in [
            json!({}),
            json!({ "name": "euler" }),
            json!({ "name": "ddim", "eta": 0.0 }),
            json!({ "name": "ddim", "steps": 10 }),
            json!({ "name": "ddim", "steps": 0, "eta": 0.0 }),
            json!({ "name": "ddim", "steps": 10, "eta": 2.0 }),
        ] {
            assert_eq!(Sampler::from_json(&wrong), None, "{wrong}");
        }
    }
}
