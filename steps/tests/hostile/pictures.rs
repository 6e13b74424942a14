//! Hostile pictures: PNG and JPEG files, and CIFAR-10's.

use super::mutate::Mutations;
use super::{count, report};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use steps::common::data::{Format, cifar};

fn file(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(vec![]);
    picture.into().write_to(&mut bytes, format).expect("a picture in memory");
    bytes.into_inner()
}

#[test]
fn damaged_pictures_are_read_or_refused() {
    let shade = |x: u32, y: u32| (x * 7919 + y * 104_729) as u8;
    let colours = RgbImage::from_fn(9, 6, |x, y| Rgb([shade(x, y), shade(y, x), 99]));
    let grey = GrayImage::from_fn(7, 7, |x, y| Luma([shade(x, y)]));
    let seeds = [
        file(colours.clone(), ImageFormat::Png),
        file(RgbaImage::from_fn(5, 8, |x, y| Rgba([shade(x, y); 4])), ImageFormat::Png),
        file(DynamicImage::from(grey.clone()).into_luma16(), ImageFormat::Png),
        file(colours, ImageFormat::Jpeg),
        file(grey, ImageFormat::Jpeg),
    ];
    let tokens: [&[u8]; 14] = [
        b"\x89PNG\r\n\x1a\n",
        b"\0\0\0\0IEND\xae\x42\x60\x82",
        b"IHDR",
        b"IDAT",
        b"PLTE",
        b"tRNS",
        b"\xff\xd8",
        b"\xff\xd9",
        b"\xff\xda",
        b"\xff\xc2\0\x11\x08\0\x06\0\x09\x03",
        b"\xff\xdd\0\x04\0\x01",
        b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0",
        &[0xff; 4],
        &[0x3f, 0xff, 0x3f, 0xff],
    ];
    let good = AtomicU64::new(0);
    let format = Format { size: 4, colour: true };
    Mutations { seeds: &seeds, tokens: &tokens }.each(count(), |bytes| match format.decode(&bytes) {
        Ok(image) => {
            assert_eq!(image.len(), 3 * 16);
            good.fetch_add(1, Ordering::Relaxed);
        }
        Err(error) => {
            let said = error.to_string();
            assert!(!said.contains(char::is_control) && said.len() < 300, "{said:?}");
        }
    });
    report("pictures", good);
}

#[test]
fn damaged_files_of_cifar_10_are_read_or_refused() {
    let record = |label: u8| [vec![label], vec![7; 3072]].concat();
    let seeds = [record(0), [record(9), record(1)].concat()];
    let tokens: [&[u8]; 3] = [&[10], &record(3), &[0xff; 3072]];
    let good = AtomicU64::new(0);
    Mutations { seeds: &seeds, tokens: &tokens }.each(count(), |bytes| {
        match cifar::records(Path::new("a/file"), &bytes) {
            Ok(records) => {
                assert!(records.iter().all(|record| record[0] < 10));
                good.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => assert!(error.to_string().starts_with("a/file, byte "), "{error}"),
        }
    });
    assert!(good.into_inner() > count() / 100);
}
