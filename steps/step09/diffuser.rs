//! The noise schedule: how noise is added to an image, and how it is taken away again.

use tsukuru::Real;
use tsukuru::mode::{evaluating, no_grad};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

use super::UNet;

/// How many steps there are between an image and noise.
pub const T: usize = 1000;

/// A schedule of `steps` noise steps. Times run from 1 (almost the image) to `steps` (almost pure noise); time 0 is the
/// image itself.
pub struct Diffuser {
    /// How much of the variance is new noise at each time: beta_1, .., beta_T.
    betas: Vec<f64>,
    /// What is left of the image's variance at time t: alpha_bar_t = product of (1 - beta_s) for s <= t; alpha_bar_0 = 1.
    alpha_bars: Vec<f64>,
}

impl Diffuser {
    /// The book's schedule: `steps` betas, evenly spaced from 0.0001 to 0.02.
    pub fn new(steps: usize) -> Diffuser {
        let (first, last) = (1e-4, 0.02);
        let beta = |i: usize| first + (last - first) * i as f64 / (steps - 1).max(1) as f64;
        let betas: Vec<f64> = (0..steps).map(beta).collect();
        let mut alpha_bars = vec![1.0];
        alpha_bars.extend(betas.iter().scan(1.0, |product, beta| {
            *product *= 1.0 - beta;
            Some(*product)
        }));
        Diffuser { betas, alpha_bars }
    }

    pub fn steps(&self) -> usize {
        self.betas.len()
    }

    /// The share of new noise in the step to time t, from 1 to T.
    #[track_caller]
    pub fn beta(&self, t: usize) -> f64 {
        self.betas[t - 1]
    }

    /// The share of the image at time t, from 0 to T.
    #[track_caller]
    pub fn alpha_bar(&self, t: usize) -> f64 {
        self.alpha_bars[t]
    }

    /// All t steps at once, for each image its own t: x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise
    /// (Ho et al., equation 4). x_0 and noise are (N, C, H, W), t (N).
    ///
    /// # Panics
    /// If noise has another shape than x_0, or t are not N times up to T.
    #[track_caller]
    pub fn add_noise(&self, x_0: &Tensor, t: &[usize], noise: &Tensor) -> Tensor {
        let (shape, steps) = (x_0.shape(), self.steps());
        assert!(shape.first() == Some(&t.len()), "add_noise: x_0 {shape} and {} times", t.len());
        assert!(shape == noise.shape(), "add_noise: x_0 {shape} and noise {} differ", noise.shape());
        assert!(t.iter().all(|&t| t <= steps), "add_noise: times {t:?} are not all within 0..={steps}");
        let pixels = (shape.count() / t.len().max(1)).max(1);
        let images = x_0.data().chunks(pixels).zip(noise.data().chunks(pixels));
        Tensor::written(*shape, |x_t| {
            for ((x_t, (x_0, noise)), &t) in x_t.chunks_mut(pixels).zip(images).zip(t) {
                let (keep, add) = (self.alpha_bar(t).sqrt() as Real, (1.0 - self.alpha_bar(t)).sqrt() as Real);
                x_t.iter_mut().zip(x_0).zip(noise).for_each(|((x_t, x_0), noise)| *x_t = keep * x_0 + add * noise);
            }
        })
    }

    /// One step back, from x_t to x_(t-1), by what the model takes for noise (Ho et al., algorithm 2):
    /// mean = (x_t - beta_t / sqrt(1 - alpha_bar_t) eps) / sqrt(alpha_t),
    /// variance = beta_t (1 - alpha_bar_(t-1)) / (1 - alpha_bar_t), which is 0 at t = 1. x_t is (N, C, H, W).
    #[track_caller]
    pub fn denoise(&self, model: &UNet, x_t: &Tensor, t: usize, rng: &mut Rng) -> Tensor {
        let times = vec![t; x_t.shape()[0]];
        let eps = no_grad(|| evaluating(|| model.forward(&Variable::new(x_t.clone()), &times)));
        let (beta, alpha_bar, alpha_bar_before) = (self.beta(t), self.alpha_bar(t), self.alpha_bar(t - 1));
        let eps_scale = (beta / (1.0 - alpha_bar).sqrt()) as Real;
        let scale = (1.0 / (1.0 - beta).sqrt()) as Real;
        let std = (beta * (1.0 - alpha_bar_before) / (1.0 - alpha_bar)).sqrt() as Real;
        let noise = rng.normal_tensor(*x_t.shape());
        let (eps, noise) = (eps.value(), noise.data());
        Tensor::written(*x_t.shape(), |x| {
            for (i, x) in x.iter_mut().enumerate() {
                *x = (x_t.data()[i] - eps_scale * eps.data()[i]) * scale + std * noise[i];
            }
        })
    }

    /// Images of `shape` (N, C, H, W), from pure noise. `watch` sees (t, x_t) after every step.
    pub fn sample(
        &self,
        model: &UNet,
        shape: [usize; 4],
        rng: &mut Rng,
        mut watch: impl FnMut(usize, &Tensor),
    ) -> Tensor {
        let mut x = rng.normal_tensor(shape);
        for t in (1..=self.steps()).rev() {
            x = self.denoise(model, &x, t, rng);
            watch(t - 1, &x);
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_the_book_s() {
        let diffuser = Diffuser::new(T);
        assert_eq!((diffuser.betas[0], diffuser.betas[999]), (1e-4, 0.02));
        assert_eq!((diffuser.alpha_bar(0), diffuser.alpha_bar(1)), (1.0, 1.0 - 1e-4));
        assert!((diffuser.alpha_bar(T) - 4.0358e-5).abs() < 1e-8, "{}", diffuser.alpha_bar(T));
    }

    /// The last step adds no noise: x_0 = (x_1 - sqrt(beta_1) eps) / sqrt(1 - beta_1). Before it, noise of the given
    /// standard deviation comes on top.
    #[test]
    fn a_step_back_is_algorithm_2() {
        let diffuser = Diffuser::new(T);
        let model = UNet::new(1, 2, &mut Rng::new(0, "init", 0));
        let x = Rng::new(0, "x", 0).normal_tensor([1, 1, 16, 16]);
        let off = |t: usize| -> Vec<f64> {
            let eps = no_grad(|| evaluating(|| model.forward(&Variable::new(x.clone()), &[t])));
            let beta = diffuser.beta(t);
            let mean = |x: Real, eps: Real| {
                let eps_scale = beta / (1.0 - diffuser.alpha_bar(t)).sqrt();
                (f64::from(x) - eps_scale * f64::from(eps)) / (1.0 - beta).sqrt()
            };
            let before = diffuser.denoise(&model, &x, t, &mut Rng::new(0, "sampling", 0));
            let pairs = x.data().iter().zip(eps.value().data()).map(|(&x, &eps)| mean(x, eps)).collect::<Vec<_>>();
            before.data().iter().zip(pairs).map(|(&x, mean)| f64::from(x) - mean).collect()
        };
        assert!(off(1).iter().all(|off| off.abs() < 1e-5));
        let off = off(500);
        let std = (off.iter().map(|x| x * x).sum::<f64>() / off.len() as f64).sqrt();
        assert!((std / diffuser.beta(500).sqrt() - 1.0).abs() < 0.1, "{std}");
    }

    #[test]
    fn noise_that_does_not_fit_is_refused() {
        let refused = |t: &[usize], noise: &[usize]| {
            let add = || Diffuser::new(T).add_noise(&Tensor::zeros([2, 1, 4, 4]), t, &Tensor::zeros(noise));
            let said = std::panic::catch_unwind(add).expect_err("a panic");
            said.downcast_ref::<String>().expect("a sentence").clone()
        };
        assert_eq!(refused(&[1], &[2, 1, 4, 4]), "add_noise: x_0 (2, 1, 4, 4) and 1 times");
        assert_eq!(refused(&[1, 2], &[2, 4, 4]), "add_noise: x_0 (2, 1, 4, 4) and noise (2, 4, 4) differ");
        assert_eq!(refused(&[0, 1001], &[2, 1, 4, 4]), "add_noise: times [0, 1001] are not all within 0..=1000");
    }

    #[test]
    fn noise_keeps_the_variance() {
        let mut rng = Rng::new(0, "test", 0);
        let (x_0, noise) = (rng.normal_tensor([2, 1, 100, 100]), rng.normal_tensor([2, 1, 100, 100]));
        let x_t = Diffuser::new(T).add_noise(&x_0, &[1, 1000], &noise);
        let square = |x: &[Real]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / x.len() as f64;
        assert!((square(x_t.data()) - 1.0).abs() < 0.03);
        let far: Vec<Real> = x_t.data()[10_000..].iter().zip(&noise.data()[10_000..]).map(|(x, n)| x - n).collect();
        assert!(square(&far) < 1e-4, "at t = T there is nearly nothing but noise");
    }
}
