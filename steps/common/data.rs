//! [`Source`]: where the images come from, MNIST if it is there, else the digits that the program draws itself.

use super::digits;
use anyhow::Result;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};
use tsukuru::checkpoint;
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
     each plain or with .gz, here or in the folder mnist within; missing: {}{}. \
     `cargo run --release --bin fetch` downloads them to {}; `--data {BUILT_IN}` does without",
    folder.display(), missing.join(", "), there(found), default_folder().display()
)]
pub struct Incomplete {
    pub folder: PathBuf,
    pub missing: Vec<&'static str>,
    /// What is in the folder.
    pub found: Vec<String>,
}

fn there(found: &[String]) -> String {
    match found.len() {
        0 => String::new(),
        1..=8 => format!("; found: {}", found.join(", ")),
        more => format!("; found: {} and {} others", found[..8].join(", "), more - 8),
    }
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
    /// If the folder was named, or is not empty, and one of the four files is missing.
    pub fn find(data: Option<&Path>) -> Result<Source, Incomplete> {
        let variable = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
        Source::choose(data.or(variable.as_deref()), &default_folder())
    }

    /// [`Source::find`] where `default` is the folder to look into if none is `named`.
    ///
    /// # Errors
    /// As [`Source::find`].
    pub fn choose(named: Option<&Path>, default: &Path) -> Result<Source, Incomplete> {
        let folders = match named {
            Some(name) if name == Path::new(BUILT_IN) => return Ok(Source::BUILT_IN),
            Some(named) => vec![named.join("mnist"), named.into()],
            None if names_in(default).is_empty() => return Ok(Source::BUILT_IN),
            None => vec![default.into()],
        };
        if let Some(folder) = folders.iter().find(|folder| missing_in(folder).is_empty()) {
            return Ok(Source::folder(folder));
        }
        let incomplete = folders.iter().map(|folder| Incomplete {
            folder: named.unwrap_or(default).into(),
            missing: missing_in(folder),
            found: names_in(folder),
        });
        Err(incomplete.min_by_key(|folder| (folder.missing.len(), folder.found.is_empty())).expect("a folder"))
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
    /// not be there; one of another data set is named in a line of output.
    ///
    /// # Errors
    /// If a file is damaged, or the images cannot be read.
    pub fn find_model(&self, paths: impl IntoIterator<Item = PathBuf>) -> Result<Option<PathBuf>> {
        for path in paths.into_iter().filter(|path| path.exists()) {
            if self.is_of(&checkpoint::read(&path)?.meta)? {
                return Ok(Some(path));
            }
            println!("{}: was trained on other images, and is not used", path.display());
        }
        Ok(None)
    }

    /// Whether a model with this metadata was trained on this data set: the checksum of its images decides, where any
    /// folder has the name MNIST.
    fn is_of(&self, meta: &Value) -> Result<bool, DataError> {
        if meta["data"].as_str().is_some_and(|name| name != self.name()) {
            return Ok(false);
        }
        match (&self.folder, meta["images"].as_u64(), meta["settings"]["checksum"].as_u64()) {
            (Some(folder), Some(images), Some(checksum)) => {
                Ok(u64::from(read(folder, Split::Train)?.take(images as usize).checksum()) == checksum)
            }
            _ => Ok(true),
        }
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

/// What is in the folder, sorted, but for hidden files: a download that was interrupted may have left one. A folder that
/// is not there is empty.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries.flatten(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return vec![],
        Err(error) => return vec![format!("{error}")],
    };
    let mut names: Vec<String> = entries.map(|entry| shown(&entry.path())).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// The name of a file, with a slash behind that of a folder.
fn shown(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().display();
    match path {
        _ if path.is_dir() => format!("{name}/"),
        _ if path.is_file() => name.to_string(),
        _ => format!("{name} (not a file)"),
    }
}

fn missing_in(folder: &Path) -> Vec<&'static str> {
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

fn read(folder: &Path, split: Split) -> Result<Dataset, DataError> {
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

fn built_in(split: Split, limit: usize) -> Result<Dataset, DataError> {
    let (purpose, most) = match split {
        Split::Train => ("train", 60_000),
        Split::Test => ("test", 10_000),
    };
    let count = limit.min(most);
    let digits::LabelledImages { pixels, labels } = digits::generate(purpose, count);
    Dataset::new(Images { count, rows: digits::SIDE, cols: digits::SIDE, pixels }, labels)
}
