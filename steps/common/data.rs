//! [`Source`]: where the images come from, MNIST if it is there, else the digits that the program draws itself; or pictures
//! of the reader's own.

pub mod cifar;
mod folder;
mod mnist;
mod picture;

pub use picture::Format;

use super::digits;
use anyhow::{Result, bail, ensure};
use serde_json::Value;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::RangeInclusive;
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
    /// 60,000 images of MNIST, nine tenths of a folder of pictures.
    Train,
    /// 10,000 images of MNIST, every tenth of a folder of pictures.
    Test,
}

/// Where the images come from. `{}` prints it, and how to get the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    kind: Kind,
    /// At most so many images of each split.
    limit: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    BuiltIn,
    /// A folder of MNIST's four files.
    Mnist(PathBuf),
    /// A folder of CIFAR-10's six files.
    Cifar(PathBuf, Format),
    /// A folder of PNG and JPEG files.
    Pictures(PathBuf, Format),
}

/// Pixels along a side of a picture, if no flag says otherwise: as CIFAR-10 has it.
const SIZE: usize = 32;
/// What `--size` may be.
const SIZES: RangeInclusive<usize> = 4..=1024;

/// A folder without some of the four files, nor anything else that can be used.
#[derive(thiserror::Error)]
#[error(
    "{}: expected train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, \
     each plain or with .gz, here or in the folder mnist within; missing: {}{}. \
     `cargo run --release --bin fetch` downloads them to {}; `--data {BUILT_IN}` does without. `--data DIR` also takes \
     PNG and JPEG files, in DIR or in folders in it, and CIFAR-10's data_batch_1.bin to data_batch_5.bin and test_batch.bin",
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
    pub const BUILT_IN: Source = Source { kind: Kind::BuiltIn, limit: usize::MAX };

    /// MNIST's four files in a folder.
    pub fn mnist(path: impl Into<PathBuf>) -> Source {
        Source { kind: Kind::Mnist(path.into()), limit: usize::MAX }
    }

    /// The same, but only the first `limit` images of each split.
    pub fn limited(self, limit: usize) -> Source {
        Source { limit, ..self }
    }

    /// The same with pictures of `size` x `size` pixels, and in colour if `colour` says so.
    ///
    /// # Errors
    /// If the size is none that pictures can have, or these are no pictures and something was asked for.
    pub fn with_format(mut self, size: Option<usize>, colour: bool) -> Result<Source> {
        if let Some(size) = size {
            ensure!(SIZES.contains(&size), "--size {size}: expected {} to {}", SIZES.start(), SIZES.end());
        }
        match &mut self.kind {
            Kind::Cifar(_, format) | Kind::Pictures(_, format) => {
                *format = Format { size: size.unwrap_or(SIZE), colour };
            }
            _ if size.is_some() => bail!("--size: {} have one; it is for a folder of pictures", self.name()),
            _ if colour => bail!("--colour: {} have none; it is for a folder of pictures", self.name()),
            _ => (),
        }
        Ok(self)
    }

    pub fn is_built_in(&self) -> bool {
        self.kind == Kind::BuiltIn
    }

    /// What `--data` names, else what the environment variable [`VARIABLE`] names, else [`default_folder`] if it
    /// holds MNIST, else the built-in digits. Pictures are grey.
    ///
    /// # Errors
    /// If the folder was named, or is not empty, and has neither MNIST's four files nor, if it was named, CIFAR-10's or
    /// pictures.
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
        if let Some(folder) = folders.iter().find(|folder| mnist::missing_in(folder).is_empty()) {
            return Ok(Source::mnist(folder));
        }
        if let Some(kind) = named.and_then(Kind::of_pictures) {
            return Ok(Source { kind, limit: usize::MAX });
        }
        let incomplete = folders.iter().map(|folder| Incomplete {
            folder: named.unwrap_or(default).into(),
            missing: mnist::missing_in(folder),
            found: names_in(folder),
        });
        Err(incomplete.min_by_key(|folder| (folder.missing.len(), folder.found.is_empty())).expect("a folder"))
    }

    /// The images and labels of one split, or of its first `limit` images. There is at least one. MNIST and the built-in
    /// digits are grey, have 28 x 28 pixels and ten classes; whether others will do is for the model to say.
    ///
    /// # Errors
    /// If a file is not what it should be; of pictures, if none is.
    pub fn load(&self, split: Split, limit: Option<usize>) -> Result<Dataset> {
        let limit = limit.unwrap_or(usize::MAX).min(self.limit);
        let digits = || (0..10).map(|digit| digit.to_string()).collect();
        match &self.kind {
            Kind::BuiltIn => Ok(built_in(split, limit)?.with_classes(digits())),
            Kind::Mnist(folder) => Ok(mnist::read(folder, split)?.take(limit).with_classes(digits())),
            Kind::Cifar(folder, format) => cifar::read(folder, split, *format, limit),
            Kind::Pictures(folder, format) => folder::read(folder, split, *format, limit),
        }
    }

    /// The name of the data set, as trained models remember it: any folder of MNIST's form counts as MNIST.
    pub fn name(&self) -> &'static str {
        match &self.kind {
            Kind::BuiltIn => "built-in digits",
            Kind::Mnist(_) => "MNIST",
            Kind::Cifar(..) => "CIFAR-10",
            Kind::Pictures(..) => "pictures",
        }
    }

    /// The first of the models in these files that was trained on this data set, or does not say on which. Files need
    /// not be there; one of another data set is named in a line of output.
    ///
    /// # Errors
    /// If a file is damaged, or the images cannot be read.
    pub fn find_model(&self, paths: impl IntoIterator<Item = PathBuf>) -> Result<Option<PathBuf>> {
        let mut checksums = HashMap::new();
        for path in paths.into_iter().filter(|path| path.exists()) {
            if self.is_of(&checkpoint::read(&path)?.meta, &mut checksums)? {
                return Ok(Some(path));
            }
            println!("{}: was trained on other images, and is not used", path.display());
        }
        Ok(None)
    }

    /// Whether a model with this metadata was trained on this data set: the checksum of its images decides, where any
    /// folder has the name MNIST, or pictures. `checksums` has those that are known, by numbers of images.
    fn is_of(&self, meta: &Value, checksums: &mut HashMap<u64, u32>) -> Result<bool> {
        if meta["data"].as_str().is_some_and(|name| name != self.name()) {
            return Ok(false);
        }
        match (meta["images"].as_u64(), meta["settings"]["checksum"].as_u64()) {
            (Some(images), Some(checksum)) if !self.is_built_in() => {
                let found = match checksums.entry(images) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(unknown) => {
                        let all = Source { limit: usize::MAX, ..self.clone() };
                        *unknown.insert(all.load(Split::Train, Some(images as usize))?.checksum())
                    }
                };
                Ok(u64::from(found) == checksum)
            }
            _ => Ok(true),
        }
    }

    /// The folder, or the name of the built-in digits, for messages.
    pub fn location(&self) -> String {
        match &self.kind {
            Kind::BuiltIn => self.name().to_string(),
            Kind::Mnist(folder) | Kind::Cifar(folder, _) | Kind::Pictures(folder, _) => folder.display().to_string(),
        }
    }
}

impl Kind {
    /// What a folder holds that is neither MNIST nor a part of it.
    fn of_pictures(folder: &Path) -> Option<Kind> {
        let format = Format { size: SIZE, colour: false };
        let cifar = [folder.join("cifar-10-batches-bin"), folder.into()];
        if let Some(folder) = cifar.into_iter().find(|folder| cifar::missing_in(folder).is_empty()) {
            return Some(Kind::Cifar(folder, format));
        }
        let has_pictures = !mnist::is_begun(folder) && folder::has_pictures(folder);
        has_pictures.then(|| Kind::Pictures(folder.into(), format))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.kind {
            Kind::BuiltIn => write!(f, "data: built-in digits (for MNIST: cargo run --release --bin fetch)"),
            _ => write!(f, "data: {} in {} (for the built-in digits: --data {BUILT_IN})", self.name(), self.location()),
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

fn built_in(split: Split, limit: usize) -> Result<Dataset, DataError> {
    let (purpose, most) = match split {
        Split::Train => ("train", 60_000),
        Split::Test => ("test", 10_000),
    };
    let count = limit.min(most);
    let digits::LabelledImages { pixels, labels } = digits::generate(purpose, count);
    Dataset::new(Images { count, channels: 1, rows: digits::SIDE, cols: digits::SIDE, pixels }, labels)
}
