//! `metrics.csv` is for people: whatever becomes of it, a training goes on, and what is wrong with it is said.

use super::*;

/// A finished epoch of 16 steps, whose log is then `changed`; and what resuming it to a second epoch prints.
fn resumed(changed: impl Fn(&str) -> Vec<u8>) -> (tempfile::TempDir, PathBuf, String) {
    let folder = folder();
    VAE.succeeds(folder.path(), "out", "--epochs 1");
    let run = VAE.run(folder.path(), "out");
    let log = fs::read_to_string(run.join("metrics.csv")).expect("a log");
    fs::write(run.join("metrics.csv"), changed(&log)).expect("a log");
    let said = VAE.succeeds(folder.path(), "out", "--epochs 2 --resume");
    (folder, run, said)
}

/// The log with its `i`-th line replaced by `lines`.
fn replaced(log: &str, i: usize, lines: &[&str]) -> Vec<u8> {
    let mut all: Vec<&str> = log.lines().collect();
    all.splice(i - 1..i, lines.iter().copied());
    all.join("\n").into_bytes()
}

#[test]
fn a_log_that_does_not_fit_its_checkpoint_is_named_and_kept() {
    type Change = fn(&str) -> Vec<u8>;
    let row = "the row of epoch 1, step";
    let cases: [(Change, &str); 9] = [
        (|_| vec![], "line 1: expected the header epoch,step,loss,..,seconds, found \"\""),
        (
            |_| b"\xff\0garbage".to_vec(),
            "line 1: expected the header epoch,step,loss,..,seconds, found \"\u{fffd}\\0garbage\"",
        ),
        (
            |log| replaced(log, 1, &["epoch,step,loss,seconds"]),
            "line 2: expected {row} 1, as the checkpoint has 16 steps, found \"1,1,",
        ),
        (
            |log| replaced(log, 1, &["epoch,step,loss,kl,reconstruction,seconds"]),
            "line 1: expected epoch,step,loss,reconstruction,kl,seconds, found",
        ),
        (|log| replaced(log, 5, &[]), "line 5: expected {row} 4, as the checkpoint has 16 steps, found \"1,5,"),
        (
            |log| replaced(log, 5, &["1,4,1,1,1,1", "1,4,1,1,1,1"]),
            "line 6: expected {row} 5, as the checkpoint has 16 steps, found \"1,4,1,1,1,1\"",
        ),
        (
            |log| replaced(log, 17, &["1,16,0.5,0.2,zero,1"]),
            "line 17: expected {row} 16, as the checkpoint has 16 steps, found \"1,16,0.5,0.2,zero,1\"",
        ),
        (|log| replaced(log, 10, &["1,9,1e308,1,1,1"]), "line 17: expected epoch 1 up to here with a mean loss of "),
        (|log| replaced(log, 17, &[]), "line 17: expected {row} 16, as the checkpoint has 16 steps, found \"\""),
    ];
    for (change, expected) in cases {
        let (folder, run, said) = resumed(change);
        let expected = format!("out/step07/vae/metrics.csv, {}", expected.replace("{row}", row));
        assert!(said.contains(&expected), "{said}\ndoes not say\n{expected}");
        assert!(said.contains("; it is now out/step07/vae/metrics.csv.1, and a new log begins"), "{said}");
        assert!(run.join("metrics.csv.1").exists());
        let log = fs::read_to_string(run.join("metrics.csv")).expect("a log");
        let steps: Vec<&str> = log.lines().skip(1).filter_map(|row| row.split(',').nth(1)).collect();
        assert_eq!((steps.len(), steps[0], steps[15]), (16, "17", "32"));
        let again = VAE.succeeds(folder.path(), "out", "--epochs 2 --resume");
        assert!(!again.contains("new log") && !run.join("metrics.csv.2").exists(), "{again}");
    }
    let (_folder, run, said) = resumed(|log| [log.as_bytes(), b"2,17,0.5,1\n2,18\xff"].concat());
    assert!(!said.contains("metrics.csv") && !run.join("metrics.csv.1").exists(), "of a killed run: {said}");
}

/// The log with another number in the ninth row's column `kl`, which no checkpoint holds.
fn with_kl(log: &str, kl: &str) -> Vec<u8> {
    let mut cells: Vec<&str> = log.lines().nth(9).expect("a row").split(',').collect();
    cells[4] = kl;
    replaced(log, 10, &[&cells.join(",")])
}

#[test]
fn a_finished_training_does_not_need_the_columns_of_its_log() {
    let folder = folder();
    VAE.succeeds(folder.path(), "out", "--epochs 1");
    let path = VAE.run(folder.path(), "out").join("metrics.csv");
    let log = fs::read_to_string(&path).expect("a log").replace(",kl,", ",divergence,");
    fs::write(&path, log).expect("a log");
    let said = VAE.succeeds(folder.path(), "out", "--epochs 1 --resume");
    assert!(said.contains("metrics.csv: has no column kl, so there is no figure of it"), "{said}");
}

/// plotters does not come to an end with some numbers.
#[test]
fn huge_losses_in_a_log_are_drawn() {
    for loss in ["1e308", "1e-308", "-1e308", "5e-324"] {
        let (_folder, run, said) = resumed(|log| with_kl(log, loss));
        assert!(!said.contains("new log"), "{said}");
        let svg = fs::read_to_string(run.join("loss.svg")).expect("a figure");
        assert!(svg.contains("</svg>") && !svg.contains("not finite"), "{loss}");
    }
    let (_folder, run, _) = resumed(|log| with_kl(log, "inf"));
    assert!(fs::read_to_string(run.join("loss.svg")).expect("a figure").contains("(1 not finite)"));
}
