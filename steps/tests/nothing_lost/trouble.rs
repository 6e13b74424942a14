//! A full disk, folders that cannot be written or vanish, two runs at once, too little memory: one
//! sentence that names the file, and what was saved stays.

use super::*;
use std::process::Output;

/// Runs `PROGRAM ARGS` in a shell after `limits`, such as `ulimit -v 1000`.
fn limited(limits: &str, program: &str, folder: &Path, args: &str) -> Output {
    let mut shell = command("sh", folder, "-c");
    shell.arg(format!("{limits}; exec {program} {args}")).output().expect("a shell")
}

/// It must end with exit code 1 and one sentence.
fn sentence(output: Output) -> String {
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: ") && said.lines().count() == 1, "{said}");
    said
}

/// A limit of the size of files stands in for a full disk.
#[test]
fn a_full_disk_leaves_the_last_checkpoint() {
    let folder = folder();
    VAE.succeeds(folder.path(), "unbroken", "");
    VAE.succeeds(folder.path(), "out", "--epochs 1");
    let run = VAE.run(folder.path(), "out");
    let saved =
        ["checkpoint.safetensors", "model.safetensors"].map(|name| (run.join(name), fs::read(run.join(name)).unwrap()));
    for (blocks, file) in [(0, "metrics.csv"), (16, "checkpoint.safetensors")] {
        let limits = format!("trap '' XFSZ; ulimit -f {blocks}");
        let said = sentence(limited(&limits, VAE.binary, folder.path(), &VAE.args("out", "--resume")));
        assert!(said.contains(&format!("out/step07/vae/{file}: cannot be written: File too large")), "{said}");
        assert!(saved.iter().all(|(path, bytes)| fs::read(path).unwrap() == *bytes), "{file}");
        assert!(parts(&run).is_empty());
    }
    VAE.succeeds(folder.path(), "out", "--resume");
    assert_same(&results(&run), &results(&VAE.run(folder.path(), "unbroken")), "after a full disk");
}

/// For root, no permission makes a folder read-only.
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = folder();
    fs::create_dir_all(folder.path().join("out/step07")).expect("a folder");
    fs::write(folder.path().join("file"), "").expect("a file");
    fs::create_dir(folder.path().join("out/step07/.vae.lock")).expect("a folder");
    for (out, expected) in [
        ("/proc", "/proc/step07: cannot make this folder: "),
        ("/dev/null", "/dev/null/step07: cannot make this folder: "),
        ("file", "file/step07: cannot make this folder: "),
        ("out", "out/step07/.vae.lock: cannot be written: "),
    ] {
        VAE.fails(folder.path(), out, "", &[expected]);
    }
}

#[test]
fn a_folder_that_vanishes_is_named() {
    let folder = folder();
    let mut child = LONG.started(folder.path(), "out");
    wait_for(&LONG.run(folder.path(), "out").join("checkpoint.safetensors"), &mut child);
    fs::rename(folder.path().join("out"), folder.path().join("away")).expect("a folder");
    let said = sentence(child.wait_with_output().expect("it ends"));
    assert!(said.contains("out/step07/vae/") && said.contains(": No such file or directory"), "{said}");
    let _ = fs::remove_dir_all(folder.path().join("out")); // what it may have begun anew
    fs::rename(folder.path().join("away"), folder.path().join("out")).expect("a folder");
    LONG.succeeds(folder.path(), "out", "--resume");
    LONG.succeeds(folder.path(), "unbroken", "");
    let [found, expected] = ["out", "unbroken"].map(|out| results(&LONG.run(folder.path(), out)));
    assert_same(&found, &expected, "after it has come back");
}

#[test]
fn of_two_runs_in_one_folder_the_second_stops() {
    let folder = folder();
    LONG.succeeds(folder.path(), "unbroken", "");
    let mut first = LONG.started(folder.path(), "out");
    LONG.fails(folder.path(), "out", "", &["out/step07/vae: another run is at work in this folder"]);
    assert!(first.wait().expect("it ends").success());
    assert_same(&results(&LONG.run(folder.path(), "out")), &results(&LONG.run(folder.path(), "unbroken")), "the first");
}

#[cfg(target_os = "linux")]
#[test]
fn too_little_memory_is_a_sentence() {
    let folder = folder();
    // The second is a batch that fits, but not what the first convolution makes of it.
    for (kilobytes, args, expected) in [
        (3_000_000, "--width 512 --limit 64", "a training of 134093928 parameters takes "),
        (600_000, "--width 8 --limit 20000 --batch-size 20000", "out of memory: a tensor takes "),
    ] {
        let args = format!("diffusion_model {args} --data built-in");
        let kilobytes = kilobytes * size_of::<tsukuru::Real>() / 4;
        let limits = &format!("unset TSUKURU_SMOKE; ulimit -v {kilobytes}");
        let said = sentence(limited(limits, DIFFUSION.binary, folder.path(), &args));
        assert!(said.contains(expected), "{said}");
    }
}
