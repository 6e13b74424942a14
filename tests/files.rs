//! Files that are there completely or not at all, whoever else writes them.

use std::fs;
use tsukuru::files::write_whole;

#[test]
fn writers_at_the_same_time_share_no_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    // What a process leaves that was killed, or is at work: names must not depend on who writes.
    fs::write(folder.path().join(".file.0.part"), "somebody else's").unwrap();
    write_whole(&path, |outer| {
        outer.write_all(b"the outer, ")?;
        write_whole(&path, |inner| inner.write_all(b"the inner"))?;
        assert_eq!(fs::read(&path).unwrap(), b"the inner");
        outer.write_all(b"complete")
    })
    .unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"the outer, complete");
    assert_eq!(fs::read(folder.path().join(".file.0.part")).unwrap(), b"somebody else's");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
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
