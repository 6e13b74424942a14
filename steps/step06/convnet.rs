//! A small convolutional network that reads digits. Later steps ask it what they have drawn.

use crate::step03::Matrix;
use anyhow::{Context, Result};
use std::path::Path;
use tsukuru::Real;
use tsukuru::mode::{eval_mode, no_grad};
use tsukuru::module;
use tsukuru::nn::{self, BatchNorm2d, Conv2d, Linear};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// Pixels along a side of the images that it reads.
pub const SIDE: usize = 28;
/// How many numbers it makes of an image before it decides.
pub const FEATURES: usize = 64;

/// Three times convolution, batch norm, ReLU and a pool that halves the image, then two linear layers.
///
/// ```text
/// x (N, 1, 28, 28)
///   conv1, norm1, pool (N, 16, 14, 14)
///   conv2, norm2, pool (N, 32, 7, 7)
///   conv3, norm3, pool (N, 64, 3, 3)
///   linear1            (N, 64) features
///   linear2            (N, 10) logits
/// ```
pub struct Convnet {
    conv1: Conv2d,
    norm1: BatchNorm2d,
    conv2: Conv2d,
    norm2: BatchNorm2d,
    conv3: Conv2d,
    norm3: BatchNorm2d,
    linear1: Linear,
    linear2: Linear,
}

module!(Convnet { conv1, norm1, conv2, norm2, conv3, norm3, linear1, linear2 });

impl Convnet {
    pub fn new(rng: &mut Rng) -> Convnet {
        let conv = |c, c_out, rng: &mut Rng| Conv2d::new(c, c_out, 3, rng).padding(1);
        Convnet {
            conv1: conv(1, 16, rng),
            norm1: BatchNorm2d::new(16),
            conv2: conv(16, 32, rng),
            norm2: BatchNorm2d::new(32),
            conv3: conv(32, 64, rng),
            norm3: BatchNorm2d::new(64),
            linear1: Linear::new(64 * 3 * 3, FEATURES, rng),
            linear2: Linear::new(FEATURES, 10, rng),
        }
    }

    /// A network that `classifier` has trained.
    ///
    /// # Errors
    /// If the file cannot be read, or holds another model.
    pub fn read(path: &Path) -> Result<Convnet> {
        let model = Convnet::new(&mut Rng::new(0, "init", 0));
        nn::load(&model, path).context("a model.safetensors of `step06 -- classifier` was expected")?;
        Ok(model)
    }

    /// What it has seen in images x (N, 1, 28, 28), before it decides: (N, 64), none below 0.
    ///
    /// # Panics
    /// If the images have another size.
    #[track_caller]
    pub fn features(&self, x: &Variable) -> Variable {
        let (shape, n) = (x.shape(), x.shape()[0]);
        assert!(*shape == [n, 1, SIDE, SIDE], "convnet: x {shape} is not (N, 1, {SIDE}, {SIDE})");
        let mut x = self.norm1.forward_relu(&self.conv1.forward(x)).max_pool2d(2, 2);
        x = self.norm2.forward_relu(&self.conv2.forward(&x)).max_pool2d(2, 2);
        x = self.norm3.forward_relu(&self.conv3.forward(&x)).max_pool2d(2, 2);
        self.linear1.forward(&x.reshape([n, 64 * 3 * 3])).relu()
    }

    /// How much speaks for each digit in images x (N, 1, 28, 28): (N, 10), logarithms of probabilities but for a constant.
    ///
    /// # Panics
    /// If the images have another size.
    #[track_caller]
    pub fn forward(&self, x: &Variable) -> Variable {
        self.linear2.forward(&self.features(x))
    }

    /// What it makes of images x (N, 1, 28, 28) when nothing is to be learnt from them.
    ///
    /// # Panics
    /// If the images have another size.
    #[track_caller]
    pub fn look(&self, x: &Tensor) -> Seen {
        const TOGETHER: usize = 500;
        let (mut features, mut digits) = (vec![], vec![]);
        for images in x.data().chunks(TOGETHER * SIDE * SIDE) {
            let images = Tensor::new([images.len() / (SIDE * SIDE), 1, SIDE, SIDE], images);
            let (seen, logits) = no_grad(|| {
                eval_mode(|| {
                    let seen = self.features(&images.into());
                    (seen.value().clone(), self.linear2.forward(&seen).value().clone())
                })
            });
            features.extend(seen.data().iter().map(|&x| f64::from(x)));
            digits.extend(argmax(&logits));
        }
        Seen { features: Matrix::from_data(digits.len(), FEATURES, features), digits }
    }
}

/// The digit for which most speaks, in each row of logits (N, 10).
pub fn argmax(logits: &Tensor) -> impl Iterator<Item = usize> {
    let largest = |row: &[Real]| (0..10).max_by(|&a, &b| row[a].total_cmp(&row[b])).expect("ten digits");
    logits.data().chunks(10).map(largest)
}

/// What a network makes of N images.
pub struct Seen {
    /// (N, 64)
    pub features: Matrix,
    /// The digit that it reads in each (N).
    pub digits: Vec<usize>,
}
