//! Data files: what is written is read again, and what is wrong is an error that says so, never a panic.

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tsukuru::Real;
use tsukuru::data::idx::{Images, read_images, read_labels, write_images, write_labels};
use tsukuru::data::{DataError, Dataset};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// `count` images of 2 x 3 pixels; image i starts with the pixel i.
fn images(count: usize) -> Images {
    let pixels = (0..count * 6).map(|i| if i % 6 == 0 { i / 6 } else { i } as u8).collect();
    Images { count, channels: 1, rows: 2, cols: 3, pixels }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn header(magic: u32, sizes: &[u32]) -> Vec<u8> {
    std::iter::once(&magic).chain(sizes).flat_map(|n| n.to_be_bytes()).collect()
}

/// The error of reading `bytes`, without the path it has to start with.
fn message<T>(bytes: &[u8], read: impl Fn(&Path) -> Result<T, DataError>) -> String {
    let folder = folder();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    without_path(&path, read(&path))
}

fn without_path<T>(path: &Path, result: Result<T, DataError>) -> String {
    let message = result.err().expect("an error").to_string();
    message.strip_prefix(&path.display().to_string()).expect("the path comes first").to_string()
}

#[test]
fn files_come_back_plain_and_gzipped_whatever_their_name() {
    let folder = folder();
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    for (count, name) in [(5, "images"), (5, "images.gz"), (0, "none"), (0, "none.gz")] {
        write_images(&at(name), &images(count)).unwrap();
        assert_eq!(fs::read(at(name)).unwrap().starts_with(&[0x1f, 0x8b]), name.ends_with(".gz"));
        assert_eq!(read_images(&at(name)).unwrap(), images(count));
        write_labels(&at(name), &[3, 1, 4]).unwrap();
        assert_eq!(read_labels(&at(name)).unwrap(), [3, 1, 4]);
    }
    fs::rename(at("images.gz"), at("plainly")).unwrap();
    assert_eq!(read_labels(&at("plainly")).unwrap(), [3, 1, 4]);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "nothing but the files: {left:?}");
}

#[test]
fn the_bytes_are_as_published() {
    let folder = folder();
    let path = folder.path().join("file");
    write_images(&path, &Images { count: 1, channels: 1, rows: 1, cols: 2, pixels: vec![7, 8] }).unwrap();
    assert_eq!(fs::read(&path).unwrap(), [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 8]);
    write_labels(&path, &[9]).unwrap();
    assert_eq!(fs::read(&path).unwrap(), [0, 0, 8, 1, 0, 0, 0, 1, 9]);
    let packed = folder.path().join("file.gz");
    write_labels(&packed, &[9]).unwrap();
    assert_eq!(fs::read(&packed).unwrap()[4..8], [0; 4], "no time stamp");
}

#[test]
fn a_file_that_cannot_be_written_leaves_everything_as_it_was() {
    let folder = folder();
    let path = folder.path().join("missing").join("file");
    let message = without_path(&path, write_labels(&path, &[1]));
    assert!(message.starts_with(": cannot be written: "), "{message}");
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    write_labels(&taken, &[1]).unwrap_err();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the unfinished file is gone");
}

#[test]
fn what_is_not_a_file_is_named() {
    let folder = folder();
    let missing = folder.path().join("missing");
    let message = without_path(&missing, read_images(&missing));
    assert!(message.starts_with(", byte 0: expected a readable, whole file, found: "), "{message}");
    let message = without_path(folder.path(), read_images(folder.path()));
    assert_eq!(message, ", byte 0: expected a readable, whole file, found: expected a file, found a folder");
}

#[test]
fn headers_are_checked() {
    let images = |bytes: &[u8]| message(bytes, read_images);
    let magic = ", byte 0: expected the magic number of IDX images, found ";
    assert_eq!(images(b""), format!("{magic}0 of its 4 bytes and the end of the file"));
    assert_eq!(images(&gzip(b"")), format!("{magic}0 of its 4 bytes and the end of the file"));
    assert_eq!(images(&[0, 0, 8]), format!("{magic}3 of its 4 bytes and the end of the file"));
    let magic = ", byte 0: expected the magic number 00000803 of IDX images, found ";
    assert_eq!(images(b"\x89PNG\r\n"), format!("{magic}89504e47"));
    assert_eq!(images(&header(0xd03, &[0; 3])), ", byte 2: expected numbers of type 08 (u8), found type 0d (f32)");
    assert_eq!(images(&header(0x801, &[0])), ", byte 3: expected 3 as the number of axes (images), found 1 (labels)");
    assert_eq!(images(&header(0x802, &[0; 2])), ", byte 3: expected 3 as the number of axes (images), found 2");
    let size = ", byte 8: expected the size of axis 1, found 0 of its 4 bytes and the end of the file";
    assert_eq!(images(&header(0x803, &[1])), size);
    let none = ", byte 8: expected images of at least one pixel, found 0 x 28 pixels";
    assert_eq!(images(&header(0x803, &[u32::MAX, 0, 28])), none);
    let labels = message(&header(0x803, &[0; 3]), read_labels);
    assert_eq!(labels, ", byte 3: expected 1 as the number of axes (labels), found 3 (images)");
}

#[test]
fn promises_are_compared_with_the_file() {
    let images = |bytes: &[u8]| message(bytes, read_images);
    let two = header(0x803, &[2, 2, 2]);
    let with = |more: &[u8]| [&two, more].concat();
    assert_eq!(images(&with(&[0; 7])), ", byte 16: expected 8 bytes (2 x 2 x 2), found at most 7");
    assert_eq!(images(&gzip(&with(&[0; 7]))), ", byte 16: expected 8 bytes (2 x 2 x 2), found 7");
    assert_eq!(images(&with(&[0; 9])), ", byte 24: expected the end of the file, found more bytes");
    assert_eq!(images(&gzip(&with(&[0; 9]))), ", byte 24: expected the end of the file, found more bytes");
    let labels = message(&header(0x801, &[1_000_000_000]), read_labels);
    assert_eq!(labels, ", byte 8: expected 1000000000 bytes (1000000000), found at most 0");
    let all = header(0x803, &[u32::MAX; 3]);
    let sizes = "79228162458924105385300197375 bytes (4294967295 x 4294967295 x 4294967295)";
    assert_eq!(images(&all), format!(", byte 4: expected at most 1073741824 bytes, found {sizes}"));
    assert_eq!(images(&gzip(&all)), images(&all));
    let claim = gzip(&[header(0x803, &[1 << 16, 1 << 7, 1 << 7]), vec![0; 2 << 20]].concat());
    assert!(claim.len() * 1032 > 1 << 20 && claim.len() * 1032 < 1 << 30);
    assert!(images(&claim).starts_with(", byte 16: expected 1073741824 bytes (65536 x 128 x 128), found at most "));
}

#[test]
fn damaged_gzip_is_an_error() {
    let damaged = |bytes: &[u8]| {
        let message = message(bytes, read_images);
        let (place, rest) = message.split_once(": ").unwrap();
        assert!(place.starts_with(", byte "), "{message}");
        rest.strip_prefix("expected a whole and sound gzip file, found ").expect(&message).to_string()
    };
    let whole = gzip(&[header(0x803, &[2, 2, 2]), vec![1, 2, 3, 4, 5, 6, 7, 8]].concat());
    for length in 3..whole.len() {
        damaged(&whole[..length]);
    }
    let mut wrong_sum = whole.clone();
    wrong_sum[whole.len() - 8] ^= 1;
    assert!(damaged(&wrong_sum).contains("checksum"));
    let after = |more: &[u8]| damaged(&[&whole[..], more].concat());
    assert_eq!(after(b"more"), "the byte 6d after its end, where only zeros may follow");
    assert_eq!(after(&[0, 0, 1]), "the byte 01 after its end, where only zeros may follow");
    after(&whole[..9]);
}

/// What tapes and disks with blocks of one size leave behind a file; the program gzip passes over it, too.
#[test]
fn zeros_after_a_gzip_file_are_no_part_of_it() {
    let folder = folder();
    let path = folder.path().join("file");
    for members in [1, 2] {
        // The first member is as long as the buffer through which the file is read, or one byte longer or shorter.
        for spare in 8150..8200 {
            let noise: Vec<u8> = (0..spare).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 21) as u8).collect();
            let plain = [header(0x801, &[spare]), noise].concat();
            let (first, second) = plain.split_at(if members == 1 { plain.len() } else { plain.len() - 2 });
            let packed = |part: &[u8]| {
                let mut packer = GzEncoder::new(Vec::new(), Compression::none());
                packer.write_all(part).unwrap();
                packer.finish().unwrap()
            };
            let second = if second.is_empty() { vec![] } else { packed(second) };
            fs::write(&path, [packed(first), second, vec![0; 1000]].concat()).unwrap();
            assert_eq!(read_labels(&path).unwrap(), plain[8..]);
        }
    }
}

/// 8 GiB of zeros in 8 MiB, of which the header promises eight bytes: the rest must not be unpacked.
#[test]
fn a_bomb_is_not_unpacked() {
    let zeros = gzip(&vec![0; 64 << 20]);
    let bomb = [gzip(&header(0x803, &[2, 2, 2])), zeros.repeat(128)].concat();
    let start = std::time::Instant::now();
    assert_eq!(message(&bomb, read_images), ", byte 24: expected the end of the file, found more bytes");
    assert!(start.elapsed().as_millis() < 500, "took {:?}", start.elapsed());
}

#[test]
fn every_image_has_one_label() {
    let error = Dataset::new(images(3), vec![0; 2]).unwrap_err();
    assert_eq!(error.to_string(), "3 images do not go with 2 labels: there must be one label per image");
}

fn dataset(count: usize) -> Dataset {
    Dataset::new(images(count), (0..count as u8).collect()).unwrap()
}

#[test]
fn batches_hold_every_image_once_and_its_own_label() {
    for shuffle in [None, Some((0, 1))] {
        let dataset = dataset(10);
        let batches = dataset.batches(4, shuffle).unwrap();
        assert_eq!(batches.len(), 3);
        let mut seen = Vec::new();
        for ((x, labels), size) in batches.zip([4, 4, 2]) {
            assert_eq!((&x.shape()[..], labels.len()), (&[size, 1, 2, 3][..], size));
            for (image, label) in x.data().chunks(6).zip(labels) {
                let bytes = &dataset.images().pixels[label * 6..][..6];
                assert!(image.iter().zip(bytes).all(|(&x, &byte)| x == Real::from(byte) / 255.0));
                seen.push(label);
            }
        }
        assert_eq!(seen == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], shuffle.is_none());
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
}

#[test]
fn seed_and_epoch_decide_the_order() {
    let dataset = dataset(100);
    let order = |seed, epoch| dataset.batches(100, Some((seed, epoch))).unwrap().next().unwrap().1;
    assert_eq!(order(0, 0), order(0, 0));
    assert!(order(0, 0) != order(0, 1) && order(0, 0) != order(1, 0));
    assert_eq!(order(0, 0), tsukuru::random::Rng::new(0, "shuffle", 0).permutation(100));
}

#[test]
fn skipped_batches_change_nothing_in_the_rest() {
    let dataset = dataset(10);
    let batches = || dataset.batches(3, Some((0, 0))).unwrap();
    let all: Vec<_> = batches().collect();
    for skipped in 0..=5 {
        assert!(batches().skip(skipped).eq(all.iter().skip(skipped).cloned()), "{skipped} skipped");
    }
    assert!(batches().nth(usize::MAX).is_none());
}

#[test]
fn odd_requests_are_answered() {
    let error = dataset(3).batches(0, None).err().expect("an error");
    assert_eq!(error.to_string(), "batch size 0: a batch holds at least one image");
    assert_eq!(dataset(0).batches(2, Some((0, 0))).unwrap().count(), 0);
    let (taken, two) = (dataset(5).take(2), dataset(2));
    assert_eq!((taken.images(), taken.labels()), (two.images(), two.labels()));
    assert_eq!(taken.classes(), dataset(5).classes(), "of which some have no image now");
    assert_eq!(dataset(5).take(9), dataset(5));
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        pack in any::<bool>(),
        count in 0..4usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
    ) {
        let plain = [header(0x803, &[count as u32, 2, 3]), images(count).pixels].concat();
        let mut bytes = if pack { gzip(&plain) } else { plain };
        changes.into_iter().for_each(|(place, byte)| *place.get_mut(&mut bytes) = byte);
        bytes.truncate(length.index(bytes.len() + 1));
        let folder = folder();
        let path = folder.path().join("file");
        fs::write(&path, &bytes).unwrap();
        if let Ok(read) = read_images(&path) {
            prop_assert_eq!(read.count * read.rows * read.cols, read.pixels.len());
        }
        let _ = read_labels(&path);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), lead in 0..4usize) {
        let leads = [&[][..], &[0, 0, 8, 3], &[0, 0, 8, 1, 0, 0, 0], &[0x1f, 0x8b, 8, 0]];
        message_or_nothing(&[leads[lead], &bytes].concat());
    }
}

fn message_or_nothing(bytes: &[u8]) {
    let folder = folder();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    let _ = (read_images(&path).map_err(|e| e.to_string()), read_labels(&path).map_err(|e| e.to_string()));
}
