//! [`Diffuser`]: how noise is added to images, and a step of the reverse process.

use crate::step08::{NoiseSchedule, Schedule};
use clap::ValueEnum;
use tsukuru::Real;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// How often each time is drawn in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TimestepSampling {
    /// All equally often, as in the book.
    Uniform,
    /// In proportion to min(1, 1 / SNR), SNR = alpha_bar_t / (1 - alpha_bar_t): less often where there is little noise. On
    /// average it weights the squared error of the noise as Hang et al. (2023, section 3.4) do with gamma = 1, by how often
    /// a time is drawn instead of by a factor.
    MinSnr,
}

impl TimestepSampling {
    /// As flags and the files of models have it.
    pub fn name(self) -> &'static str {
        match self {
            TimestepSampling::Uniform => "uniform",
            TimestepSampling::MinSnr => "min-snr",
        }
    }
}

/// A noise schedule of T steps for images. Times run from 1 (little noise) to T (almost pure noise); time 0 is the image
/// itself.
pub struct Diffuser {
    schedule: Schedule,
    timesteps: TimestepSampling,
}

impl Diffuser {
    /// With this schedule, and times that are drawn uniformly.
    pub fn new(schedule: Schedule) -> Diffuser {
        Diffuser { schedule, timesteps: TimestepSampling::Uniform }
    }

    /// The same, with times that are drawn in another way.
    pub fn timesteps(self, timesteps: TimestepSampling) -> Diffuser {
        Diffuser { timesteps, ..self }
    }

    pub fn timestep_sampling(&self) -> TimestepSampling {
        self.timesteps
    }

    /// Which schedule it is.
    pub fn noise_schedule(&self) -> NoiseSchedule {
        self.schedule.kind()
    }

    /// T.
    pub fn num_timesteps(&self) -> usize {
        self.schedule.num_timesteps()
    }

    /// beta_t, for t from 1 to T.
    #[track_caller]
    pub fn beta(&self, t: usize) -> f64 {
        self.schedule.beta(t)
    }

    /// alpha_bar_t, for t from 0 to T.
    #[track_caller]
    pub fn alpha_bar(&self, t: usize) -> f64 {
        self.schedule.alpha_bar(t)
    }

    /// t (N), independent, from 1 to T, uniformly or as [`TimestepSampling`] says.
    pub fn random_timesteps(&self, n: usize, rng: &mut Rng) -> Vec<usize> {
        if self.timesteps == TimestepSampling::Uniform {
            return (0..n).map(|_| 1 + rng.below(self.num_timesteps())).collect();
        }
        let mut sum = 0.0;
        let weights = (1..=self.num_timesteps()).map(|t| ((1.0 - self.alpha_bar(t)) / self.alpha_bar(t)).min(1.0));
        let cumulative = Vec::from_iter(weights.map(|weight| {
            sum += weight;
            sum
        }));
        let draw = |u: f64| 1 + cumulative.partition_point(|&below| below <= u * sum).min(self.num_timesteps() - 1);
        (0..n).map(|_| draw(rng.uniform())).collect()
    }

    /// A sample of q(x_t | x_0), for each image its own t: x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise
    /// (Ho et al., equation 4). x_0 and noise are (N, C, H, W), t (N).
    ///
    /// # Panics
    /// If noise has another shape than x_0, or t are not N times up to T.
    #[track_caller]
    pub fn add_noise(&self, x_0: &Tensor, t: &[usize], noise: &Tensor) -> Tensor {
        let (shape, num_timesteps) = (x_0.shape(), self.num_timesteps());
        assert!(shape.first() == Some(&t.len()), "add_noise: x_0 {shape} and {} times", t.len());
        assert!(shape == noise.shape(), "add_noise: x_0 {shape} and noise {} differ", noise.shape());
        assert!(t.iter().all(|&t| t <= num_timesteps), "add_noise: times {t:?} are not all within 0..={num_timesteps}");
        let pixels = (shape.count() / t.len().max(1)).max(1);
        let images = x_0.data().chunks(pixels).zip(noise.data().chunks(pixels));
        Tensor::build(*shape, |x_t| {
            for ((x_t, (x_0, noise)), &t) in x_t.chunks_mut(pixels).zip(images).zip(t) {
                let (scale, std) = (self.alpha_bar(t).sqrt() as Real, (1.0 - self.alpha_bar(t)).sqrt() as Real);
                x_t.iter_mut().zip(x_0).zip(noise).for_each(|((x_t, x_0), noise)| *x_t = scale * x_0 + std * noise);
            }
        })
    }

    /// A sample of q(x_t | x_s) for s <= t, more noise on images that have some:
    /// x_t = sqrt(alpha_bar_t / alpha_bar_s) x_s + sqrt(1 - alpha_bar_t / alpha_bar_s) noise. x_s and noise are
    /// (N, C, H, W).
    ///
    /// # Panics
    /// If s is later than t or t than T, or noise has another shape than x_s.
    #[track_caller]
    pub fn add_more_noise(&self, x_s: &Tensor, s: usize, t: usize, noise: &Tensor) -> Tensor {
        assert!(s <= t, "add_more_noise: expected s <= t, found s = {s} and t = {t}");
        let kept = self.alpha_bar(t) / self.alpha_bar(s);
        let (scale, std) = (kept.sqrt() as Real, (1.0 - kept).sqrt() as Real);
        x_s.zip(noise, |x_s, noise| scale * x_s + std * noise)
    }

    /// A step of DDPM's sampler, from x_t to x_(t-1), given the noise eps in x_t (Ho et al., algorithm 2):
    /// mean = (x_t - beta_t / sqrt(1 - alpha_bar_t) eps) / sqrt(alpha_t),
    /// variance = beta_t (1 - alpha_bar_(t-1)) / (1 - alpha_bar_t), which is 0 at t = 1. x_t and eps are (N, C, H, W).
    ///
    /// # Panics
    /// If t is not within 1..=T, or eps has another shape than x_t.
    #[track_caller]
    pub fn ddpm_step(&self, x_t: &Tensor, eps: &Tensor, t: usize, rng: &mut Rng) -> Tensor {
        let (beta, alpha_bar, alpha_bar_prev) = (self.beta(t), self.alpha_bar(t), self.alpha_bar(t - 1));
        let eps_scale = (beta / (1.0 - alpha_bar).sqrt()) as Real;
        let scale = (1.0 / (1.0 - beta).sqrt()) as Real;
        let std = (beta * (1.0 - alpha_bar_prev) / (1.0 - alpha_bar)).sqrt() as Real;
        elementwise(x_t, eps, rng, |x, eps, noise| (x - eps_scale * eps) * scale + std * noise)
    }

    /// A step of DDIM's sampler, from x_t to x_s for any s < t, or with eta = 0 for any s, back to noise as well (Song, Meng, Ermon, 2021, equations 12 and 16):
    /// x_0 = (x_t - sqrt(1 - alpha_bar_t) eps) / sqrt(alpha_bar_t), the prediction of x_0,
    /// x_s = sqrt(alpha_bar_s) x_0 + sqrt(1 - alpha_bar_s - sigma^2) eps + sigma noise,
    /// sigma = eta sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t)) sqrt(1 - alpha_bar_t / alpha_bar_s).
    /// With eta = 1 and s = t - 1 this is [`ddpm_step`](Diffuser::ddpm_step).
    ///
    /// # Panics
    /// If s or t is later than T, eta > 0 and s not below t, or eps has another shape than x_t.
    #[track_caller]
    pub fn ddim_step(&self, x_t: &Tensor, eps: &Tensor, t: usize, s: usize, eta: f64, rng: &mut Rng) -> Tensor {
        assert!(s < t || eta == 0.0, "ddim_step: expected s < t, found s = {s} and t = {t}");
        let (alpha_bar_t, alpha_bar_s) = (self.alpha_bar(t), self.alpha_bar(s));
        let variance = (1.0 - alpha_bar_s) / (1.0 - alpha_bar_t) * (1.0 - alpha_bar_t / alpha_bar_s);
        let sigma = eta * variance.max(0.0).sqrt(); // negative for s > t
        let scale = (alpha_bar_s / alpha_bar_t).sqrt();
        let eps_scale =
            ((1.0 - alpha_bar_s - sigma * sigma).max(0.0).sqrt() - scale * (1.0 - alpha_bar_t).sqrt()) as Real;
        let (scale, sigma) = (scale as Real, sigma as Real);
        elementwise(x_t, eps, rng, |x, eps, noise| scale * x + eps_scale * eps + sigma * noise)
    }

    /// The predicted noise in x_t where the image that it leaves, x_0 = (x_t - sqrt(1 - alpha_bar_t) eps) / sqrt(alpha_bar_t),
    /// is clipped to the pixels that there are, 0 to 1 (as the programs of Ho et al. do; the book does not). Near pure noise
    /// a small error of eps is a large one of x_0. Noise that is not finite stays so. x_t and eps are (N, C, H, W).
    ///
    /// # Panics
    /// If t is not within 1..=T, or eps has another shape than x_t.
    #[track_caller]
    pub fn clip_noise(&self, x_t: &Tensor, eps: &Tensor, t: usize) -> Tensor {
        let (scale, std) = (self.alpha_bar(t).sqrt() as Real, (1.0 - self.alpha_bar(t)).sqrt() as Real);
        assert!(x_t.shape() == eps.shape(), "clip_noise: x {} and eps {} differ", x_t.shape(), eps.shape());
        let numbers = x_t.data().iter().zip(eps.data());
        Tensor::build(*x_t.shape(), |clipped| {
            for (clipped, (x, eps)) in clipped.iter_mut().zip(numbers) {
                let x_0 = (x - std * eps) / scale;
                let stays = (0.0..=1.0).contains(&x_0) || !eps.is_finite();
                *clipped = if stays { *eps } else { (x - scale * x_0.clamp(0.0, 1.0)) / std };
            }
        })
    }
}

/// f(x, eps, noise) for each number of x and eps, with fresh standard normal noise.
#[track_caller]
fn elementwise(x: &Tensor, eps: &Tensor, rng: &mut Rng, f: impl Fn(Real, Real, Real) -> Real) -> Tensor {
    assert!(x.shape() == eps.shape(), "sampling step: x {} and eps {} differ", x.shape(), eps.shape());
    let noise = rng.normal_tensor(*x.shape());
    let numbers = x.data().iter().zip(eps.data()).zip(noise.data());
    Tensor::build(*x.shape(), |out| {
        out.iter_mut().zip(numbers).for_each(|(out, ((&x, &eps), &noise))| *out = f(x, eps, noise));
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step08::T;

    #[test]
    fn the_schedule_is_the_book_s() {
        let diffuser = Diffuser::new(Schedule::linear(T));
        assert_eq!((diffuser.beta(1), diffuser.beta(1000)), (1e-4, 0.02));
        assert_eq!((diffuser.alpha_bar(0), diffuser.alpha_bar(1)), (1.0, 1.0 - 1e-4));
        assert!((diffuser.alpha_bar(T) - 4.0358e-5).abs() < 1e-8, "{}", diffuser.alpha_bar(T));
    }

    #[test]
    fn random_timesteps_are_uniform_from_1_to_t() {
        let t = Diffuser::new(Schedule::linear(10)).random_timesteps(1000, &mut Rng::new(0, "t", 0));
        let count = |timestep: usize| t.iter().filter(|&&t| t == timestep).count();
        assert!((1..=10).all(|timestep| count(timestep) > 50), "{:?}", (0..=11).map(count).collect::<Vec<_>>());
        assert_eq!((1..=10).map(count).sum::<usize>(), 1000);
    }

    #[test]
    fn min_snr_draws_times_of_little_noise_less_often() {
        let (diffuser, n) = (Diffuser::new(Schedule::cosine(4)).timesteps(TimestepSampling::MinSnr), 10_000);
        let t = diffuser.random_timesteps(n, &mut Rng::new(0, "t", 0));
        let weights = [1, 2, 3, 4].map(|t| (1.0 / diffuser.alpha_bar(t) - 1.0).min(1.0));
        for (i, weight) in weights.iter().enumerate() {
            let share = t.iter().filter(|&&t| t == i + 1).count() as f64 / n as f64;
            let expected = weight / weights.iter().sum::<f64>();
            assert!((share - expected).abs() < 0.02, "t = {}: {share}, not {expected}", i + 1); // 4 standard errors
        }
        assert!(weights[0] < 0.25 && weights[2] == 1.0, "{weights:?}");
    }

    /// The last step adds no noise: x_0 = (x_1 - sqrt(beta_1) eps) / sqrt(1 - beta_1). Before it, noise of the given
    /// standard deviation comes on top.
    #[test]
    fn a_ddpm_step_is_algorithm_2() {
        let diffuser = Diffuser::new(Schedule::linear(T));
        let mut rng = Rng::new(0, "x", 0);
        let (x, eps) = (rng.normal_tensor([1, 1, 16, 16]), rng.normal_tensor([1, 1, 16, 16]));
        let noise = |t: usize| -> Vec<f64> {
            let beta = diffuser.beta(t);
            let mean = |x: Real, eps: Real| {
                let eps_scale = beta / (1.0 - diffuser.alpha_bar(t)).sqrt();
                (f64::from(x) - eps_scale * f64::from(eps)) / (1.0 - beta).sqrt()
            };
            let x_prev = diffuser.ddpm_step(&x, &eps, t, &mut Rng::new(0, "sampling", 0));
            let means = x.data().iter().zip(eps.data()).map(|(&x, &eps)| mean(x, eps));
            x_prev.data().iter().zip(means).map(|(&x, mean)| f64::from(x) - mean).collect()
        };
        assert!(noise(1).iter().all(|noise| noise.abs() < 1e-5));
        let noise = noise(500);
        let std = (noise.iter().map(|x| x * x).sum::<f64>() / noise.len() as f64).sqrt();
        assert!((std / diffuser.beta(500).sqrt() - 1.0).abs() < 0.1, "{std}");
    }

    fn refusal(f: impl FnOnce(&Diffuser) -> Tensor) -> String {
        let f = || f(&Diffuser::new(Schedule::linear(T)));
        let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).expect_err("a panic");
        said.downcast_ref::<String>().expect("a sentence").clone()
    }

    #[test]
    fn noise_of_another_shape_is_refused() {
        let refused = |t: &[usize], noise: &[usize]| {
            refusal(|diffuser| diffuser.add_noise(&Tensor::zeros([2, 1, 4, 4]), t, &Tensor::zeros(noise)))
        };
        assert_eq!(refused(&[1], &[2, 1, 4, 4]), "add_noise: x_0 (2, 1, 4, 4) and 1 times");
        assert_eq!(refused(&[1, 2], &[2, 4, 4]), "add_noise: x_0 (2, 1, 4, 4) and noise (2, 4, 4) differ");
        assert_eq!(refused(&[0, 1001], &[2, 1, 4, 4]), "add_noise: times [0, 1001] are not all within 0..=1000");
    }

    #[test]
    fn a_step_in_the_wrong_direction_or_with_noise_of_another_shape_is_refused() {
        let (x, eps, rng) = (Tensor::zeros([1, 1, 2, 2]), Tensor::zeros([1, 1, 2, 3]), &mut Rng::new(0, "test", 0));
        let differ = "x (1, 1, 2, 2) and eps (1, 1, 2, 3) differ";
        let later = refusal(|diffuser| diffuser.ddim_step(&x, &x, 5, 5, 1.0, rng));
        assert_eq!(later, "ddim_step: expected s < t, found s = 5 and t = 5");
        let earlier = refusal(|diffuser| diffuser.add_more_noise(&x, 2, 1, &x));
        assert_eq!(earlier, "add_more_noise: expected s <= t, found s = 2 and t = 1");
        assert_eq!(refusal(|diffuser| diffuser.ddpm_step(&x, &eps, 5, rng)), format!("sampling step: {differ}"));
        assert_eq!(refusal(|diffuser| diffuser.clip_noise(&x, &eps, 5)), format!("clip_noise: {differ}"));
    }

    #[test]
    fn each_image_gets_the_noise_of_its_own_time() {
        let (diffuser, mut rng) = (Diffuser::new(Schedule::linear(T)), Rng::new(0, "test", 0));
        let (x_0, noise) = (rng.normal_tensor([4, 1, 3, 3]), rng.normal_tensor([4, 1, 3, 3]));
        let t = [0, 1, 300, 1000];
        let x_t = diffuser.add_noise(&x_0, &t, &noise);
        for (i, &x) in x_t.data().iter().enumerate() {
            let [x_0, noise] = [&x_0, &noise].map(|x| f64::from(x.data()[i]));
            let expected = diffuser.schedule.q_sample(x_0, t[i / 9], noise);
            assert!((f64::from(x) - expected).abs() < 1e-5, "t = {}: {x}, not {expected}", t[i / 9]);
        }
        let [none, pixels] = [0, 2].map(|n| Tensor::zeros([n, 1, 1, 1]));
        assert_eq!(diffuser.add_noise(&none, &[], &none), none);
        let x_t = diffuser.add_noise(&pixels, &[0, 1000], &pixels.map(|_| 1.0));
        assert!(x_t.data()[0] == 0.0 && x_t.data()[1] > 0.9, "{x_t:?}");
    }

    #[test]
    fn noise_keeps_the_variance() {
        let mut rng = Rng::new(0, "test", 0);
        let (x_0, noise) = (rng.normal_tensor([2, 1, 100, 100]), rng.normal_tensor([2, 1, 100, 100]));
        let x_t = Diffuser::new(Schedule::linear(T)).add_noise(&x_0, &[1, 1000], &noise);
        let square = |x: &[Real]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / x.len() as f64;
        assert!((square(x_t.data()) - 1.0).abs() < 0.03);
        let far: Vec<Real> = x_t.data()[10_000..].iter().zip(&noise.data()[10_000..]).map(|(x, n)| x - n).collect();
        assert!(square(&far) < 1e-4, "at t = T there is nearly nothing but noise");
    }

    /// In two steps of different lengths as in one: the mean and the variance of x_t given x_0.
    #[test]
    fn more_noise_on_a_noisy_image_is_the_noise_of_the_later_time() {
        let (diffuser, rng, shape) =
            (Diffuser::new(Schedule::linear(T)), &mut Rng::new(0, "test", 0), [1, 1, 200, 200]);
        let x_0 = Tensor::full(shape, 2.0);
        let x_s = diffuser.add_noise(&x_0, &[100], &rng.normal_tensor(shape));
        let x_t = diffuser.add_more_noise(&x_s, 100, 400, &rng.normal_tensor(shape));
        let mean = x_t.data().iter().map(|&x| f64::from(x)).sum::<f64>() / 4e4;
        let variance = x_t.data().iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / 4e4;
        let alpha_bar = diffuser.alpha_bar(400);
        assert!((mean - 2.0 * alpha_bar.sqrt()).abs() < 0.02, "{mean}"); // 4 standard errors, about
        assert!((variance - (1.0 - alpha_bar)).abs() < 0.03, "{variance}");
        assert_eq!(diffuser.add_more_noise(&x_s, 100, 100, &x_0), x_s);
        assert_eq!(diffuser.add_more_noise(&x_0, 0, 400, &x_t), diffuser.add_noise(&x_0, &[400], &x_t));
    }

    /// The same noise leads back.
    #[test]
    fn a_ddim_step_without_noise_can_be_undone() {
        let (diffuser, rng) = (Diffuser::new(Schedule::linear(T)), &mut Rng::new(0, "test", 0));
        let (x, eps) = (rng.normal_tensor([1, 1, 8, 8]), rng.normal_tensor([1, 1, 8, 8]));
        for (s, t) in [(0, 20), (300, 500), (980, T)] {
            let noisier = diffuser.ddim_step(&x, &eps, s, t, 0.0, rng);
            let back = diffuser.ddim_step(&noisier, &eps, t, s, 0.0, rng);
            let far = back.data().iter().zip(x.data()).map(|(a, b)| (a - b).abs()).fold(0.0, Real::max);
            assert!(far < 1e-4 && noisier != x, "{s} to {t}: {far}");
        }
    }

    /// No picture is made of it.
    #[test]
    fn noise_that_is_not_finite_is_not_clipped() {
        let eps = Tensor::new([1, 1, 1, 3], &[Real::NAN, Real::INFINITY, Real::NEG_INFINITY]);
        let clipped = Diffuser::new(Schedule::linear(T)).clip_noise(&Tensor::zeros([1, 1, 1, 3]), &eps, 500);
        assert!(clipped.data()[0].is_nan() && clipped.data()[1..] == eps.data()[1..], "{:?}", clipped.data());
    }

    /// A prediction whose image lies within 0..1 stays as it is; from any other, the image is clipped.
    #[test]
    fn clipped_noise_leaves_an_image_of_pixels() {
        for schedule in [Schedule::linear(T), Schedule::cosine(T)] {
            let (diffuser, mut rng) = (Diffuser::new(schedule), Rng::new(0, "test", 0));
            for t in [1, 500, T] {
                let (scale, std) = (diffuser.alpha_bar(t).sqrt(), (1.0 - diffuser.alpha_bar(t)).sqrt());
                let (x, eps) = (rng.normal_tensor([1, 1, 20, 20]), rng.normal_tensor([1, 1, 20, 20]));
                let clipped = diffuser.clip_noise(&x, &eps, t);
                for ((&x, &eps), &clipped) in x.data().iter().zip(eps.data()).zip(clipped.data()) {
                    let [x, eps, clipped] = [x, eps, clipped].map(f64::from);
                    let x_0 = (x - std * eps) / scale;
                    assert!(clipped == eps || !(0.001..0.999).contains(&x_0), "t = {t}: {clipped}, not {eps}");
                    let expected = (x - scale * x_0.clamp(0.0, 1.0)) / std;
                    assert!(
                        (clipped - expected).abs() < 1e-6 * (1.0 + x.abs() / std),
                        "t = {t}: {clipped}, not {expected}"
                    );
                }
            }
        }
    }
}
