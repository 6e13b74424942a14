//! Files that are damaged or no checkpoints: each is an error that says what was expected, found, and where.

use super::{entries, file, message, read, without_path};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use tsukuru::checkpoint::{self, Data};
use tsukuru::shape::Shape;

/// A file that opens, and then cannot be read.
#[test]
#[cfg(target_os = "linux")]
fn a_file_that_breaks_off_is_an_error() {
    let path = Path::new("/proc/self/mem");
    let error = without_path(path, checkpoint::read(path).unwrap_err());
    assert!(error.starts_with(": cannot be read: "), "{error}");
}

#[test]
fn what_is_not_a_checkpoint_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = without_path(&missing, checkpoint::read(&missing).unwrap_err());
    assert!(error.starts_with(": cannot be read: "), "{error}");
    let error = without_path(folder.path(), checkpoint::read(folder.path()).unwrap_err());
    assert_eq!(error, ": cannot be read: expected a file, found a folder");
    let nowhere = missing.join("file");
    let error = without_path(&nowhere, checkpoint::write(&nowhere, &entries()).unwrap_err());
    assert!(error.starts_with(": cannot be written: "), "{error}");
}

#[test]
fn the_length_of_the_header_is_checked() {
    let message = |bytes: &[u8]| read(bytes).expect_err("an error");
    assert_eq!(message(b""), ", byte 0: expected 8 bytes that say how long the header is, found only 0");
    assert_eq!(message(&[1; 7]), ", byte 0: expected 8 bytes that say how long the header is, found only 7");
    let four_gib = [&(4u64 << 30).to_le_bytes()[..], b"{}"].concat();
    assert_eq!(message(&four_gib), ", byte 0: expected a header of at most 2 bytes, found 4294967296");
    assert_eq!(message(&[0xff; 9]), ", byte 0: expected a header of at most 1 bytes, found 18446744073709551615");
}

#[test]
fn what_torch_saves_is_recognised() {
    let pickle = |protocol: u8| vec![0x80, protocol, 0x8a, b'\n', b'l', 0xfc, 0x9c, b'F'];
    let zip = (b"PK\x03\x04\0\0\x08\x08".to_vec(), "a zip archive");
    for (start, name) in [zip, (pickle(2), "a pickle"), (pickle(5), "a pickle")] {
        let message = read(&[&start[..], &[0; 9]].concat()).expect_err("an error");
        assert!(message.starts_with(&format!(", byte 0: expected a safetensors file, found {name}, as torch.save ")));
        assert!(message.contains("safetensors.torch.save_file(model.state_dict(), "), "{message}");
    }
    assert!([1, 6].iter().all(|protocol| !read(&pickle(*protocol)).expect_err("an error").contains("a pickle")));
    let json = format!("{:<640}", "{}"); // 640 is 80 02 00 ..
    assert!(read(&file(&json, &[])).is_ok());
}

/// Neither is read: the file has no blocks on disk.
#[test]
fn a_file_beyond_all_sizes_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let json = r#"{"a":{"dtype":"F32","shape":[2500000000],"data_offsets":[0,10000000000]}}"#;
    fs::write(&path, file(json, &[])).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(10_000_000_000 + 8 + json.len() as u64).unwrap();
    let error = without_path(&path, checkpoint::read(&path).unwrap_err());
    let expected = "expected at most 8589934592 bytes of numbers, found 10000000000";
    assert_eq!(error, format!(", byte {}: {expected}", 8 + json.len()));
}

#[test]
fn names_are_quoted_in_one_line() {
    let long = "n".repeat(5000);
    for name in [
        r"a
b[2J", &long,
    ] {
        let json = format!(r#"{{"{name}":{{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}}}"#);
        let message = message(&json, 1);
        assert!(message.len() < 400 && !message.contains(char::is_control), "{message:?}");
    }
}

#[test]
fn the_header_is_checked() {
    let bad = ", byte 8: expected a header that describes tensors in JSON, found ";
    let says = |json: &str, what: &str| {
        let message = message(json, 8);
        assert!(message.starts_with(&format!("{bad}{what}")), "{message}");
    };
    says("", "EOF while parsing");
    says("not JSON", "expected ident");
    says("[1]", "invalid type: sequence, expected an object");
    says(&"[".repeat(100_000), "invalid type: sequence, expected an object");
    says(r#"{"a":3}"#, "invalid type: integer `3`");
    says(r#"{"a":{"dtype":"Q7","shape":[],"data_offsets":[0,8]}}"#, "unknown variant `Q7`");
    says(r#"{"a":{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}}"#, "invalid value: integer `-1`");
    let a = r#""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    says(&format!("{{{a},{a}}}"), "the name `a` twice");
    says(r#"{"__metadata__":{"meta":1}}"#, "invalid type: integer `1`, expected a string");
    let layout = |dtype: &str, shape: &str, begin: u64, end: u64, what: &str| {
        let json = format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}}}"#);
        says(&json, what);
    };
    layout("F64", "[1]", 1, 9, "invalid offset for tensor `a`");
    layout("F64", "[2]", 0, 8, "invalid shape, data type, or offset for tensor");
    layout("F32", "[4294967296, 4294967296]", 0, 8, "overflow computing buffer size from shape");
    let two = |a: &str, b: &str| {
        format!(
            r#"{{"a":{{"dtype":"F32","shape":[1],"data_offsets":{a}}},"b":{{"dtype":"F32","shape":[1],"data_offsets":{b}}}}}"#
        )
    };
    says(&two("[0,4]", "[4,0]"), "invalid offset for tensor `b`");
    says(&two("[0,4]", "[3,7]"), "invalid offset for tensor `b`");
    says(&two("[0,4]", "[5,9]"), "invalid offset for tensor `b`");
}

#[test]
fn metadata_of_other_programs_are_no_obstacle() {
    let with = |metadata: &str| read(&file(&format!(r#"{{"__metadata__":{metadata}}}"#), &[])).unwrap().meta;
    assert_eq!(with(r#"{"format":"pt","meta":"{\"lr\": 0.1}"}"#), json!({"lr": 0.1}));
    assert_eq!(with(r#"{"format":"pt"}"#), Value::Null);
    for text in ["", "{", "a model of digits"] {
        assert_eq!(with(&json!({"meta": text}).to_string()), json!(text));
    }
}

#[test]
fn every_tensor_is_checked() {
    let a = |dtype: &str, shape: &str, begin: u64, end: u64| {
        let json = format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}}}"#);
        message(&json, end as usize)
    };
    let most = file(r#"{"a":{"dtype":"F32","shape":[1,1,1,1,1,1],"data_offsets":[0,4]}}"#, &[0; 4]);
    assert!(read(&most).is_ok());
    let at = ", tensor `a`: expected ";
    assert_eq!(a("U8", "[8]", 0, 8), format!("{at}F32, F64 or I64, found U8"));
    assert_eq!(a("F64", "[1,1,1,1,1,1,1]", 0, 8), format!("{at}at most 6 axes, found 7"));
    let empty = "[0, 4294967296, 4294967296]";
    assert_eq!(a("F32", empty, 0, 0), format!("{at}a shape that fits into memory, found {empty}"));
}

#[test]
fn the_numbers_fill_the_file() {
    let json = r#"{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}"#;
    let end = 8 + json.len();
    assert_eq!(message(json, 3), format!(", byte {end}: expected 4000000000 bytes of numbers, found 3"));
    assert_eq!(message("{}", 3), ", byte 10: expected 0 bytes of numbers, found 3");
}

/// A checkpoint, written once.
static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    checkpoint::write(&path, &entries()).unwrap();
    fs::read(&path).unwrap()
});

#[test]
fn a_cut_file_is_an_error_wherever_it_is_cut() {
    for length in 0..BYTES.len() {
        read(&BYTES[..length]).expect_err("an error");
    }
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        digits in any::<bool>(),
    ) {
        let mut bytes = BYTES.clone();
        for (place, byte) in changes {
            let byte = if digits { b'0' + byte % 10 } else { byte };
            *place.get_mut(&mut bytes) = byte;
        }
        if let Ok(mut entries) = read(&bytes) {
            // Whatever was read is usable.
            let shapes: Vec<(String, Shape)> = entries.iter().filter_map(|(name, data)| match data {
                Data::Real(tensor) => Some((name.to_string(), *tensor.shape())),
                Data::Int(..) => None,
            }).collect();
            for (name, shape) in shapes {
                prop_assert_eq!(entries.take_real(&name, &shape).unwrap().data().len(), shape.count());
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), length in any::<u8>()) {
        let _ = read(&bytes);
        let _ = read(&[&u64::from(length).to_le_bytes()[..], &bytes].concat());
    }
}
