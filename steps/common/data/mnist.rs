//! The four files of MNIST, and of data of its form.

use super::Split;
use std::path::{Path, PathBuf};
use tsukuru::data::{DataError, Dataset};

impl Split {
    /// The names under which MNIST publishes its images and labels; `.gz` may follow.
    pub fn files(self) -> [&'static str; 2] {
        match self {
            Split::Train => ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
            Split::Test => ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
        }
    }
}

/// Whether some of the files are in the folder.
pub fn is_begun(folder: &Path) -> bool {
    missing_in(folder).len() < 2 * Split::Train.files().len()
}

/// The names of the files that are not in the folder.
pub fn missing_in(folder: &Path) -> Vec<&'static str> {
    let names = [Split::Train, Split::Test].into_iter().flat_map(Split::files);
    names.filter(|name| path_of(folder, name).is_none()).collect()
}

/// The file of this name, plain or gzipped, as it is published or with a dot (`train-images.idx3-ubyte`), in the folder or
/// in one of its own name within, as some archives are unpacked.
fn path_of(folder: &Path, name: &str) -> Option<PathBuf> {
    let styles = [name.to_string(), name.replace("-idx", ".idx")];
    let names = styles.each_ref().map(|style| [style.clone(), format!("{style}.gz")]);
    let folders = [folder.to_path_buf(), folder.join(&styles[0]), folder.join(&styles[1])];
    let paths = folders.iter().flat_map(|folder| names.as_flattened().iter().map(|name| folder.join(name)));
    paths.into_iter().find(|path| path.is_file())
}

/// # Errors
/// If a file is not what it should be.
pub fn read(folder: &Path, split: Split) -> Result<Dataset, DataError> {
    let [images, labels] = split.files().map(|name| path_of(folder, name).unwrap_or_else(|| folder.join(name)));
    let dataset = Dataset::read(&images, &labels)?;
    if dataset.is_empty() {
        let (expected, found) = ("at least one image".into(), "0".into());
        return Err(DataError::Format { path: images, offset: 4, expected, found });
    }
    if let Some((i, label)) = dataset.labels().iter().enumerate().find(|&(_, &label)| label > 9) {
        let (offset, found) = (8 + i as u64, label.to_string());
        return Err(DataError::Format { path: labels, offset, expected: "a digit from 0 to 9".into(), found });
    }
    Ok(dataset)
}
