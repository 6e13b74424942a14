//! [`write_whole`]: a file is there completely or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes a file beside `path` and renames it when it is complete and on disk. Whoever reads `path`, even after a
/// crash in the middle, finds the old file or the new one. Missing folders are not made.
///
/// # Errors
/// What the system or `write` reports; `path` is then as it was.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let (mut beside, file) = open_beside(path)?;
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&beside.0, path)?;
    beside.0.clear(); // somebody else may use the name now
    // The new name is safe only when the folder is on disk too. Not every system can do that, and the file is whole.
    let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
    Ok(())
}

/// The folder that holds `path`.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new hidden file in the same folder. Its name is the first that nobody has: neither another thread or process (on
/// a shared disk not even its id need be another), nor one that was killed and left its part behind.
fn open_beside(path: &Path) -> io::Result<(Unfinished, File)> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    for i in 0u64.. {
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{i}.part"));
        let beside = path.with_file_name(hidden);
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            opened => return Ok((Unfinished(beside), opened?)),
        }
    }
    unreachable!("some number is free")
}

/// Takes the unfinished file away when writing fails or panics.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
