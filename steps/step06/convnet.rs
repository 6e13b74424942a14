//! A small convolutional network that classifies digits. Later steps evaluate the digits that they generate with it.

use crate::common::model_file;
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

/// Pixels along a side of its images.
pub const SIDE: usize = 28;
/// Numbers per image before the last layer.
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
        nn::load_state_dict(&model, model_file::read(path)?)
            .context("a model.safetensors of `step06 -- classifier` was expected")?;
        Ok(model)
    }

    /// The input of the last layer for images x (N, 1, 28, 28): (N, 64), none below 0.
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

    /// Logits (N, 10) of images x (N, 1, 28, 28).
    ///
    /// # Panics
    /// If the images have another size.
    #[track_caller]
    pub fn forward(&self, x: &Variable) -> Variable {
        self.linear2.forward(&self.features(x))
    }

    /// Features and digits of images x (N, 1, 28, 28), in evaluation mode.
    ///
    /// # Panics
    /// If the images have another size.
    #[track_caller]
    pub fn predict(&self, x: &Tensor) -> Prediction {
        const BATCH: usize = 500;
        let (mut features, mut digits, mut probabilities) = (vec![], vec![], vec![]);
        for images in x.data().chunks(BATCH * SIDE * SIDE) {
            let images = Tensor::new([images.len() / (SIDE * SIDE), 1, SIDE, SIDE], images);
            let (batch_features, logits) = no_grad(|| {
                eval_mode(|| {
                    let features = self.features(&images.into());
                    (features.value().clone(), self.linear2.forward(&features).value().clone())
                })
            });
            features.extend(batch_features.data().iter().map(|&x| f64::from(x)));
            let largest = Variable::new(logits.clone()).softmax(1).max(1);
            probabilities.extend(largest.value().data().iter().map(|&p| f64::from(p)));
            digits.extend(argmax(&logits));
        }
        Prediction { features: Matrix::from_data(digits.len(), FEATURES, features), digits, probabilities }
    }
}

/// The index of the largest number in each row of logits (N, K).
pub fn argmax(logits: &Tensor) -> impl Iterator<Item = usize> {
    let labels = logits.shape()[1];
    let largest = move |row: &[Real]| (0..labels).max_by(|&a, &b| row[a].total_cmp(&row[b])).expect("a label");
    logits.data().chunks(labels).map(largest)
}

/// What a network predicts for N images.
pub struct Prediction {
    /// (N, 64)
    pub features: Matrix,
    /// (N)
    pub digits: Vec<usize>,
    /// The probabilities of these digits, (N).
    pub probabilities: Vec<f64>,
}
