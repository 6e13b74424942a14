//! Atomic writes: a file is complete or not there, also with several writers.

use std::path::Path;
use std::{fs, io};
use tsukuru::checkpoint;
use tsukuru::data::idx::{read_images, read_labels};
use tsukuru::files::{expect_regular_or_none, open_regular, read_regular, remove_parts, write_whole};

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn writers_at_the_same_time_share_no_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write_whole(&path, |outer| {
        outer.write_all(b"the outer, ")?;
        write_whole(&path, |inner| inner.write_all(b"the inner"))?;
        assert_eq!(fs::read(&path).unwrap(), b"the inner");
        let part = |name: &str| name.starts_with(".file.") && name.ends_with(".part");
        assert_eq!(names(folder.path()).iter().filter(|name| part(name)).count(), 1);
        outer.write_all(b"complete")
    })
    .unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"the outer, complete");
    assert_eq!(names(folder.path()), ["file"], "nothing else is left");
}

#[test]
fn when_writing_fails_the_old_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "old").unwrap();
    let fail = |out: &mut dyn io::Write| {
        out.write_all(&[0; 100_000])?;
        Err(io::Error::other("the disk is full"))
    };
    assert_eq!(write_whole(&path, fail).unwrap_err().to_string(), "the disk is full");
    std::panic::catch_unwind(|| write_whole(&path, |_| panic!("on purpose"))).unwrap_err();
    assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (b"old".to_vec(), vec!["file".to_string()]));
    for no_name in [Path::new("/"), Path::new("..")] {
        write_whole(no_name, |out| out.write_all(b"x")).unwrap_err();
    }
}

/// A kill is what this folder looks like in the middle of a write.
#[test]
fn what_a_killed_process_was_writing_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let killed = tempfile::tempdir().unwrap();
    write_whole(&folder.path().join("model.safetensors"), |_| {
        let [part] = &names(folder.path())[..] else { panic!("one part") };
        fs::create_dir(killed.path().join("samples"))?;
        fs::copy(folder.path().join(part), killed.path().join(part))?;
        fs::copy(folder.path().join(part), killed.path().join("samples").join(part)).map(drop)
    })
    .unwrap();
    let mut others = vec![".part", ".a.part", "a.aB3xYz.part", ".a.aB3x-z.part", ".a.aB3xYz.partly"];
    others.iter().for_each(|name| fs::write(killed.path().join(name), "").unwrap());
    remove_parts(killed.path()).unwrap();
    let mut left = names(killed.path());
    left.sort();
    others.push("samples");
    others.sort();
    assert_eq!(
        (left, names(&killed.path().join("samples"))),
        (others.iter().map(ToString::to_string).collect(), vec![])
    );
    remove_parts(&killed.path().join("missing")).unwrap();
}

/// A pipe without a writer would be waited for; these tests would hang.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", at("zero")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    for (name, what) in [("pipe", "a pipe"), ("socket", "a socket"), ("zero", "a device"), ("folder", "a folder")] {
        let expected = format!("expected a file, found {what}");
        assert_eq!(open_regular(&at(name)).unwrap_err().to_string(), expected);
        assert_eq!(read_regular(&at(name), 9).unwrap_err().to_string(), expected);
        assert_eq!(expect_regular_or_none(&at(name)).unwrap_err().to_string(), expected);
        let errors = [
            read_images(&at(name)).unwrap_err().to_string(),
            read_labels(&at(name)).unwrap_err().to_string(),
            checkpoint::read(&at(name)).unwrap_err().to_string(),
        ];
        assert!(errors.iter().all(|error| error.ends_with(&expected)), "{errors:?}");
    }
    expect_regular_or_none(&at("nothing")).unwrap();
}

#[test]
fn a_file_is_read_up_to_its_limit_and_not_a_byte_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "0123456789").unwrap();
    assert_eq!(read_regular(&path, 10).unwrap(), b"0123456789");
    let error = read_regular(&path, 9).unwrap_err();
    assert_eq!(error.to_string(), "expected at most 9 bytes, found 10");
    fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(read_regular(&path, 1 << 30).unwrap_err().to_string().ends_with("found 1099511627776"));
}

#[cfg(unix)]
#[test]
fn permissions_are_those_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (whole, plain) = (folder.path().join("whole"), folder.path().join("plain"));
    write_whole(&whole, |out| out.write_all(b"x")).unwrap();
    fs::write(&plain, "x").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&whole), mode(&plain));
}

/// This test runs itself in four processes, each of which writes one file a hundred times.
#[test]
fn processes_at_the_same_time_leave_one_whole_file() {
    if let Some(path) = std::env::var_os("WRITE_WHOLE") {
        let byte = std::process::id() as u8;
        return (0..100).for_each(|_| write_whole(path.as_ref(), |out| out.write_all(&[byte; 10_000])).unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut this = std::process::Command::new(std::env::current_exe().unwrap());
    this.args(["--exact", "processes_at_the_same_time_leave_one_whole_file"]).env("WRITE_WHOLE", &path);
    let writers: Vec<_> = (0..4).map(|_| this.spawn().unwrap()).collect();
    assert!(writers.into_iter().all(|mut writer| writer.wait().unwrap().success()));
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.len() == 10_000 && bytes.iter().all(|&byte| byte == bytes[0]));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}
