//! How good generated digits are: the accuracy and the features of a network that classifies digits.

use super::convnet::{Convnet, FEATURES, SIDE};
use super::frechet::frechet_distance;
use crate::common::data::{Source, Split};
use crate::common::images::size_name;
use crate::step03::Matrix;
use anyhow::{Result, ensure};
use std::fmt;
use tsukuru::data::Dataset;
use tsukuru::tensor::Tensor;

/// A network that classifies digits, and the images to compare generated ones with.
pub struct Evaluator {
    network: Convnet,
    test: Dataset,
    train: Dataset,
}

/// How good generated digits are. `{}` prints a line for each metric that there is.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// The share of the images that are classified as their target label, if they have one.
    pub accuracy: Option<f64>,
    /// The mean probability that the network gives to the digit that it reads: how sure it is, right or wrong.
    pub confidence: f64,
    /// `None` for a single image, which has no covariance, and where some digit is no target label: the test images
    /// show all ten.
    pub distance: Option<Distances>,
}

/// Fréchet distances between the network's features of `count` images each.
#[derive(Clone, Debug, PartialEq)]
pub struct Distances {
    /// How many images.
    pub count: usize,
    /// From the generated images to test images.
    pub generated: f64,
    /// From train images to the same test images: what the best generated digits would have.
    pub train: f64,
}

impl Evaluator {
    /// # Errors
    /// If the images to compare with cannot be read or are not ten classes of 28 x 28, or a split has fewer than 2.
    pub fn new(network: Convnet, source: &Source) -> Result<Evaluator> {
        let load = |split| -> Result<Dataset> {
            let dataset = source.load(split, Some(MAX_IMAGES))?;
            check_digits(&dataset, source)?;
            let (location, found) = (source.location(), dataset.len());
            ensure!(found >= 2, "{location}: an evaluator compares with at least 2 images, found {found}");
            Ok(dataset)
        };
        Ok(Evaluator { network, test: load(Split::Test)?, train: load(Split::Train)? })
    }

    /// Of images x (N, 1, 28, 28), with their target labels (N) if they have some. The distances are of the first
    /// 10,000 images at most, as many as there are to compare with.
    ///
    /// # Errors
    /// If an image is not finite.
    ///
    /// # Panics
    /// If x has another shape, or there are not N labels.
    #[track_caller]
    pub fn evaluate(&self, x: &Tensor, target_labels: Option<&[usize]>) -> Result<Metrics> {
        let prediction = self.network.predict(x);
        let accuracy = target_labels.map(|labels| accuracy(&prediction.digits, labels));
        let probabilities = &prediction.probabilities;
        let confidence = probabilities.iter().sum::<f64>() / probabilities.len() as f64;
        let count = prediction.digits.len().min(self.test.len()).min(self.train.len());
        let all_digits = target_labels.is_none_or(|labels| (0..10).all(|digit| labels.contains(&digit)));
        if count < 2 || !all_digits {
            return Ok(Metrics { accuracy, confidence, distance: None });
        }
        let features = |dataset: &Dataset| self.network.predict(&dataset.batch(&Vec::from_iter(0..count)).0).features;
        let (test, train) = (features(&self.test), features(&self.train));
        let generated = Matrix::from_data(count, FEATURES, prediction.features.data()[..count * FEATURES].to_vec());
        let (generated, train) = (frechet_distance(&generated, &test)?, frechet_distance(&train, &test)?);
        Ok(Metrics { accuracy, confidence, distance: Some(Distances { count, generated, train }) })
    }
}

/// Images that are compared at most.
const MAX_IMAGES: usize = 10_000;

/// The share of predictions (N) that are the labels (N).
///
/// # Panics
/// If there are not as many of both.
#[track_caller]
pub fn accuracy(predictions: &[usize], labels: &[usize]) -> f64 {
    let (n, expected) = (predictions.len(), labels.len());
    assert_eq!(n, expected, "accuracy: {n} predictions and {expected} labels");
    predictions.iter().zip(labels).filter(|(prediction, label)| prediction == label).count() as f64 / n as f64
}

/// # Errors
/// If these are no ten classes of grey images, of the size that [`Convnet`] takes.
pub fn check_digits(dataset: &Dataset, source: &Source) -> Result<()> {
    let (location, expected, found) =
        (source.location(), size_name([1, SIDE, SIDE]), size_name(dataset.images().size()));
    ensure!(found == expected, "{location}: expected images of {expected}, found {found}");
    let classes = dataset.classes().len();
    ensure!(classes == 10, "{location}: expected ten classes, as of digits, found {classes}");
    Ok(())
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let accuracy =
            self.accuracy.map(|accuracy| format!("accuracy on the target labels: {:.1} %", 100.0 * accuracy));
        let confidence = Some(format!("mean confidence: {:.3}", self.confidence));
        let distance = self.distance.as_ref().map(|Distances { count, generated, train }| {
            format!("Fréchet distance to {count} test images: {generated:.2} (of {count} train images: {train:.2})")
        });
        f.write_str(&Vec::from_iter(accuracy.into_iter().chain(confidence).chain(distance)).join("\n"))
    }
}
