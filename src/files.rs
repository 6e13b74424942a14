//! Files that are read without surprises ([`read_regular`]), and written completely or not at all ([`write_whole`],
//! [`remove_parts`]).

use std::ffi::OsString;
use std::fs::{self, File, FileType};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use tempfile::Builder;

/// How the name of a temporary file ends, after so many random letters and digits.
const PART: &str = ".part";
const RANDOM: usize = 6;

/// Opens a file for reading, unless it is a pipe, a device, a socket or a folder: opening a pipe waits for its other end,
/// perhaps for ever, and a device like `/dev/zero` has no end.
///
/// # Errors
/// If there is no file, or something that is none, or the system cannot open it.
pub fn open_regular(path: &Path) -> io::Result<File> {
    expect_regular(fs::metadata(path)?.file_type())?;
    let file = File::open(path)?;
    expect_regular(file.metadata()?.file_type())?; // another one may have come by this name meanwhile
    Ok(file)
}

/// All bytes of a file.
///
/// # Errors
/// As [`open_regular`]; if the file is longer than `most` bytes, which is seen before it is read; or if it does not fit
/// into memory.
pub fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    if length <= most {
        bytes.try_reserve_exact(length as usize)?;
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?; // it may grow meanwhile
    }
    match length.max(bytes.len() as u64) {
        length if length > most => Err(io::Error::other(format!("expected at most {most} bytes, found {length}"))),
        _ => Ok(bytes),
    }
}

/// Checks that a file can be made or opened at `path`: that there is a regular file or nothing.
///
/// # Errors
/// If something else is there.
pub fn expect_regular_or_none(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) => expect_regular(metadata.file_type()),
        Err(_) => Ok(()), // the system says the rest when the file is made
    }
}

fn expect_regular(kind: FileType) -> io::Result<()> {
    match kind.is_file() {
        true => Ok(()),
        false => Err(io::Error::other(format!("expected a file, found {}", name_of(kind)))),
    }
}

#[cfg(unix)]
fn name_of(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn name_of(kind: FileType) -> &'static str {
    if kind.is_dir() { "a folder" } else { "a device" }
}

/// Writes a temporary file `.NAME.random.part` beside `path` and renames it when it is complete and on disk (fsync).
/// A reader of `path`, even after a crash in the middle, finds the old file or the new one. The file has the
/// permissions of any new file (0666 without the umask). Missing folders are not made.
///
/// # Errors
/// What the system or `write` reports; `path` is then as it was, and the temporary file is gone.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    let mut builder = Builder::new();
    builder.prefix(&prefix).rand_bytes(RANDOM).suffix(PART);
    #[cfg(unix)] // where tempfile's own choice is 0600
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));

    let mut out = BufWriter::new(builder.tempfile_in(folder)?);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The new name is safe only when the folder is on disk too. Not every system can do that, and the file is whole.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Removes the temporary files that a killed process has left in `folder`, and in the folders in it. Nobody may be writing
/// there meanwhile.
///
/// # Errors
/// What the system reports. A folder that is not there holds none.
pub fn remove_parts(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_parts(&entry.path())?;
        } else if entry.file_name().to_str().is_some_and(is_part) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether a name is one of `write_whole`'s: `.NAME.random.part`.
fn is_part(name: &str) -> bool {
    let between = name.strip_prefix('.').and_then(|name| name.strip_suffix(PART)?.rsplit_once('.'));
    between.is_some_and(|(name, random)| {
        !name.is_empty() && random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}
