//! Named tensors in a file: the safetensors format, which PyTorch opens and which cannot run code.
//!
//! ```text
//! byte 0  u64      length of the header, little-endian
//!      8  JSON     {"__metadata__": {"meta": "{..}"}, "NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..}
//!      .. numbers  little-endian, without gaps
//! ```
//!
//! A file is not trusted: everything that the header says is checked before any number is read, and [`read`] gives
//! all of a file or nothing. The same entries always make the same bytes.

mod header;
mod wrapper;

use crate::error::quotable;
use crate::files::{open_regular, write_whole};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::{Real, debug_as_display};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::iter;
use std::mem;
use std::path::{Path, PathBuf};

/// `Real` in a file: F32, or F64 with the feature `f64`.
const REAL: Dtype = if mem::size_of::<Real>() == 8 { Dtype::F64 } else { Dtype::F32 };

/// Why a checkpoint could not be written, read or used.
#[derive(thiserror::Error)]
pub enum CheckpointError {
    /// The system could not read the file.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The system could not write the file.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The file is no checkpoint, or a damaged one.
    #[error("{}, byte {offset}: expected {expected}, found {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where in the file, in bytes from its beginning.
        offset: u64,
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
    },

    /// A tensor is not what it should be.
    #[error("{}, tensor `{name}`: expected {expected}, found {found}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What should stand under this name.
        expected: String,
        /// What the file has under this name.
        found: String,
    },

    /// The checkpoint belongs to another model, or to the same with other settings.
    #[error(
        "{}: does not fit this model: {}{}. Build the model as the saved one was, or load another file",
        path.display(), listed(missing, unexpected, misshapen), wrapper::hint(unexpected)
    )]
    Model {
        /// The file.
        path: PathBuf,
        /// Names of the model that the file lacks.
        missing: Vec<String>,
        /// Names of the file that the model lacks.
        unexpected: Vec<String>,
        /// Names of both, each with what the model and the file have under it.
        misshapen: Vec<String>,
    },
}

debug_as_display!(CheckpointError);

fn quoted(name: &str) -> String {
    format!("`{}`", quotable(name))
}

fn listed(missing: &[String], unexpected: &[String], misshapen: &[String]) -> String {
    let lists = [("missing", missing), ("unexpected", unexpected), ("of another shape", misshapen)];
    let lists = lists.iter().filter(|(_, names)| !names.is_empty());
    lists.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect::<Vec<_>>().join("; ")
}

/// What one name stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Numbers in a shape.
    Real(Tensor),
    /// Whole numbers in a shape, such as a count of steps in shape `()`.
    Int(Shape, Vec<i64>),
}

impl Data {
    fn dtype(&self) -> Dtype {
        match self {
            Data::Real(_) => REAL,
            Data::Int(..) => Dtype::I64,
        }
    }

    fn shape(&self) -> &Shape {
        match self {
            Data::Real(tensor) => tensor.shape(),
            Data::Int(shape, _) => shape,
        }
    }

    /// What it is, for messages: equal for two of one type and shape, and for no others.
    fn kind(&self) -> String {
        match self {
            Data::Real(tensor) => format!("numbers of shape {}", tensor.shape()),
            Data::Int(shape, _) => format!("whole numbers of shape {shape}"),
        }
    }
}

/// The contents of a checkpoint: data by name, and anything else as JSON.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    /// Settings, counters, history: whatever is not a tensor. `Null` if a file has none.
    pub meta: Value,
    data: BTreeMap<String, Data>,
    /// Where they were read, for the messages.
    path: PathBuf,
}

impl Entries {
    /// No data yet, and `meta`.
    pub fn new(meta: Value) -> Entries {
        Entries { meta, ..Entries::default() }
    }

    /// Adds data under a name of its own.
    ///
    /// # Panics
    /// If the name is taken, or `Int` has not as many numbers as its shape says.
    #[track_caller]
    pub fn insert(&mut self, name: impl Into<String>, data: Data) {
        let name = name.into();
        if let Data::Int(shape, numbers) = &data {
            assert!(shape.count() == numbers.len(), "checkpoint: `{name}` of shape {shape}");
        }
        assert!(name != "__metadata__", "checkpoint: the name `{name}` belongs to the format");
        assert!(!self.data.contains_key(&name), "checkpoint: there are two tensors `{name}`");
        self.data.insert(name, data);
    }

    /// The data called `name`.
    pub fn get(&self, name: &str) -> Option<&Data> {
        self.data.get(name)
    }

    /// All names and their data, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Data)> {
        self.data.iter().map(|(name, data)| (name.as_str(), data))
    }

    /// Removes the tensor `name` and returns it. Take everything, then [`finish`](Entries::finish), then change your
    /// model: so a wrong file changes nothing.
    ///
    /// # Errors
    /// If there is no tensor of this name and shape.
    pub fn take_real(&mut self, name: &str, shape: &Shape) -> Result<Tensor, CheckpointError> {
        match self.data.remove(name) {
            Some(Data::Real(tensor)) if tensor.shape() == shape => Ok(tensor),
            other => Err(CheckpointError::Tensor {
                path: self.source(),
                name: name.into(),
                expected: format!("numbers of shape {shape}"),
                found: other.map_or("none".into(), |data| data.kind()),
            }),
        }
    }

    /// Removes all data whose names begin with `prefix`, and returns it by the rest of these names.
    pub fn under(&mut self, prefix: &str) -> Entries {
        let all = mem::take(&mut self.data).into_iter();
        let (taken, left) = all.partition::<BTreeMap<_, _>, _>(|(name, _)| name.starts_with(prefix));
        self.data = left;
        let data = taken.into_iter().map(|(name, data)| (name[prefix.len()..].to_string(), data)).collect();
        Entries { meta: Value::Null, data, path: self.path.clone() }
    }

    /// Checks that everything was taken.
    ///
    /// # Errors
    /// If something is left, with all names: then the file belongs to another model.
    pub fn finish(self) -> Result<(), CheckpointError> {
        self.check(&Entries::default())
    }

    /// Checks that there are data of the same names, types and shapes as in `expected`, and no others.
    ///
    /// # Errors
    /// All names that are missing, unexpected or of another type or shape.
    pub fn check(&self, expected: &Entries) -> Result<(), CheckpointError> {
        let (mut missing, mut misshapen) = (vec![], vec![]);
        for (name, expected) in expected.iter().map(|(name, data)| (name, data.kind())) {
            match self.get(name).map(Data::kind) {
                None => missing.push(quoted(name)),
                Some(found) if found == expected => (),
                Some(found) => misshapen.push(format!("{} (expected {expected}, found {found})", quoted(name))),
            }
        }
        let unexpected = self.data.keys().filter(|name| expected.get(name).is_none());
        let unexpected: Vec<String> = unexpected.map(|name| quoted(name)).collect();
        match missing.is_empty() && unexpected.is_empty() && misshapen.is_empty() {
            true => Ok(()),
            false => Err(CheckpointError::Model { path: self.source(), missing, unexpected, misshapen }),
        }
    }

    /// What messages call it.
    fn source(&self) -> PathBuf {
        if self.path.as_os_str().is_empty() { "the state".into() } else { self.path.clone() }
    }
}

/// Writes a checkpoint. A crash in the middle leaves the old file.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, entries: &Entries) -> Result<(), CheckpointError> {
    let fail = |source| CheckpointError::Write { path: path.into(), source };
    let mut data = Vec::from_iter(entries.iter());
    data.sort_by_key(|(_, data)| Reverse(data.dtype())); // numbers of 8 bytes before those of 4: each at a multiple of its size
    let mut end = 0;
    let info = |(name, data): &(&str, &Data)| {
        let (start, shape) = (end, data.shape().to_vec());
        end += shape.iter().product::<usize>() * data.dtype().bitsize() / 8;
        (name.to_string(), TensorInfo { dtype: data.dtype(), shape, data_offsets: (start, end) })
    };
    let infos = data.iter().map(info).collect();
    // One key only: the library writes several in random order.
    let meta = HashMap::from([("meta".to_string(), entries.meta.to_string())]);
    let header = Metadata::new(Some(meta), infos).map_err(|error| fail(io::Error::other(error)))?;
    let mut header = serde_json::to_string(&header).expect("strings and numbers");
    header.extend(iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let write = |out: &mut dyn Write| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        data.iter().try_for_each(|(_, data)| match data {
            Data::Real(tensor) => tensor.data().iter().try_for_each(|x| out.write_all(&x.to_le_bytes())),
            Data::Int(_, numbers) => numbers.iter().try_for_each(|n| out.write_all(&n.to_le_bytes())),
        })
    };
    write_whole(path, write).map_err(fail)
}

/// Reads a checkpoint: F32 and F64 become [`Real`], I64 whole numbers. A text `meta` in the metadata that is no JSON
/// becomes a JSON string; other metadata are passed over.
///
/// # Errors
/// If the file cannot be read, or is not in every detail what its header says.
pub fn read(path: &Path) -> Result<Entries, CheckpointError> {
    let fail = |source| CheckpointError::Read { path: path.into(), source };
    let file = open_regular(path).map_err(fail)?;
    let length = file.metadata().map_err(fail)?.len();
    from_reader(path, file, length)
}

/// As [`read`], from a checkpoint that lies in memory (`include_bytes!`). `path` is what messages call it.
///
/// # Errors
/// If it is not in every detail what its header says.
pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Entries, CheckpointError> {
    from_reader(path, bytes, bytes.len() as u64)
}

/// Of `length` bytes, the numbers are read when the header is known to describe them.
fn from_reader(path: &Path, mut file: impl Read, length: u64) -> Result<Entries, CheckpointError> {
    let fail = |source| CheckpointError::Read { path: path.into(), source };
    let header = header::read(path, &mut file, length)?;
    let mut numbers = Vec::new();
    numbers.try_reserve_exact(header.data_len()).map_err(|error| fail(error.into()))?;
    numbers.resize(header.data_len(), 0);
    file.read_exact(&mut numbers).map_err(fail)?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get("meta"));
    let meta = text.map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()));
    let tensors = header.tensors().into_iter();
    let data = tensors.map(|(name, info)| (name, decoded(info, &numbers))).collect();
    Ok(Entries { meta, data, path: path.into() })
}

/// A tensor that was checked, from the little-endian `numbers` of all.
fn decoded(info: &TensorInfo, numbers: &[u8]) -> Data {
    let shape = Shape::new(&info.shape);
    let bytes = &numbers[info.data_offsets.0..info.data_offsets.1];
    match info.dtype {
        Dtype::F32 => Data::Real(reals(shape, bytes, |b| f32::from_le_bytes(b) as Real)),
        Dtype::F64 => Data::Real(reals(shape, bytes, |b| f64::from_le_bytes(b) as Real)),
        _ => Data::Int(shape, bytes.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b)).collect()),
    }
}

fn reals<const SIZE: usize>(shape: Shape, bytes: &[u8], real: impl Fn([u8; SIZE]) -> Real) -> Tensor {
    Tensor::build(shape, |data| data.iter_mut().zip(bytes.as_chunks().0).for_each(|(x, &b)| *x = real(b)))
}
