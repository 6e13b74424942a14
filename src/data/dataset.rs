//! [`Dataset`]: labelled images in memory, handed out in batches.

use super::DataError;
use super::idx::{self, Images};
use crate::Real;
use crate::random::Rng;
use crate::tensor::Tensor;
use std::path::Path;

/// Images and what each of them shows, which is one of some classes. They stay bytes, a quarter of the size of numbers, until a
/// batch is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    images: Images,
    labels: Vec<u8>,
    classes: Vec<String>,
}

impl Dataset {
    /// Images in memory with their labels. The classes are called by their numbers, from 0 to the largest label.
    ///
    /// # Errors
    /// If there is not one label per image.
    ///
    /// # Panics
    /// If the images' pixels are not as many as their sizes say, or an image has none.
    #[track_caller]
    pub fn new(images: Images, labels: Vec<u8>) -> Result<Dataset, DataError> {
        images.check();
        match images.count == labels.len() {
            true => {
                let classes = labels.iter().max().map_or(0, |&label| usize::from(label) + 1);
                Ok(Dataset { images, labels, classes: (0..classes).map(|class| class.to_string()).collect() })
            }
            false => Err(DataError::Lengths { images: images.count, labels: labels.len() }),
        }
    }

    /// Reads two [IDX](idx) files of u8, gzipped or plain: images (count, rows, columns) and labels (count).
    ///
    /// # Errors
    /// If one of them is not what it should be, or there is not one label per image.
    pub fn read(images: &Path, labels: &Path) -> Result<Dataset, DataError> {
        let (data, numbers) = (idx::read_images(images)?, idx::read_labels(labels)?);
        if data.count != numbers.len() {
            let expected = format!("{} labels, one for each image in {}", data.count, images.display());
            let (path, found) = (labels.to_path_buf(), numbers.len().to_string());
            return Err(DataError::Format { path, offset: 4, expected, found });
        }
        Dataset::new(data, numbers)
    }

    /// The same with these names of the classes, of which some may have no image.
    ///
    /// # Panics
    /// If a label has no class.
    #[track_caller]
    pub fn with_classes(self, classes: Vec<String>) -> Dataset {
        let (needed, found) = (self.classes.len(), classes.len());
        assert!(needed <= found, "with_classes: {found} classes for labels up to {}", needed.saturating_sub(1));
        Dataset { classes, ..self }
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The images, in bytes.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// What each image shows, in the order of the images.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The names of the classes: label i is one of class i.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The first `n` images only, or all if there are fewer. The classes stay.
    pub fn take(mut self, n: usize) -> Dataset {
        self.images.count = n.min(self.images.count);
        self.images.pixels.truncate(self.images.count * self.images.size().iter().product::<usize>());
        self.labels.truncate(n);
        self
    }

    /// A checksum of images and labels, to tell data sets apart.
    pub fn checksum(&self) -> u32 {
        let mut crc = flate2::Crc::new();
        crc.update(&self.images.pixels);
        crc.update(&self.labels);
        crc.sum()
    }

    /// The images `which` as numbers from 0 to 1, of shape (B, channels, rows, cols), and their B labels.
    ///
    /// # Panics
    /// If there is no such image.
    #[track_caller]
    pub fn batch(&self, which: &[usize]) -> (Tensor, Vec<usize>) {
        if let Some(outside) = which.iter().find(|&&i| i >= self.len()) {
            panic!("batch: image {outside} lies outside the {} images", self.len());
        }
        let (pixels, [channels, rows, cols]) = (&self.images.pixels, self.images.size());
        let size = channels * rows * cols;
        let x = Tensor::build([which.len(), channels, rows, cols], |numbers| {
            for (image, &i) in numbers.chunks_mut(size).zip(which) {
                for (number, &pixel) in image.iter_mut().zip(&pixels[i * size..][..size]) {
                    *number = Real::from(pixel) / 255.0;
                }
            }
        });
        (x, which.iter().map(|&i| usize::from(self.labels[i])).collect())
    }

    /// All images in their order, as [`Dataset::batch`].
    pub fn all(&self) -> (Tensor, Vec<usize>) {
        self.batch(&Vec::from_iter(0..self.len()))
    }

    /// All images once, `batch_size` at a time; the last batch holds what is left. `shuffle` is a (seed, epoch):
    /// each pair has an order of its own, always the same one. `None` keeps the order of the file.
    ///
    /// # Errors
    /// If `batch_size` is 0.
    pub fn batches(&self, batch_size: usize, shuffle: Option<(u64, u64)>) -> Result<Batches<'_>, DataError> {
        if batch_size == 0 {
            return Err(DataError::BatchSize);
        }
        let order = match shuffle {
            Some((seed, epoch)) => Rng::new(seed, "shuffle", epoch).permutation(self.len()),
            None => (0..self.len()).collect(),
        };
        Ok(Batches { dataset: self, order, batch_size, start: 0 })
    }
}

/// See [`Dataset::batches`]. Knows its length, and skips batches without reading them: `batches.skip(steps_done)`.
pub struct Batches<'a> {
    dataset: &'a Dataset,
    order: Vec<usize>,
    batch_size: usize,
    /// The place in `order` where the next batch starts.
    start: usize,
}

impl Iterator for Batches<'_> {
    type Item = (Tensor, Vec<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let which = self.order[self.start..].chunks(self.batch_size).next()?;
        self.start += which.len();
        Some(self.dataset.batch(which))
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.start = self.start.saturating_add(n.saturating_mul(self.batch_size)).min(self.order.len());
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.order.len() - self.start).div_ceil(self.batch_size);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches<'_> {}
