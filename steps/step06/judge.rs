//! What a network that reads digits says of images that another has drawn.

use super::convnet::{Convnet, FEATURES, SIDE};
use super::frechet::frechet_distance;
use crate::common::data::{Part, Source};
use crate::step03::Matrix;
use anyhow::{Result, ensure};
use std::fmt;
use tsukuru::data::Dataset;
use tsukuru::tensor::Tensor;

/// A network that reads digits, and the images to compare drawn ones with.
pub struct Judge {
    network: Convnet,
    test: Dataset,
    train: Dataset,
}

/// How good drawn digits are. Printed, it says it in a line or two.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Which share of the images is read as the digit that was asked for, if one was.
    pub accuracy: Option<f64>,
    /// `None` of one image, which has no spread, and where a digit was not asked for: the test images show all ten.
    pub distance: Option<Distance>,
}

/// Fréchet distances between the network's features of images, each time as many.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// How many images.
    pub count: usize,
    /// From the drawn images to test images.
    pub drawn: f64,
    /// From train images to the same test images: no drawn digits need to be better.
    pub train: f64,
}

impl Judge {
    /// # Errors
    /// If the images to compare with cannot be read or are not 28 x 28, or a part has fewer than 2.
    pub fn new(network: Convnet, source: &Source) -> Result<Judge> {
        let load = |part| -> Result<Dataset> {
            let dataset = source.load(part, Some(MOST))?;
            check_size(&dataset, source)?;
            let (place, found) = (source.place(), dataset.len());
            ensure!(found >= 2, "{place}: a judge compares with at least 2 images, found {found}");
            Ok(dataset)
        };
        Ok(Judge { network, test: load(Part::Test)?, train: load(Part::Train)? })
    }

    /// Of images x (N, 1, 28, 28), with the digits (N) that were asked for, if any were. The distance is of the first
    /// 10,000 images at most, as many as there are to compare with.
    ///
    /// # Errors
    /// If an image is not finite.
    ///
    /// # Panics
    /// If x has another shape, or there are not N digits.
    #[track_caller]
    pub fn verdict(&self, x: &Tensor, asked: Option<&[usize]>) -> Result<Verdict> {
        let seen = self.network.look(x);
        let accuracy = asked.map(|asked| accuracy(&seen.digits, asked));
        let count = seen.digits.len().min(self.test.len()).min(self.train.len());
        let all_asked = asked.is_none_or(|asked| (0..10).all(|digit| asked.contains(&digit)));
        if count < 2 || !all_asked {
            return Ok(Verdict { accuracy, distance: None });
        }
        let features = |dataset: &Dataset| self.network.look(&dataset.batch(&Vec::from_iter(0..count)).0).features;
        let (test, train) = (features(&self.test), features(&self.train));
        let drawn = Matrix::from_data(count, FEATURES, seen.features.data()[..count * FEATURES].to_vec());
        let (drawn, train) = (frechet_distance(&drawn, &test)?, frechet_distance(&train, &test)?);
        Ok(Verdict { accuracy, distance: Some(Distance { count, drawn, train }) })
    }
}

/// Images that are compared at most.
const MOST: usize = 10_000;

/// The share of equal pairs.
///
/// # Panics
/// If there are not as many of both.
#[track_caller]
pub fn accuracy(digits: &[usize], labels: &[usize]) -> f64 {
    let (n, wanted) = (digits.len(), labels.len());
    assert_eq!(n, wanted, "accuracy: {n} digits and {wanted} labels");
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
        let accuracy = self.accuracy.map(|accuracy| format!("read as asked: {:.1} %", 100.0 * accuracy));
        let distance = self.distance.as_ref().map(|Distance { count, drawn, train }| {
            format!("Fréchet distance to {count} test images: {drawn:.2} (of {count} train images: {train:.2})")
        });
        f.write_str(&Vec::from_iter(accuracy.into_iter().chain(distance)).join("\n"))
    }
}
