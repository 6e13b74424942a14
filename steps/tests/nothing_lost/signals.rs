//! SIGTERM and SIGHUP do what Ctrl-C does.

use super::*;
use std::io::{BufRead, BufReader};
use std::process::Output;
use steps::common::training::ignored;

/// Its number, on every Unix.
const SIGHUP: i32 = 1;

fn send(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill").success());
}

/// A terminal that is closed sends SIGHUP twice; a system that shuts down sends SIGTERM, and SIGHUP with it.
#[test]
fn a_signal_saves_and_prints_what_resumes() {
    let folder = folder();
    LONG.succeeds(folder.path(), "unbroken", "");
    let expected = results(&LONG.run(folder.path(), "unbroken"));
    let cases = [&["-INT"][..], &["-TERM"], &["-HUP"], &["-HUP", "-HUP"], &["-HUP", "-TERM"], &["-TERM", "-HUP"]];
    for (i, signals) in cases.iter().enumerate() {
        if signals[0] == "-HUP" && ignored(SIGHUP) {
            println!("skipped: {signals:?}, because the tests themselves ignore SIGHUP, as under nohup");
            continue;
        }
        let out = format!("broken_{i}");
        let child = LONG.started(folder.path(), &out);
        signals.iter().for_each(|signal| send(&child, signal));
        let Output { status, stderr, .. } = child.wait_with_output().expect("it ends");
        let said = String::from_utf8(stderr).expect("UTF-8");
        assert_eq!(status.code(), Some(1), "{signals:?}: {said}");
        let [.., error, line] = said.lines().collect::<Vec<&str>>()[..] else { panic!("{signals:?}: {said}") };
        assert!(error.starts_with("error: interrupted after step "), "{signals:?}: {said}");
        program::paste(line, LONG.binary, folder.path());
        assert_same(&results(&LONG.run(folder.path(), &out)), &expected, line);
    }
}

/// A full-sized step takes seconds.
fn slow(folder: &Path, flags: &str) -> Command {
    let mut command = command(DIFFUSION.binary, folder, "diffusion_model --data built-in --quiet --epochs 1");
    command.args(flags.split(' ')).env_remove("TSUKURU_SMOKE").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_second_ctrl_c_ends_the_program_at_once() {
    let folder = folder();
    let mut child = slow(folder.path(), "--limit 512 --batch-size 512").spawn().expect("it starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    wait_for(&DIFFUSION.run(folder.path(), "out").join("metrics.csv"), &mut child);
    sleep(Duration::from_millis(1000)); // until the step is under way
    send(&child, "-INT");
    let line = stderr.by_ref().map_while(Result::ok).find(|line| !line.is_empty());
    assert_eq!(line.as_deref(), Some("finishing the step under way; one more Ctrl-C stops at once"));
    send(&child, "-INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

/// A thousand steps of sampling, after the last epoch: everything is saved, so nothing is waited for.
#[test]
fn a_signal_during_sampling_ends_the_program_at_once() {
    let folder = folder();
    let flags = "--limit 16 --batch-size 16 --width 8";
    let mut child = slow(folder.path(), flags).spawn().expect("it starts");
    let model = DIFFUSION.run(folder.path(), "out").join("model.safetensors");
    wait_for(&model, &mut child);
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert!(stdout.by_ref().map_while(Result::ok).any(|line| line.starts_with("epoch 1: loss ")));
    send(&child, "-TERM");
    let Output { status, stderr, .. } = child.wait_with_output().expect("it ends");
    let said = String::from_utf8(stderr).expect("UTF-8");
    let line = "cargo run --release --bin step09 -- diffusion_model --data built-in --quiet --epochs 1";
    assert_eq!(said, format!("\nerror: interrupted after step 1; to resume:\n{line} {flags} --resume\n"));
    assert_eq!(status.code(), Some(1));
    assert!(!model.with_file_name("samples").exists(), "it went on");
}

/// As `nohup` does it.
#[cfg(target_os = "linux")]
#[test]
fn a_program_that_shall_outlive_its_terminal_does() {
    let folder = folder();
    let mut shell = command("sh", folder.path(), "-c");
    shell.arg(format!("trap '' HUP; exec {} {}", LONG.binary, LONG.args("out", "")));
    let mut child = shell.stdout(Stdio::null()).spawn().expect("it starts");
    wait_for(&LONG.run(folder.path(), "out").join("metrics.csv"), &mut child);
    send(&child, "-HUP");
    assert!(child.wait().expect("it ends").success());
}
