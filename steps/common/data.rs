//! Where the images come from: MNIST if it is there, else the digits that the program draws itself.

use super::digits;
use std::fmt;
use std::path::{Path, PathBuf};
use tsukuru::checkpoint::{self, CheckpointError};
use tsukuru::data::idx::Images;
use tsukuru::data::{DataError, Dataset};

/// The environment variable that names the folder, for whoever does not want to say `--data` each time.
pub const VARIABLE: &str = "TSUKURU_DATA";

/// `--data built-in` asks for the built-in digits, even where MNIST is there.
pub const BUILT_IN: &str = "built-in";

/// The images to learn from, or the images to be tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// 60,000 images.
    Train,
    /// 10,000 images.
    Test,
}

impl Part {
    /// The names under which MNIST publishes its images and labels; `.gz` may follow.
    pub fn files(self) -> [&'static str; 2] {
        match self {
            Part::Train => ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
            Part::Test => ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
        }
    }
}

/// Where the images come from. Printed, it says so, and how to get the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Four IDX files in this folder.
    Folder(PathBuf),
    BuiltIn,
}

/// A folder that was named, or begun, without all four files.
#[derive(Debug, thiserror::Error)]
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

/// `datasets/mnist` of this repository, where `fetch` puts MNIST.
pub fn default_folder() -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the repository");
    repository.join("datasets").join("mnist")
}

impl Source {
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
                missing if missing.is_empty() => Ok(Source::Folder(default.into())),
                missing if missing.len() == 4 => Ok(Source::BuiltIn),
                missing => Err(Incomplete { folder: default.into(), missing }),
            };
        };
        if named == Path::new(BUILT_IN) {
            return Ok(Source::BuiltIn);
        }
        let folders = [named.join("mnist"), named.into()];
        match folders.iter().find(|folder| missing_in(folder).is_empty()) {
            Some(folder) => Ok(Source::Folder(folder.clone())),
            None => {
                // The names that are missing where fewer are.
                let missing = folders.iter().map(|folder| missing_in(folder)).min_by_key(Vec::len).unwrap_or_default();
                Err(Incomplete { folder: named.into(), missing })
            }
        }
    }

    /// The images and labels of one part, or of its first `limit` images. There is at least one, and the labels are
    /// digits from 0 to 9. MNIST and the built-in digits have 28 x 28 pixels; whether another size will do is for the
    /// model to say.
    ///
    /// # Errors
    /// If a file is not what it should be.
    pub fn load(&self, part: Part, limit: Option<usize>) -> Result<Dataset, DataError> {
        let limit = limit.unwrap_or(usize::MAX);
        match self {
            Source::Folder(folder) => Ok(read(folder, part)?.take(limit)),
            Source::BuiltIn => built_in(part, limit),
        }
    }
}

impl Source {
    /// What kind of images these are, as trained models remember it: any folder counts as MNIST.
    pub fn kind(&self) -> &'static str {
        match self {
            Source::Folder(_) => "MNIST",
            Source::BuiltIn => "built-in digits",
        }
    }

    /// The first of the models in these files that has learnt from this kind of images, or does not say from which. Files
    /// need not be there.
    ///
    /// # Errors
    /// If a file is damaged.
    pub fn taught(&self, paths: impl IntoIterator<Item = PathBuf>) -> Result<Option<PathBuf>, CheckpointError> {
        for path in paths.into_iter().filter(|path| path.exists()) {
            if checkpoint::read(&path)?.meta["data"].as_str().is_none_or(|kind| kind == self.kind()) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// The folder, or what stands for it, for the beginning of a message.
    pub fn place(&self) -> String {
        match self {
            Source::Folder(folder) => folder.display().to_string(),
            Source::BuiltIn => "built-in digits".to_string(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Source::Folder(folder) => {
                write!(f, "data: MNIST in {} (for the built-in digits: --data {BUILT_IN})", folder.display())
            }
            Source::BuiltIn => write!(f, "data: built-in digits (for MNIST: cargo run --release --bin fetch)"),
        }
    }
}

fn missing_in(folder: &Path) -> Vec<&'static str> {
    let names = [Part::Train, Part::Test].into_iter().flat_map(Part::files);
    names.filter(|name| !path_of(folder, name).is_file()).collect()
}

/// The plain file, or else the gzipped one.
fn path_of(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(name);
    if plain.is_file() { plain } else { folder.join(format!("{name}.gz")) }
}

fn read(folder: &Path, part: Part) -> Result<Dataset, DataError> {
    let [images, labels] = part.files().map(|name| path_of(folder, name));
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

fn built_in(part: Part, limit: usize) -> Result<Dataset, DataError> {
    let (purpose, most) = match part {
        Part::Train => ("train", 60_000),
        Part::Test => ("test", 10_000),
    };
    let count = limit.min(most);
    let digits::LabelledImages { pixels, labels } = digits::generate(purpose, count);
    Dataset::new(Images { count, rows: digits::SIDE, cols: digits::SIDE, pixels }, labels)
}
