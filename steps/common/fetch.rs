//! Downloads files with curl, and checks them against their published SHA-256.
//!
//! A client for HTTPS in Rust (ureq with rustls) would bring 21 crates more. They take 38 s of CPU time, where a first
//! release build of step09 takes 100 s, and one of them (ring) needs a C compiler: much for four files, fetched once.

use hmac_sha256::Hash;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tsukuru::files::{open_regular, write_whole};

/// Where MNIST is published; the second is used if the first fails.
pub const MIRRORS: [&str; 2] =
    ["https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"];

/// MNIST's files and their SHA-256.
pub const MNIST: [(&str, &str); 4] = [
    ("train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    ("train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    ("t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    ("t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
];

/// Bytes that are received of a file at most.
const MAX_BYTES: u64 = 1 << 30;

/// Why files could not be fetched.
#[derive(thiserror::Error)]
pub enum FetchError {
    #[error("{}: cannot be made: {source}", folder.display())]
    Folder { folder: PathBuf, source: io::Error },

    #[error("curl cannot be started ({source}): install it, or put {name} from {mirror} into {} by hand", folder.display())]
    NoCurl { name: String, mirror: String, folder: PathBuf, source: io::Error },

    #[error("{name}: no mirror sent it whole:{reasons}")]
    NoMirror { name: String, reasons: String },
}

tsukuru::debug_as_display!(FetchError);

/// Puts `files`, pairs of name and SHA-256, into `folder`, each from the first of the `mirrors` that sends it whole.
/// Files that are there and right are kept. `report` gets a line for everything that is done.
///
/// # Errors
/// If the folder cannot be made, curl is not installed, or no mirror sends a file whole. Files already in place stay.
pub fn fetch(
    mirrors: &[&str],
    files: &[(&str, &str)],
    folder: &Path,
    report: &mut dyn FnMut(&str),
) -> Result<(), FetchError> {
    fs::create_dir_all(folder).map_err(|source| FetchError::Folder { folder: folder.into(), source })?;
    for &(name, sha256) in files {
        match open_regular(&folder.join(name)).and_then(|mut file| copy(&mut file, &mut io::sink())) {
            Ok(found) if found == sha256 => report(&format!("{name}: already there")),
            Ok(_) => {
                report(&format!("{name}: there, but not as published"));
                fetch_one(mirrors, name, sha256, folder, report)?;
            }
            Err(_) => fetch_one(mirrors, name, sha256, folder, report)?,
        }
    }
    Ok(())
}

fn fetch_one(
    mirrors: &[&str],
    name: &str,
    sha256: &str,
    folder: &Path,
    report: &mut dyn FnMut(&str),
) -> Result<(), FetchError> {
    let mut reasons = String::new();
    for &mirror in mirrors {
        report(&format!("{name}: downloading from {mirror}"));
        let curl = curl(&format!("{mirror}/{name}")).map_err(|source| FetchError::NoCurl {
            name: name.into(),
            mirror: mirror.into(),
            folder: folder.into(),
            source,
        })?;
        match receive(curl, sha256, &folder.join(name)) {
            Ok(()) => {
                report(&format!("{name}: received, SHA-256 is right"));
                return Ok(());
            }
            Err(reason) => reasons += &format!("\n  {mirror}: {reason}"),
        }
    }
    Err(FetchError::NoMirror { name: name.into(), reasons })
}

/// Starts a download to curl's standard output. It ends with an error if half a minute brings less than 1000 bytes a second.
fn curl(url: &str) -> io::Result<Child> {
    let patience = ["--connect-timeout", "20", "--speed-time", "30", "--speed-limit", "1000"];
    let mut curl = Command::new("curl");
    curl.args(["--fail", "--location", "--silent", "--show-error"]).args(patience).arg(url);
    curl.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// Writes what curl sends to `path`, if it is whole.
fn receive(mut curl: Child, sha256: &str, path: &Path) -> io::Result<()> {
    write_whole(path, |out| {
        let sent = curl.stdout.take().expect("curl's output is a pipe");
        let found = copy(&mut sent.take(MAX_BYTES), out)?;
        let end = curl.wait_with_output()?;
        if !end.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&end.stderr).trim().to_string()));
        }
        match found == sha256 {
            true => Ok(()),
            false => Err(io::Error::other(format!("expected a file of SHA-256 {sha256}, found {found}"))),
        }
    })
}

/// Copies all bytes, and returns their SHA-256 in hexadecimal.
fn copy(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<String> {
    let mut hash = Hash::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        let count = from.read(&mut chunk)?;
        if count == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&chunk[..count]);
        to.write_all(&chunk[..count])?;
    }
}
