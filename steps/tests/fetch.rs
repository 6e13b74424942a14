//! Downloads, from mirrors that are folders: nothing gets into place but whole files.

use hmac_sha256::Hash;
use std::fs;
use std::path::Path;
use std::process::Command;
use steps::common::fetch::{MIRRORS, MNIST, fetch};
use tempfile::TempDir;

/// A mirror that serves `files`, and its URL.
fn mirror(files: &[(&str, &[u8])]) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let url = format!("file://{}", folder.path().display());
    (folder, url)
}

fn sha256(bytes: &[u8]) -> String {
    Hash::hash(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

const A: &[u8] = b"the first file";
const B: &[u8] = &[7; 200_000];

/// Fetches `a` and `b` and gives what was said, and the error.
fn run(mirrors: &[&str], folder: &Path) -> (Vec<String>, Option<String>) {
    let mut said = Vec::new();
    let files = [("a", &sha256(A)[..]), ("b", &sha256(B)[..])];
    let result = fetch(mirrors, &files, folder, &mut |line| said.push(line.to_string()));
    (said, result.err().map(|error| error.to_string()))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn whole_files_get_into_place_and_are_kept() {
    let (served, url) = mirror(&[("a", A), ("b", B)]);
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("made/on the way");
    let (said, error) = run(&[&url], &folder);
    assert_eq!(error, None);
    let fetched =
        |name: &str| [format!("{name}: downloading from {url}"), format!("{name}: received, SHA-256 is right")];
    assert_eq!(said, [fetched("a"), fetched("b")].concat());
    assert_eq!((fs::read(folder.join("a")).unwrap(), fs::read(folder.join("b")).unwrap()), (A.to_vec(), B.to_vec()));
    assert_eq!(names(&folder), ["a", "b"]);
    drop(served);
    assert_eq!(run(&[&url], &folder), (vec!["a: already there".to_string(), "b: already there".to_string()], None));
}

#[test]
fn the_next_mirror_is_used_when_one_fails() {
    let (_short, short) = mirror(&[("a", &A[..5]), ("b", &B[1..])]);
    let (_empty, empty) = mirror(&[]);
    let (_good, good) = mirror(&[("a", A), ("b", B)]);
    let folder = tempfile::tempdir().unwrap();
    let (said, error) = run(&[&short, &empty, &good], folder.path());
    assert_eq!((error, said.len()), (None, 8));
    assert_eq!(fs::read(folder.path().join("b")).unwrap(), B);
    assert_eq!(names(folder.path()), ["a", "b"]);
}

#[test]
fn nothing_but_the_published_file_gets_into_place() {
    let (_wrong, wrong) = mirror(&[("a", b"another file, of the same length or not"), ("b", B)]);
    let (_empty, empty) = mirror(&[]);
    let folder = tempfile::tempdir().unwrap();
    let error = run(&[&wrong, &empty], folder.path()).1.expect("an error");
    assert!(error.starts_with("a: no mirror sent it whole:\n"), "{error}");
    assert!(error.contains(&format!("{wrong}: expected a file of SHA-256 {}, found ", sha256(A))), "{error}");
    assert!(error.contains(&format!("{empty}: curl: (37)")), "{error}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_file_that_is_there_but_wrong_is_replaced_only_by_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let a = folder.path().join("a");
    fs::write(&a, b"mine").unwrap();
    let (_empty, empty) = mirror(&[]);
    let (said, error) = run(&[&empty], folder.path());
    assert_eq!((said[0].as_str(), error.is_some()), ("a: there, but not as published", true));
    assert_eq!(fs::read(&a).unwrap(), b"mine");
    let (_good, good) = mirror(&[("a", A), ("b", B)]);
    assert_eq!(run(&[&good], folder.path()).1, None);
    assert_eq!(fs::read(&a).unwrap(), A);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let error = run(&[], &file).1.expect("an error");
    assert!(error.starts_with(&format!("{}: cannot be made: ", file.display())), "{error}");
}

#[test]
fn a_wrong_flag_ends_the_program_with_1() {
    for program in [env!("CARGO_BIN_EXE_fetch"), env!("CARGO_BIN_EXE_digits")] {
        assert_eq!(Command::new(program).arg("--wrong").output().unwrap().status.code(), Some(1), "{program}");
    }
}

/// The program itself, on a system without curl.
#[test]
fn without_curl_the_program_says_so_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_fetch"));
    let output = program.arg("--into").arg(folder.path()).env("PATH", folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("fetch: curl cannot be started ("), "{said}");
    let by_hand = format!("put {} from {} into {} by hand\n", MNIST[0].0, MIRRORS[0], folder.path().display());
    assert!(said.ends_with(&by_hand), "{said}");
    assert_eq!(said.lines().count(), 1);
}
