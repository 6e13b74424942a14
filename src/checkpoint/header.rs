//! The header of a safetensors file: the crate `safetensors` parses it, and what tsukuru cannot read is refused.

use super::CheckpointError;
use crate::error::quotable;
use crate::shape::{MAX_RANK, fits_into_memory};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::Deserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::Read;
use std::path::Path;

/// The format allows no longer header, in bytes.
const MAX_HEADER: u64 = 100_000_000;

/// So many bytes of numbers are read at most. The book's U-Net has 9 million.
const MAX_NUMBERS: u64 = 1 << 33;

/// Reads the header of a file of `length` bytes, and nothing behind it. The crate sees to it that the tensors lie one
/// behind the other, each with as many bytes as its shape needs; together they fill the file.
pub(super) fn read(path: &Path, file: &mut impl Read, length: u64) -> Result<Metadata, CheckpointError> {
    let wrong = |offset: u64, expected: String, found: String| CheckpointError::Format {
        path: path.into(),
        offset,
        expected,
        found,
    };
    let mut bytes = |count: u64| {
        let mut bytes = Vec::new();
        let result = file.take(count).read_to_end(&mut bytes);
        result.map(|_| bytes).map_err(|source| CheckpointError::Read { path: path.into(), source })
    };
    let start = bytes(8)?;
    let Ok(size) = start[..].try_into().map(u64::from_le_bytes) else {
        return Err(wrong(0, "8 bytes that say how long the header is".into(), format!("only {}", start.len())));
    };
    let rest = length.saturating_sub(8);
    if size > MAX_HEADER.min(rest) {
        return Err(match format_of(&start) {
            Some(found) => wrong(0, "a safetensors file".into(), found),
            None => wrong(0, format!("a header of at most {} bytes", MAX_HEADER.min(rest)), size.to_string()),
        });
    }
    let json = &bytes(size)?[..];
    let unique = serde_json::Deserializer::from_slice(json).deserialize_map(UniqueNames);
    let metadata: Metadata = unique
        .and_then(|()| serde_json::from_slice(json))
        .map_err(|error| wrong(8, "a header that describes tensors in JSON".into(), quotable(&error.to_string())))?;
    if metadata.data_len() as u64 != rest - size {
        let expected = format!("{} bytes of numbers", metadata.data_len());
        return Err(wrong(8 + size, expected, (rest - size).to_string()));
    }
    if rest - size > MAX_NUMBERS {
        return Err(wrong(8 + size, format!("at most {MAX_NUMBERS} bytes of numbers"), (rest - size).to_string()));
    }
    for (name, info) in BTreeMap::from_iter(metadata.tensors()) {
        check(info).map_err(|(expected, found)| CheckpointError::Tensor {
            path: path.into(),
            name: quotable(&name),
            expected,
            found,
        })?;
    }
    Ok(metadata)
}

/// The formats in which PyTorch itself saves, by their first bytes: a zip archive, or before version 1.6 a pickle.
fn format_of(start: &[u8]) -> Option<String> {
    let name = match start {
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [0x80, 2..=5, ..] => "a pickle",
        _ => return None,
    };
    let save = "`safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")`";
    Some(format!("{name}, as torch.save writes it; in Python, {save} writes a safetensors file"))
}

/// Whether tsukuru can hold the tensor; if not, what was expected and what was found.
fn check(TensorInfo { dtype, shape, .. }: &TensorInfo) -> Result<(), (String, String)> {
    if !matches!(dtype, Dtype::F32 | Dtype::F64 | Dtype::I64) {
        return Err(("F32, F64 or I64".into(), dtype.to_string()));
    }
    if shape.len() > MAX_RANK {
        return Err((format!("at most {MAX_RANK} axes"), shape.len().to_string()));
    }
    match fits_into_memory(shape) {
        true => Ok(()),
        false => Err(("a shape that fits into memory".into(), format!("{shape:?}"))),
    }
}

/// Refuses a JSON object with two entries of one name, of which the crate would keep the last without an error.
struct UniqueNames;

impl<'de> Visitor<'de> for UniqueNames {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<String, _>()? {
            if let Some(name) = names.replace(name) {
                return Err(A::Error::custom(format_args!("the name `{name}` twice")));
            }
        }
        Ok(())
    }
}
