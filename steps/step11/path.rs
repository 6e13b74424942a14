//! [`Path`]: how noise and data are mixed at each time.

use super::Objective;
use crate::step08::{NoiseSchedule, Schedule, T};
use std::f64::consts::FRAC_PI_2;
use tsukuru::Real;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// A path x_t = alpha_t x_1 + sigma_t x_0 from noise x_0 at time 0 to data x_1 at time 1 (Albergo and Vanden-Eijnden, 2023).
#[derive(Clone, Debug)]
pub enum Path {
    /// alpha_t = t, sigma_t = 1 - t: the straight line (Liu et al., 2023, equation 1).
    Straight,
    /// alpha_t = sin(pi t / 2), sigma_t = cos(pi t / 2), so that alpha_t^2 + sigma_t^2 = 1: the cosine schedule in continuous time
    /// and without its offset.
    Trigonometric,
    /// alpha = sqrt(alpha_bar_n), sigma = sqrt(1 - alpha_bar_n) at the timestep n = (1 - t) T of a noise schedule of step 8,
    /// whose times run the other way.
    Diffusion(Schedule),
}

impl Path {
    /// With the noise schedule linear or cosine, and T = 1000.
    pub fn diffusion(schedule: NoiseSchedule) -> Path {
        Path::Diffusion(schedule.with(T))
    }

    /// As the files of models have it.
    pub fn name(&self) -> &'static str {
        match self {
            Path::Straight => "straight",
            Path::Trigonometric => "trigonometric",
            Path::Diffusion(schedule) => schedule.kind().name(),
        }
    }

    /// The path of this name.
    pub fn from_name(name: &str) -> Option<Path> {
        let diffusion = [NoiseSchedule::Linear, NoiseSchedule::Cosine].map(Path::diffusion);
        [Path::Straight, Path::Trigonometric].into_iter().chain(diffusion).find(|path| path.name() == name)
    }

    /// (alpha_t, sigma_t) for t from 0 to 1.
    pub fn alpha_sigma(&self, t: f64) -> (f64, f64) {
        match self {
            Path::Straight => (t, 1.0 - t),
            Path::Trigonometric => (libm::sin(FRAC_PI_2 * t), libm::cos(FRAC_PI_2 * t)),
            Path::Diffusion(schedule) => {
                let num_timesteps = schedule.num_timesteps();
                let n = ((1.0 - t) * num_timesteps as f64).round() as usize;
                let alpha_bar = schedule.alpha_bar(n.min(num_timesteps));
                (alpha_bar.sqrt(), (1.0 - alpha_bar).sqrt())
            }
        }
    }

    /// The time t from 0 to 1 when sigma_t / alpha_t is `sigma`, by bisection: the ratio falls on every path.
    pub fn time_at(&self, sigma: f64) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..f64::MANTISSA_DIGITS {
            let t = 0.5 * (low + high);
            let (alpha, sigma_t) = self.alpha_sigma(t);
            *if sigma_t > sigma * alpha { &mut low } else { &mut high } = t;
        }
        high
    }

    /// t (N) for training, independent and uniform: from 0 to below 1, or one of the timesteps 1 to T.
    pub fn random_times(&self, n: usize, rng: &mut Rng) -> Vec<f64> {
        let time = |_| match self {
            Path::Straight | Path::Trigonometric => rng.uniform(),
            Path::Diffusion(schedule) => {
                let num_timesteps = schedule.num_timesteps();
                1.0 - (1 + rng.below(num_timesteps)) as f64 / num_timesteps as f64
            }
        };
        (0..n).map(time).collect()
    }

    /// A function of (alpha_t, sigma_t) at times t (N), as (N, 1, 1, 1): a number for each image.
    pub fn numbers(&self, t: &[f64], of: impl Fn(f64, f64) -> f64) -> Variable {
        let number = |&t: &f64| {
            let (alpha, sigma) = self.alpha_sigma(t);
            of(alpha, sigma) as Real
        };
        Variable::new(Tensor::new([t.len(), 1, 1, 1], &Vec::from_iter(t.iter().map(number))))
    }

    /// x_t of noise x_0 and data x_1, both (N, C, H, W), at times t (N); and what a network with this objective is to predict
    /// of it, of the same shape.
    ///
    /// # Panics
    /// If x_0 and x_1 differ in shape, or t are not N.
    #[track_caller]
    pub fn sample(&self, objective: Objective, x_0: &Variable, x_1: &Variable, t: &[f64]) -> (Variable, Variable) {
        let numbers = |of: &dyn Fn(f64, f64) -> f64| self.numbers(t, of);
        let mix = |of_data: &dyn Fn(f64, f64) -> f64, of_noise: &dyn Fn(f64, f64) -> f64| {
            numbers(of_data) * x_1 + numbers(of_noise) * x_0
        };
        let x_t = mix(&|alpha, _| alpha, &|_, sigma| sigma);
        let target =
            mix(&|alpha, sigma| objective.factors(alpha, sigma).0, &|alpha, sigma| objective.factors(alpha, sigma).1);
        (x_t, target)
    }
}

/// Pixels from 0..1 to -1..1, where they have about the mean and the variance of noise.
pub fn to_signed(x: &Tensor) -> Tensor {
    x * 2.0 - 1.0
}

/// Pixels from -1..1 to 0..1; what lies outside is cut off, and NaN stays.
pub fn from_signed(x: &Tensor) -> Tensor {
    x.map(|x| (0.5 * x + 0.5).clamp(0.0, 1.0))
}
