//! Files of models.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use tsukuru::checkpoint::{self, Data};

fuzz_target!(|bytes: &[u8]| {
    match checkpoint::from_bytes(Path::new("a/file"), bytes) {
        Ok(entries) => entries.iter().for_each(|(_, data)| match data {
            Data::Real(tensor) => assert_eq!(tensor.shape().count(), tensor.data().len()),
            Data::Int(shape, numbers) => assert_eq!(shape.count(), numbers.len()),
        }),
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
    }
});
