//! The loss of a diffusion model.

use super::diffuser::Diffuser;
use super::unet::{Label, UNet};
use tsukuru::ops::Reduction;
use tsukuru::random::Rng;
use tsukuru::shape::Shape;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// The mean squared error of the predicted noise (Ho et al., equation 14): images x_0 (N, 1, H, W) get noise of random
/// times, and the model predicts it, conditioned on `labels` (N); in step 9 on none.
pub fn noise_loss(model: &UNet, diffuser: &Diffuser, x_0: &Tensor, labels: &[Label], seed: u64, step: u64) -> Variable {
    let (t, noise) = random_noise(diffuser, x_0.shape(), seed, step);
    let x_t = diffuser.add_noise(x_0, &t, &noise);
    model.forward_conditioned(&x_t.into(), &t, labels).mse_loss(&noise.into(), Reduction::Mean)
}

/// For each image of shape (N, C, H, W) a time t (N), uniform from 1 to T, and standard normal noise of that shape.
pub fn random_noise(diffuser: &Diffuser, shape: &Shape, seed: u64, step: u64) -> (Vec<usize>, Tensor) {
    let mut rng = Rng::new(seed, "t", step);
    let t = (0..shape[0]).map(|_| 1 + rng.below(diffuser.steps())).collect();
    (t, Rng::new(seed, "noise", step).normal_tensor(*shape))
}

#[cfg(test)]
mod tests {
    use super::super::diffuser::T;
    use super::*;

    #[test]
    fn times_run_from_1_to_t() {
        let (t, _) = random_noise(&Diffuser::new(10), &Shape::new(&[1000, 1, 1, 1]), 0, 0);
        let count = |time: usize| t.iter().filter(|&&t| t == time).count();
        assert!((1..=10).all(|time| count(time) > 50), "{:?}", (0..=11).map(count).collect::<Vec<_>>());
        assert_eq!((1..=10).map(count).sum::<usize>(), 1000);
    }

    #[test]
    fn the_loss_is_the_mean_squared_error_of_the_noise() {
        let (mut rng, diffuser) = (Rng::new(0, "init", 0), Diffuser::new(T));
        let model = UNet::new(1, 4, &mut rng);
        let x_0 = rng.normal_tensor([3, 1, 8, 8]);
        let (t, noise) = random_noise(&diffuser, x_0.shape(), 0, 5);
        let prediction = model.forward_conditioned(&diffuser.add_noise(&x_0, &t, &noise).into(), &t, &[None; 3]);
        let squares =
            prediction.value().data().iter().zip(noise.data()).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        let (found, expected) =
            (f64::from(noise_loss(&model, &diffuser, &x_0, &[None; 3], 0, 5).item()), squares / 192.0);
        assert!((found / expected - 1.0).abs() < 1e-5, "{found}, not {expected}");
    }

    #[test]
    fn times_and_noise_follow_from_seed_and_step() {
        let draw = |seed, step| random_noise(&Diffuser::new(T), &Shape::new(&[8, 1, 2, 2]), seed, step);
        assert_eq!(draw(0, 3), draw(0, 3));
        for (t, noise) in [draw(0, 4), draw(1, 3)] {
            assert!(t != draw(0, 3).0 && noise != draw(0, 3).1);
        }
    }
}
