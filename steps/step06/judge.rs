//! What a network that reads digits says of images that another has drawn.

use super::convnet::{Convnet, FEATURES, SIDE};
use super::frechet::frechet_distance;
use crate::common::data::{Part, Source};
use crate::step03::Matrix;
use anyhow::{Result, ensure};
use std::fmt;
use tsukuru::data::Dataset;
use tsukuru::tensor::Tensor;

/// How good drawn digits are. Printed, it says it in a line or two.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// How many images the distances are of.
    pub count: usize,
    /// Which share of the images it reads as the digit that was asked for, if one was.
    pub as_asked: Option<f64>,
    /// Fréchet distance of its features, from the images to as many test images.
    pub distance: f64,
    /// The same from as many train images to those test images: no drawn digits need to be better.
    pub train_distance: f64,
}

/// Shows images x (N, 1, 28, 28), N of them at least 2, to a network, with the digits (N) that they should show if there
/// are any. Distances are of the first 10,000 images at most, as many as there are to compare with.
///
/// # Errors
/// If the images to compare with cannot be read or are not 28 x 28, or there are fewer than 2.
///
/// # Panics
/// If x has another shape, or there are not N labels.
#[track_caller]
pub fn judge(reader: &Convnet, x: &Tensor, labels: Option<&[usize]>, source: &Source) -> Result<Verdict> {
    let seen = reader.look(x);
    let as_asked = labels.map(|labels| share(&seen.digits, labels));
    let load = |part| source.load(part, Some(seen.digits.len()));
    let (test, train) = (load(Part::Test)?, load(Part::Train)?);
    let count = seen.digits.len().min(test.len()).min(train.len());
    ensure!(count >= 2, "a Fréchet distance of {count} images: expected at least 2");
    let features = |dataset: Dataset| -> Result<_> {
        check_size(&dataset, source)?;
        Ok(reader.look(&dataset.batch(&(0..count).collect::<Vec<usize>>()).0).features)
    };
    let (test, train) = (features(test)?, features(train)?);
    let drawn = Matrix::from_data(count, FEATURES, seen.features.data()[..count * FEATURES].to_vec());
    let (distance, train_distance) = (frechet_distance(&drawn, &test)?, frechet_distance(&train, &test)?);
    Ok(Verdict { count, as_asked, distance, train_distance })
}

/// The share of equal pairs.
///
/// # Panics
/// If there are not as many of both.
#[track_caller]
pub fn share(digits: &[usize], labels: &[usize]) -> f64 {
    let (n, wanted) = (digits.len(), labels.len());
    assert_eq!(n, wanted, "share: {n} digits and {wanted} labels");
    digits.iter().zip(labels).filter(|(digit, label)| digit == label).count() as f64 / n as f64
}

/// # Errors
/// If the images are not of the size that [`Convnet`] reads.
pub fn check_size(dataset: &Dataset, source: &Source) -> Result<()> {
    let (rows, cols) = (dataset.images().rows, dataset.images().cols);
    let place = source.place();
    ensure!((rows, cols) == (SIDE, SIDE), "{place}: expected images of {SIDE} x {SIDE}, found {rows} x {cols}");
    Ok(())
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Verdict { count, as_asked, distance, train_distance } = self;
        if let Some(share) = as_asked {
            writeln!(f, "read as asked: {:.1} %", 100.0 * share)?;
        }
        write!(
            f,
            "Fréchet distance to {count} test images: {distance:.2} (of {count} train images: {train_distance:.2})"
        )
    }
}
