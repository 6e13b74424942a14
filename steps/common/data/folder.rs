//! A folder of PNG and JPEG files, whose subfolders are the classes.

use super::Split;
use super::picture::Format;
use anyhow::{Result, ensure};
use rayon::prelude::*;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use tsukuru::data::{Dataset, idx::Images};
use tsukuru::eprintln;
use tsukuru::files::read_regular;

/// Every tenth picture of a class is one to test with.
const TEST: usize = 10;
/// Files that are decoded together, before it is seen whether they are enough.
const TOGETHER: usize = 256;
/// Bytes of a file, at most.
const MOST_BYTES: u64 = 1 << 26;
/// Files that are named one by one if they cannot be used.
const NAMED: usize = 10;

/// Whether there are pictures in the folder or in one right below it.
pub fn has_pictures(folder: &Path) -> bool {
    !pictures_in(folder).is_empty() || folders_in(folder).iter().any(|folder| !pictures_in(folder).is_empty())
}

/// The images of a split, or the first `limit` of them. Classes take turns: the first picture of each, the second of each.
/// A file that cannot be used is named on standard error.
///
/// # Errors
/// If no file can be used, or there are too many classes or pixels.
pub fn read(folder: &Path, split: Split, format: Format, limit: usize) -> Result<Dataset> {
    let classes = classes(folder);
    let location = folder.display();
    ensure!(classes.len() <= 256, "{location}: expected at most 256 folders with pictures, found {}", classes.len());
    let mut files: Vec<(usize, u8, &PathBuf)> = vec![];
    for (label, (_, pictures)) in classes.iter().enumerate() {
        files.extend(pictures.iter().enumerate().map(|(i, path)| (i, label as u8, path)));
    }
    files.retain(|(i, ..)| (i % TEST == TEST - 1) == (split == Split::Test));
    files.sort();
    ensure!(
        !files.is_empty(),
        "{location}: expected at least {TEST} pictures of some class, as every {TEST}th is one to test with"
    );
    let [channels, rows, cols] = format.image_size();
    format.check_count(files.len().min(limit), folder)?;

    let (mut pixels, mut labels, mut wrong) = (vec![], vec![], vec![]);
    for files in files.chunks(TOGETHER) {
        let images: Vec<Result<Vec<u8>>> = files.par_iter().map(|(_, _, path)| decode(path, format)).collect();
        for (image, &(_, label, path)) in images.into_iter().zip(files) {
            match image {
                Ok(_) if labels.len() == limit => (),
                Ok(image) => {
                    pixels.extend(image);
                    labels.push(label);
                }
                Err(error) => wrong.push(format!("{}: {error:#}", path.display())),
            }
        }
        if labels.len() == limit {
            break;
        }
    }
    ensure!(!labels.is_empty(), "{location}: none of {} pictures can be used; {}", wrong.len(), wrong[0]);
    wrong.iter().take(NAMED).for_each(|wrong| eprintln!("{wrong}; it is left out"));
    if wrong.len() > NAMED {
        eprintln!("{location}: {} other pictures are left out", wrong.len() - NAMED);
    }
    let dataset = Dataset::new(Images { count: labels.len(), channels, rows, cols, pixels }, labels)?;
    Ok(dataset.with_classes(classes.into_iter().map(|(name, _)| name).collect()))
}

fn decode(path: &Path, format: Format) -> Result<Vec<u8>> {
    format.decode(&read_regular(path, MOST_BYTES)?)
}

/// The names of the classes, and the pictures of each: those right in the folder, under its own name, and those in each
/// subfolder. A class without pictures is none.
fn classes(folder: &Path) -> Vec<(String, Vec<PathBuf>)> {
    let folders = [folder.to_path_buf()].into_iter().chain(folders_in(folder));
    let classes = folders.map(|folder| {
        let absolute = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        (absolute.file_name().unwrap_or_default().display().to_string(), pictures_in(&folder))
    });
    classes.filter(|(_, pictures)| !pictures.is_empty()).collect()
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let mut entries = entries_in(folder);
    entries.retain(|path| path.is_dir());
    entries
}

/// The files that are called pictures.
fn pictures_in(folder: &Path) -> Vec<PathBuf> {
    let mut entries = entries_in(folder);
    let is_picture = |end: &OsStr| ["png", "jpg", "jpeg"].iter().any(|picture| end.eq_ignore_ascii_case(picture));
    entries.retain(|path| path.extension().is_some_and(is_picture) && path.is_file());
    entries
}

/// What is in a folder, sorted by name, but for what is hidden: macOS leaves files `._NAME.jpg` that are no pictures.
fn entries_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")));
    paths.sort();
    paths
}
