//! A network that classifies noisy images.

use crate::step09::{ConvBlock, TIME_DIM, time_encoding};
use tsukuru::backward::grad;
use tsukuru::mode::eval_mode;
use tsukuru::module;
use tsukuru::nn::Linear;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// The encoder half of the U-Net, then global average pooling and a linear layer.
///
/// ```text
/// x (N, C, 28, 28)
///   down1 (N, w, 28, 28), pool, down2 (N, 2w, 14, 14), pool, bot1 (N, 4w, 7, 7), mean (N, 4w), out (N, K)
/// ```
pub struct NoisyClassifier {
    down1: ConvBlock,
    down2: ConvBlock,
    bot1: ConvBlock,
    out: Linear,
}

module!(NoisyClassifier { down1, down2, bot1, out });

impl NoisyClassifier {
    /// For images of `channels`, and so many labels; `width` channels at full resolution.
    pub fn new(channels: usize, width: usize, labels: usize, rng: &mut Rng) -> NoisyClassifier {
        let w = width;
        NoisyClassifier {
            down1: ConvBlock::new(channels, w, TIME_DIM, rng),
            down2: ConvBlock::new(w, 2 * w, TIME_DIM, rng),
            bot1: ConvBlock::new(2 * w, 4 * w, TIME_DIM, rng),
            out: Linear::new(4 * w, labels, rng),
        }
    }

    /// x (N, C, H, W) at times t (N) -> logits (N, K) of K labels
    pub fn forward(&self, x: &Variable, t: &[usize]) -> Variable {
        let t = Vec::from_iter(t.iter().map(|&t| t as f64));
        let v = Variable::new(time_encoding(&t, TIME_DIM));
        let mut x = self.down1.forward(x, &v);
        x = self.down2.forward(&x.max_pool2d(2, 2), &v);
        x = self.bot1.forward(&x.max_pool2d(2, 2), &v);
        self.out.forward(&x.mean([2, 3]))
    }

    /// d ln p(label | x) / dx (N, C, H, W) of images x (N, C, H, W), all at time t, and their labels (N).
    pub fn log_prob_gradient(&self, x: &Tensor, t: usize, labels: &[usize]) -> Tensor {
        let x = Variable::parameter(x.clone());
        let logits = eval_mode(|| self.forward(&x, &vec![t; labels.len()]));
        let ln_p = logits.log_softmax(1).gather(labels);
        let [dx] = grad(&ln_p, [&x], false); // of the sum: each image has a term of its own
        dx.value().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsukuru::Real;
    use tsukuru::mode::no_grad;

    /// A finite difference along the gradient of each image by itself; ReLUs and rounding make it inexact.
    #[test]
    fn the_gradient_is_the_slope_of_the_log_probability() {
        let mut rng = Rng::new(0, "init", 0);
        let classifier = NoisyClassifier::new(1, 4, 10, &mut rng);
        let x = rng.normal_tensor([3, 1, 8, 8]);
        let labels = [2, 9, 4];
        let gradient = classifier.log_prob_gradient(&x, 100, &labels);
        let ln_p = |x: Tensor, i: usize| {
            let logits = no_grad(|| eval_mode(|| classifier.forward(&x.into(), &[100; 3])));
            f64::from(logits.log_softmax(1).value().data()[i * 10 + labels[i]])
        };
        for i in 0..3 {
            let own = i * 64..(i + 1) * 64;
            let length = gradient.data()[own.clone()].iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
            let moved = |by: f64| {
                let mut x = x.clone();
                let along = x.data_mut()[own.clone()].iter_mut().zip(&gradient.data()[own.clone()]);
                along.for_each(|(x, &g)| *x += (by * f64::from(g) / length) as Real);
                ln_p(x, i)
            };
            let slope = (moved(0.1) - moved(-0.1)) / 0.2;
            assert!((slope / length - 1.0).abs() < 0.25, "image {i}: slope {slope}, length of the gradient {length}");
        }
    }
}
