//! RePaint (Lugmayr et al., 2022): a diffusion model fills the hidden part of images.

use crate::step09::{Diffuser, Sampler};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// The times that algorithm 1 goes through: pieces of `jump` steps, each `resample` times down and back up in between.
pub fn resampled(timesteps: &[usize], jump: usize, resample: usize) -> Vec<usize> {
    let mut times = vec![timesteps[0]];
    for start in (0..timesteps.len() - 1).step_by(jump) {
        let piece = &timesteps[start..(start + jump + 1).min(timesteps.len())];
        times.extend_from_slice(&piece[1..]);
        for _ in 1..resample {
            times.extend(piece.iter().rev().skip(1).chain(&piece[1..]));
        }
    }
    times
}

/// Images x_0 (N, C, H, W) whose pixels are kept where hidden (N, C, H, W) is 0 and filled where it is 1: from noise
/// through the times, down by the sampler, up by new noise. After each step down, the kept pixels are drawn from
/// q(x_s | x_0). `eps(x_t, t)` is the predicted noise; `step` is called after every step.
pub fn repaint(
    (diffuser, sampler): (&Diffuser, Sampler),
    eps: impl Fn(&Tensor, usize) -> Tensor,
    x_0: &Tensor,
    hidden: &Tensor,
    times: &[usize],
    rng: &mut Rng,
    mut step: impl FnMut(),
) -> Tensor {
    let (shape, n) = (*x_0.shape(), x_0.shape()[0]);
    let mut x = rng.normal_tensor(shape);
    for pair in times.windows(2) {
        let (t, s) = (pair[0], pair[1]);
        x = if s > t {
            diffuser.add_more_noise(&x, t, s, &rng.normal_tensor(shape))
        } else {
            let unknown = sampler.step(diffuser, &x, &eps(&x, t), t, s, rng);
            let known = diffuser.add_noise(x_0, &vec![s; n], &rng.normal_tensor(shape));
            select(hidden, &unknown, &known)
        };
        step();
    }
    x
}

/// The first where the mask is not 0, else the second.
pub fn select(mask: &Tensor, first: &Tensor, second: &Tensor) -> Tensor {
    let pixels = mask.data().iter().zip(first.data()).zip(second.data());
    let pixels = pixels.map(|((&mask, &first), &second)| if mask == 0.0 { second } else { first });
    Tensor::new(*mask.shape(), &Vec::from_iter(pixels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step08::{Schedule, T};
    use tsukuru::Real;

    #[test]
    fn each_piece_is_gone_through_as_often_as_asked() {
        assert_eq!(resampled(&[9, 6, 3, 0], 1, 1), [9, 6, 3, 0]);
        assert_eq!(resampled(&[9, 6, 3, 0], 1, 2), [9, 6, 9, 6, 3, 6, 3, 0, 3, 0]);
        assert_eq!(resampled(&[9, 6, 3, 0], 2, 2), [9, 6, 3, 6, 9, 6, 3, 0, 3, 0]);
        assert_eq!(resampled(&[9, 6, 3, 0], 5, 3), [9, 6, 3, 0, 3, 6, 9, 6, 3, 0, 3, 6, 9, 6, 3, 0]);
    }

    /// The data are pairs of equal numbers, x_0 = (u, u) with u from N(0, 1): the second of a pair is known, and the first
    /// must become the same. Along (1, 1), x_t has the variance 2 alpha_bar + 1 - alpha_bar = 1 + alpha_bar, and along
    /// (1, -1) 1 - alpha_bar, so the best prediction of the noise is linear.
    fn error(resample: usize) -> f64 {
        let (diffuser, sampler) = (Diffuser::new(Schedule::cosine(T)), Sampler::FIFTY_STEPS);
        let eps = |x: &Tensor, t: usize| {
            let alpha_bar = diffuser.alpha_bar(t);
            let std = (1.0 - alpha_bar).sqrt();
            let pairs = x.data().chunks(2).flat_map(|pair| {
                let [a, b] = [f64::from(pair[0]), f64::from(pair[1])];
                let (sum, difference) = (std * (a + b) / (1.0 + alpha_bar), (a - b) / std);
                [(sum + difference) / 2.0, (sum - difference) / 2.0].map(|eps| eps as Real)
            });
            Tensor::new(*x.shape(), &Vec::from_iter(pairs))
        };
        let (rng, n) = (&mut Rng::new(0, "test", 0), 2000);
        let u = rng.normal_tensor([n]);
        let x_0 = Tensor::from_fn([n, 1, 1, 2], |i| if i % 2 == 0 { 99.0 } else { u.data()[i / 2] });
        let hidden = Tensor::from_fn([n, 1, 1, 2], |i| (i % 2 == 0).into());
        let times = resampled(&sampler.timesteps(&diffuser), 1, resample);
        let x = repaint((&diffuser, sampler), eps, &x_0, &hidden, &times, rng, || ());
        let squares = x.data().chunks(2).zip(u.data()).map(|(pair, &u)| {
            assert_eq!(pair[1], u, "what is known is kept");
            f64::from(pair[0] - u).powi(2)
        });
        (squares.sum::<f64>() / n as f64).sqrt()
    }

    #[test]
    fn resampling_brings_what_is_filled_into_harmony_with_what_is_known() {
        let errors = [1, 5].map(error);
        assert!(errors[0] > 0.07 && errors[1] < 0.5 * errors[0], "{errors:?}");
    }
}
