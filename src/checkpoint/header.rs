//! The header of a safetensors file: the crate `safetensors` parses it, and what tsukuru cannot read is refused.

use super::CheckpointError;
use crate::shape::{MAX_RANK, fits_into_memory};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::Deserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::Path;

/// The format allows no longer header, in bytes.
const MAX_HEADER: usize = 100_000_000;

/// Parses the header of the file `bytes`; beside it are the bytes of the numbers, to which its offsets refer. The crate
/// sees to it that the tensors lie one behind the other, each with as many bytes as its shape needs.
pub(super) fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<(Metadata, &'a [u8]), CheckpointError> {
    let wrong = |offset: usize, expected: String, found: String| CheckpointError::Format {
        path: path.into(),
        offset: offset as u64,
        expected,
        found,
    };
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Err(wrong(0, "8 bytes that say how long the header is".into(), format!("only {}", bytes.len())));
    };
    let (length, most) = (u64::from_le_bytes(*length), MAX_HEADER.min(rest.len()));
    if length > most as u64 {
        return Err(wrong(0, format!("a header of at most {most} bytes"), length.to_string()));
    }
    let (json, numbers) = rest.split_at(length as usize);
    let unique = serde_json::Deserializer::from_slice(json).deserialize_map(UniqueNames);
    let metadata: Metadata = unique
        .and_then(|()| serde_json::from_slice(json))
        .map_err(|error| wrong(8, "a header that describes tensors in JSON".into(), error.to_string()))?;
    if metadata.data_len() != numbers.len() {
        let expected = format!("{} bytes of numbers", metadata.data_len());
        return Err(wrong(8 + json.len(), expected, numbers.len().to_string()));
    }
    for (name, info) in BTreeMap::from_iter(metadata.tensors()) {
        check(info).map_err(|(expected, found)| CheckpointError::Tensor {
            path: path.into(),
            name,
            expected,
            found,
        })?;
    }
    Ok((metadata, numbers))
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
