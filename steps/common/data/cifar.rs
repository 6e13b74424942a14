//! CIFAR-10 in its binary version (Krizhevsky, 2009).
//!
//! ```text
//! record, 3073 bytes: the label, 32 x 32 bytes of red row by row, as many of green, as many of blue
//! ```

use super::Split;
use super::picture::Format;
use anyhow::Result;
use image::{Rgb, RgbImage};
use rayon::prelude::*;
use std::path::Path;
use tsukuru::data::{DataError, Dataset, idx::Images};
use tsukuru::files::read_regular;

const CLASSES: [&str; 10] = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const SIDE: usize = 32;
const RECORD: usize = 1 + 3 * SIDE * SIDE;
/// Bytes of a file, at most; the published ones have 30 million.
const MOST: u64 = 1 << 30;

fn files(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => {
            &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"]
        }
        Split::Test => &["test_batch.bin"],
    }
}

/// The names of the files that are not in the folder.
pub fn missing_in(folder: &Path) -> Vec<&'static str> {
    let names = [Split::Train, Split::Test].into_iter().flat_map(files).copied();
    names.filter(|name| !folder.join(name).is_file()).collect()
}

/// The images of a split, or the first `limit` of them.
///
/// # Errors
/// If a file is not what it should be, or there are too many pixels.
pub fn read(folder: &Path, split: Split, format: Format, limit: usize) -> Result<Dataset> {
    let (mut pixels, mut labels) = (vec![], vec![]);
    for name in files(split) {
        let path = folder.join(name);
        let bytes =
            read_regular(&path, MOST).map_err(|source| DataError::Read { path: path.clone(), offset: 0, source })?;
        let records = records(&path, &bytes)?;
        let records = &records[..records.len().min(limit - labels.len())];
        format.check_count(labels.len() + records.len(), folder)?;
        labels.extend(records.iter().map(|record| record[0]));
        let images: Vec<Vec<u8>> = records.par_iter().map(|record| format.fit(&picture(record))).collect();
        pixels.extend(images.into_iter().flatten());
    }
    let [channels, rows, cols] = format.image_size();
    let dataset = Dataset::new(Images { count: labels.len(), channels, rows, cols, pixels }, labels)?;
    Ok(dataset.with_classes(CLASSES.map(String::from).to_vec()))
}

/// The records of a file, of which there is at least one.
///
/// # Errors
/// If the last one is not whole, or a label is none.
pub fn records<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a [[u8; RECORD]], DataError> {
    let (records, rest) = bytes.as_chunks::<RECORD>();
    let wrong = |offset: usize, expected: String, found: String| {
        Err(DataError::Format { path: path.into(), offset: offset as u64, expected, found })
    };
    if records.is_empty() || !rest.is_empty() {
        let expected = format!("a record of {RECORD} bytes");
        return wrong(records.len() * RECORD, expected, format!("{} and the end of the file", rest.len()));
    }
    if let Some(i) = records.iter().position(|record| record[0] > 9) {
        return wrong(i * RECORD, "a label from 0 to 9".into(), records[i][0].to_string());
    }
    Ok(records)
}

fn picture(record: &[u8; RECORD]) -> RgbImage {
    let plane = SIDE * SIDE;
    RgbImage::from_fn(SIDE as u32, SIDE as u32, |x, y| {
        Rgb([0, 1, 2].map(|channel| record[1 + channel * plane + y as usize * SIDE + x as usize]))
    })
}
