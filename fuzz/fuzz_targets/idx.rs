//! Files of images and labels.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use tsukuru::data::idx;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("a/file");
    match idx::images_from_bytes(path, bytes) {
        Ok(images) => assert_eq!(images.count * images.rows * images.cols, images.pixels.len()),
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
    }
    if let Err(error) = idx::labels_from_bytes(path, bytes) {
        assert!(!error.to_string().contains(char::is_control), "{error}");
    }
});
