//! [`Sampler`]: from noise to images, by a network with any objective.

use super::{Network, Objective, Path, Solver};
use crate::common::cli::Common;
use crate::step09::Label;
use crate::step10::guided;
use anyhow::{Result, ensure};
use clap::ValueEnum;
use tsukuru::Real;
use tsukuru::mode::{eval_mode, no_grad};
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// How a path is followed from noise to data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sampler {
    /// Euler's method on the flow.
    Euler,
    /// The midpoint method on the flow, but for the last step, which is Euler's.
    Midpoint,
    /// Heun's method on the flow, but for the last step, which is Euler's.
    Heun,
    /// The predicted data and noise, mixed anew as the next time has them (Song, Meng, Ermon, 2021, equation 12 without noise).
    Ddim,
    /// DPM-Solver++(2M) (Lu et al., 2022b, algorithm 2), which extrapolates the data from the last two predictions.
    DpmSolver,
}

impl Sampler {
    /// What a network with this objective is sampled with if no flag says otherwise.
    pub fn default_for(objective: Objective) -> Sampler {
        if objective == Objective::Velocity { Sampler::Heun } else { Sampler::DpmSolver }
    }

    /// How often a step asks the network, at most.
    pub fn evaluations(self) -> usize {
        self.solver().map_or(1, Solver::evaluations)
    }

    /// As flags have it.
    pub fn name(self) -> &'static str {
        match self {
            Sampler::Euler => "euler",
            Sampler::Midpoint => "midpoint",
            Sampler::Heun => "heun",
            Sampler::Ddim => "ddim",
            Sampler::DpmSolver => "dpm-solver",
        }
    }

    /// Whether it follows a velocity, and not the predicted data.
    pub fn follows_flow(self) -> bool {
        self.solver().is_some()
    }

    fn solver(self) -> Option<Solver> {
        match self {
            Sampler::Euler => Some(Solver::Euler),
            Sampler::Midpoint => Some(Solver::Midpoint),
            Sampler::Heun => Some(Solver::Heun),
            Sampler::Ddim | Sampler::DpmSolver => None,
        }
    }

    /// The number of steps that so many evaluations of the network leave.
    ///
    /// # Errors
    /// If they are no whole number of steps, or more than 1000.
    pub fn steps(self, common: &Common, evaluations: usize) -> Result<usize> {
        let of_a_step = self.evaluations();
        let fits = (of_a_step..=1000).contains(&evaluations) && evaluations.is_multiple_of(of_a_step);
        ensure!(fits, "--evaluations {evaluations}: expected a multiple of {of_a_step} up to 1000");
        Ok((evaluations / of_a_step).min(common.limits.sample_steps))
    }
}

/// A network and what it predicts on which path, with the labels (N) and the guidance scale of the images.
#[derive(Clone, Copy)]
pub struct Model<'a> {
    pub network: &'a dyn Network,
    pub objective: Objective,
    pub path: &'a Path,
    pub labels: &'a [Label],
    pub gamma: f64,
}

impl Model<'_> {
    /// What the network predicts of x (N, C, H, W) at time t, with classifier-free guidance: in evaluation mode, without a
    /// graph. For gamma = 1 it is asked with the labels only.
    pub fn output(&self, x: &Tensor, t: f64) -> Tensor {
        let predict = |x: &Tensor, labels: &[Label]| {
            let times = vec![t; labels.len()];
            no_grad(|| eval_mode(|| self.network.forward(&Variable::new(x), &times, labels))).value().clone()
        };
        if self.gamma == 1.0 { predict(x, self.labels) } else { guided(predict, x, self.labels, self.gamma) }
    }

    /// The predicted data in x (N, C, H, W) at time t, from -1 to 1.
    pub fn data(&self, x: &Tensor, t: f64) -> Tensor {
        let data = self.objective.data(&self.output(x, t), x, self.path.alpha_sigma(t));
        data.map(|x| x.clamp(-1.0, 1.0))
    }

    /// (t, x) after each of so many steps from noise x (N, C, H, W) at time 0 to images at time 1.
    pub fn sample(&self, sampler: Sampler, x: Tensor, steps: usize, mut callback: impl FnMut(f64, &Tensor)) -> Tensor {
        let path = self.path;
        let time = |i: usize| i as f64 / steps as f64;
        let (mut x, mut before): (_, Option<(Tensor, f64)>) = (x, None);
        for i in 0..steps {
            let (t, s) = (time(i), time(i + 1));
            x = match sampler.solver() {
                // At time 1 no noise is left to tell the velocity from, so the last step does not ask there: Euler's ends at
                // the predicted data (as Karras et al., 2022, algorithm 1).
                Some(_) if i + 1 == steps => Solver::Euler.step(|x, t| self.output(x, t), &x, t, s),
                Some(solver) => solver.step(|x, t| self.output(x, t), &x, t, s),
                None => {
                    let data = self.data(&x, t);
                    let ((alpha_t, sigma_t), (alpha_s, sigma_s)) = (path.alpha_sigma(t), path.alpha_sigma(s));
                    // lambda = ln(alpha / sigma), and e^-h = e^(lambda_t - lambda_s)
                    let decay = sigma_s * alpha_t / (alpha_s * sigma_t);
                    let h = -libm::log(decay);
                    let extrapolated = match &before {
                        Some((last, h_last)) if sampler == Sampler::DpmSolver && sigma_s > 0.0 => {
                            let half_r = (0.5 * h / h_last) as Real;
                            &data * (1.0 + half_r) - last * half_r
                        }
                        _ => data.clone(),
                    };
                    let x = &x * (sigma_s / sigma_t) as Real + &extrapolated * (alpha_s * (1.0 - decay)) as Real;
                    before = Some((data, h));
                    x
                }
            };
            callback(s, &x);
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step08::NoiseSchedule;
    use tsukuru::module;
    use tsukuru::random::Rng;

    const MEAN: f64 = 0.2;
    const STD: f64 = 0.15;

    /// The best prediction that there is where the data are one Gaussian. Given x_t, the data have the mean
    /// MEAN + alpha STD^2 / (alpha^2 STD^2 + sigma^2) (x_t - alpha MEAN).
    struct Best {
        objective: Objective,
        path: Path,
    }

    module!(Best {; objective, path });

    impl Network for Best {
        fn forward(&self, x: &Variable, t: &[f64], _: &[Label]) -> Variable {
            let (alpha, sigma) = self.path.alpha_sigma(t[0]);
            let (a, b) = self.objective.factors(alpha, sigma);
            let of_x = alpha * STD * STD / (alpha * alpha * STD * STD + sigma * sigma);
            let y = |x: Real| {
                let x = f64::from(x);
                let data = MEAN + of_x * (x - alpha * MEAN);
                // At time 0, x_t may be noise alone, and at time 1 has none.
                let noise = if sigma > 0.0 { (x - alpha * data) / sigma } else { 0.0 };
                (a * data + b * noise) as Real
            };
            Variable::new(x.value().map(y))
        }
    }

    /// The largest distance to the affine map between the Gaussians at time 0 and at time 1, which the exact flow is.
    fn error(sampler: Sampler, objective: Objective, path: &Path, steps: usize) -> f64 {
        let network = Best { objective, path: path.clone() };
        let model = Model { network: &network, objective, path, labels: &[None], gamma: 1.0 };
        let noise = Rng::new(0, "sampling", 0).normal_tensor([1, 1, 10, 10]).map(|x| x.clamp(-3.0, 3.0));
        let (alpha, sigma) = path.alpha_sigma(0.0);
        let std = (alpha * alpha * STD * STD + sigma * sigma).sqrt();
        let x = model.sample(sampler, noise.clone(), steps, |_, _| ());
        let far =
            |(&x, &noise): (&Real, &Real)| (f64::from(x) - MEAN - STD * (f64::from(noise) - alpha * MEAN) / std).abs();
        x.data().iter().zip(noise.data()).map(far).fold(0.0, f64::max)
    }

    #[test]
    fn every_sampler_follows_the_flow_of_a_gaussian_with_its_order() {
        let [linear, cosine] = [NoiseSchedule::Linear, NoiseSchedule::Cosine].map(Path::diffusion);
        let cases = [
            (Sampler::Euler, Objective::Velocity, &Path::Straight, 1.0),
            (Sampler::Midpoint, Objective::Velocity, &Path::Straight, 2.0),
            (Sampler::Heun, Objective::Velocity, &Path::Straight, 2.0),
            (Sampler::Ddim, Objective::Velocity, &Path::Straight, 1.0),
            (Sampler::Ddim, Objective::Noise, &cosine, 1.0),
            (Sampler::Ddim, Objective::V, &linear, 1.0),
            (Sampler::DpmSolver, Objective::Noise, &cosine, 2.0),
            (Sampler::DpmSolver, Objective::Data, &cosine, 2.0),
        ];
        for (sampler, objective, path, order) in cases {
            let errors = [25, 50, 100].map(|steps| error(sampler, objective, path, steps));
            let found = libm::log2(errors[1] / errors[2]);
            let name = path.name();
            assert!(
                (found - order).abs() < 0.4,
                "{sampler:?}, {objective:?}, {name}: order {found}, errors {errors:?}"
            );
        }
    }

    /// All objectives are the same prediction in other words.
    #[test]
    fn every_objective_gives_the_same_data() {
        let x = Rng::new(0, "test", 0).normal_tensor([1, 1, 4, 4]);
        for path in [Path::Straight, Path::diffusion(NoiseSchedule::Linear), Path::diffusion(NoiseSchedule::Cosine)] {
            let data = [Objective::Noise, Objective::Data, Objective::V, Objective::Velocity].map(|objective| {
                let network = Best { objective, path: path.clone() };
                Model { network: &network, objective, path: &path, labels: &[None], gamma: 1.0 }.data(&x, 0.4)
            });
            for other in &data[1..] {
                let far = data[0].data().iter().zip(other.data()).map(|(a, b)| (a - b).abs()).fold(0.0, Real::max);
                assert!(far < 1e-5, "{}: {far}", path.name());
            }
        }
    }

    #[test]
    fn no_sampler_asks_the_network_more_often_than_it_says() {
        struct Counted(std::cell::Cell<usize>);
        impl tsukuru::nn::Module for Counted {
            fn visit<'a>(&'a self, _: &str, _: &mut dyn FnMut(&str, tsukuru::nn::Entry<'a>)) {}
        }
        impl Network for Counted {
            fn forward(&self, x: &Variable, _: &[f64], labels: &[Label]) -> Variable {
                self.0.set(self.0.get() + 1);
                assert_eq!(x.shape()[0], labels.len());
                x.clone()
            }
        }
        for (sampler, expected) in Sampler::value_variants().iter().zip([8, 7, 7, 8, 8]) {
            let network = Counted(0.into());
            let (objective, labels, gamma) = (Objective::Velocity, &[Some(1), None][..], 2.0);
            let model = Model { network: &network, objective, path: &Path::Straight, labels, gamma };
            model.sample(*sampler, Tensor::zeros([2, 1, 2, 2]), 8 / sampler.evaluations(), |_, _| ());
            assert_eq!(network.0.get(), expected, "{sampler:?}");
        }
    }
}
