//! The header of a safetensors file, and everything that can be wrong with it.

use super::CheckpointError;
use crate::shape::{MAX_RANK, fits_into_memory};
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::Path;

/// The format allows no longer header.
const LONGEST: u64 = 100_000_000;

/// What a header says, in the order of the numbers in the file.
pub(super) struct Header {
    pub meta: BTreeMap<String, String>,
    pub tensors: Vec<(String, TensorInfo)>,
}

/// The length of the header, from the first eight bytes of a file that is `file_length` bytes long.
pub(super) fn length(path: &Path, first: &[u8], file_length: u64) -> Result<u64, CheckpointError> {
    let wrong =
        |expected: String, found: String| CheckpointError::Format { path: path.into(), offset: 0, expected, found };
    let (Ok(first), Some(rest)) = (first.try_into(), file_length.checked_sub(8)) else {
        return Err(wrong("8 bytes that say how long the header is".into(), format!("only {}", first.len())));
    };
    let (length, most) = (u64::from_le_bytes(first), LONGEST.min(rest));
    match length <= most {
        true => Ok(length),
        false => Err(wrong(format!("a header of at most {most} bytes"), format!("{length}"))),
    }
}

impl Header {
    /// Understands the header `json` of a file in which `room` bytes follow it, and checks every word of it.
    pub fn new(path: &Path, json: &[u8], room: u64) -> Result<Header, CheckpointError> {
        let wrong =
            |offset, expected: String, found| CheckpointError::Format { path: path.into(), offset, expected, found };
        let mut header: Header = serde_json::from_slice(json)
            .map_err(|error| wrong(8, "a header that describes tensors in JSON".into(), error.to_string()))?;
        header.tensors.sort_by_key(|(_, info)| info.data_offsets);

        let mut end = 0;
        for (name, info) in &header.tensors {
            check(info, end).map_err(|(expected, found)| CheckpointError::Tensor {
                path: path.into(),
                name: name.clone(),
                expected,
                found,
            })?;
            end = info.data_offsets.1;
        }
        match end as u64 == room {
            true => Ok(header),
            false => Err(wrong(8 + json.len() as u64, format!("{end} bytes of numbers"), room.to_string())),
        }
    }
}

/// Checks what the header says of the tensor that has to start at byte `start` of the numbers. An error is what was
/// expected and what was found.
fn check(info: &TensorInfo, start: usize) -> Result<(), (String, String)> {
    let TensorInfo { dtype, ref shape, data_offsets: (begin, end) } = *info;
    if !matches!(dtype, Dtype::F32 | Dtype::F64 | Dtype::I64) {
        return Err(("F32, F64 or I64".into(), dtype.to_string()));
    }
    if shape.len() > MAX_RANK {
        return Err((format!("at most {MAX_RANK} axes"), shape.len().to_string()));
    }
    if begin != start || end < begin {
        return Err((format!("bytes from {start} on"), format!("bytes {begin} to {end}")));
    }
    if !fits_into_memory(shape) {
        return Err(("a shape that fits into memory".into(), format!("{shape:?}")));
    }
    let bytes = shape.iter().product::<usize>() * dtype.bitsize() / 8;
    match bytes == end - begin {
        true => Ok(()),
        false => Err((format!("{bytes} bytes for {dtype} {shape:?}"), (end - begin).to_string())),
    }
}

/// By hand, because the derived way keeps the last of two tensors of one name without a word.
impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Header, D::Error> {
        json.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header { meta: BTreeMap::new(), tensors: Vec::new() };
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let about = |error| A::Error::custom(format_args!("`{name}`: {error}"));
            if !names.insert(name.clone()) {
                return Err(about(A::Error::custom("is there twice")));
            }
            match name.as_str() {
                "__metadata__" => header.meta = map.next_value().map_err(about)?,
                _ => {
                    let info = map.next_value().map_err(about)?;
                    header.tensors.push((name, info));
                }
            }
        }
        Ok(header)
    }
}
