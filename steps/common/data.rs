//! [`Source`]: where the images come from, MNIST if it is there, else the digits that the program draws itself.

use super::digits;
use std::fmt;
use std::path::{Path, PathBuf};
use tsukuru::checkpoint::{self, CheckpointError};
use tsukuru::data::idx::Images;
use tsukuru::data::{DataError, Dataset};

/// The environment variable that names the folder if `--data` does not.
pub const VARIABLE: &str = "TSUKURU_DATA";

/// `--data built-in` asks for the built-in digits, even where MNIST is there.
pub const BUILT_IN: &str = "built-in";

/// The images to train on, or those to test with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// 60,000 images.
    Train,
    /// 10,000 images.
    Test,
}

impl Split {
    /// The names under which MNIST publishes its images and labels; `.gz` may follow.
    pub fn files(self) -> [&'static str; 2] {
        match self {
            Split::Train => ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
            Split::Test => ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
        }
    }
}

/// Where the images come from. `{}` prints it, and how to get the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// A folder of four IDX files; `None` stands for the built-in digits.
    folder: Option<PathBuf>,
    /// At most so many images of each split.
    limit: usize,
}

/// A folder without some of the four files.
#[derive(thiserror::Error)]
#[error(
    "{}: expected train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, \
     each plain or with .gz, here or in the folder mnist within; missing: {}. \
     `cargo run --release --bin fetch` downloads them to {}; `--data {BUILT_IN}` does without",
    folder.display(), missing.join(", "), default_folder().display()
)]
pub struct Incomplete {
    pub folder: PathBuf,
    pub missing: Vec<&'static str>,
}

tsukuru::debug_as_display!(Incomplete);

/// `datasets/mnist` of this repository, where `fetch` puts MNIST.
pub fn default_folder() -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the repository");
    repository.join("datasets").join("mnist")
}

impl Source {
    /// The digits that the program draws itself.
    pub const BUILT_IN: Source = Source { folder: None, limit: usize::MAX };

    /// The four files in a folder.
    pub fn folder(path: impl Into<PathBuf>) -> Source {
        Source { folder: Some(path.into()), limit: usize::MAX }
    }

    /// The same, but only the first `limit` images of each split.
    pub fn limited(self, limit: usize) -> Source {
        Source { limit, ..self }
    }

    pub fn is_built_in(&self) -> bool {
        self.folder.is_none()
    }

    /// What `--data` names, else what the environment variable [`VARIABLE`] names, else [`default_folder`] if it
    /// holds MNIST, else the built-in digits.
    ///
    /// # Errors
    /// If the folder was named, or holds some of the four files, and one is missing.
    pub fn find(data: Option<&Path>) -> Result<Source, Incomplete> {
        let variable = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
        Source::choose(data.or(variable.as_deref()), &default_folder())
    }

    /// [`Source::find`] where `default` is the folder to look into if none is `named`.
    ///
    /// # Errors
    /// As [`Source::find`].
    pub fn choose(named: Option<&Path>, default: &Path) -> Result<Source, Incomplete> {
        let Some(named) = named else {
            return match missing_in(default) {
                missing if missing.is_empty() => Ok(Source::folder(default)),
                missing if missing.len() == 4 => Ok(Source::BUILT_IN),
                missing => Err(Incomplete { folder: default.into(), missing }),
            };
        };
        if named == Path::new(BUILT_IN) {
            return Ok(Source::BUILT_IN);
        }
        let folders = [named.join("mnist"), named.into()];
        match folders.iter().find(|folder| missing_in(folder).is_empty()) {
            Some(folder) => Ok(Source::folder(folder)),
            None => {
                // The names that are missing where fewer are.
                let missing = folders.iter().map(|folder| missing_in(folder)).min_by_key(Vec::len).unwrap_or_default();
                Err(Incomplete { folder: named.into(), missing })
            }
        }
    }

    /// The images and labels of one split, or of its first `limit` images. There is at least one, and the labels are
    /// digits from 0 to 9. MNIST and the built-in digits have 28 x 28 pixels; whether another size will do is for the
    /// model to say.
    ///
    /// # Errors
    /// If a file is not what it should be.
    pub fn load(&self, split: Split, limit: Option<usize>) -> Result<Dataset, DataError> {
        let limit = limit.unwrap_or(usize::MAX).min(self.limit);
        match &self.folder {
            Some(folder) => Ok(read(folder, split)?.take(limit)),
            None => built_in(split, limit),
        }
    }

    /// The name of the data set, as trained models remember it: any folder counts as MNIST.
    pub fn name(&self) -> &'static str {
        if self.is_built_in() { "built-in digits" } else { "MNIST" }
    }

    /// The first of the models in these files that was trained on this data set, or does not say on which. Files need
    /// not be there.
    ///
    /// # Errors
    /// If a file is damaged.
    pub fn find_model(&self, paths: impl IntoIterator<Item = PathBuf>) -> Result<Option<PathBuf>, CheckpointError> {
        for path in paths.into_iter().filter(|path| path.exists()) {
            if checkpoint::read(&path)?.meta["data"].as_str().is_none_or(|name| name == self.name()) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// The folder, or the name of the built-in digits, for messages.
    pub fn location(&self) -> String {
        self.folder.as_ref().map_or_else(|| self.name().to_string(), |folder| folder.display().to_string())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.folder {
            Some(folder) => {
                write!(f, "data: MNIST in {} (for the built-in digits: --data {BUILT_IN})", folder.display())
            }
            None => write!(f, "data: built-in digits (for MNIST: cargo run --release --bin fetch)"),
        }
    }
}

fn missing_in(folder: &Path) -> Vec<&'static str> {
    let names = [Split::Train, Split::Test].into_iter().flat_map(Split::files);
    names.filter(|name| !path_of(folder, name).is_file()).collect()
}

/// The plain file, or else the gzipped one.
fn path_of(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(name);
    if plain.is_file() { plain } else { folder.join(format!("{name}.gz")) }
}

fn read(folder: &Path, split: Split) -> Result<Dataset, DataError> {
    let [images, labels] = split.files().map(|name| path_of(folder, name));
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

fn built_in(split: Split, limit: usize) -> Result<Dataset, DataError> {
    let (purpose, most) = match split {
        Split::Train => ("train", 60_000),
        Split::Test => ("test", 10_000),
    };
    let count = limit.min(most);
    let digits::LabelledImages { pixels, labels } = digits::generate(purpose, count);
    Dataset::new(Images { count, rows: digits::SIDE, cols: digits::SIDE, pixels }, labels)
}
