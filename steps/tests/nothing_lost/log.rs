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
    let cases: [(Change, &str); 8] = [
        (|_| vec![], "line 1: expected the header epoch,step,..,seconds, found \"\""),
        (
            |_| b"\xff\0garbage".to_vec(),
            "line 1: expected the header epoch,step,..,seconds, found \"\u{fffd}\\0garbage\"",
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
        (|log| replaced(log, 17, &[]), "line 17: expected {row} 16, as the checkpoint has 16 steps, found \"\""),
    ];
    for (change, expected) in cases {
        let (_folder, run, said) = resumed(change);
        let expected = format!("out/step07/vae/metrics.csv, {}", expected.replace("{row}", row));
        assert!(said.contains(&expected), "{said}\ndoes not say\n{expected}");
        assert!(said.contains("; it is now out/step07/vae/metrics.csv.1, and a new log begins"), "{said}");
        assert!(run.join("metrics.csv.1").exists());
        let log = fs::read_to_string(run.join("metrics.csv")).expect("a log");
        let steps: Vec<&str> = log.lines().skip(1).filter_map(|row| row.split(',').nth(1)).collect();
        assert_eq!((steps.len(), steps[0], steps[15]), (16, "17", "32"));
    }
    let (_folder, run, said) = resumed(|log| [log.as_bytes(), b"2,17,0.5,1\n2,18\xff"].concat());
    assert!(!said.contains("metrics.csv") && !run.join("metrics.csv.1").exists(), "of a killed run: {said}");
}

/// plotters does not come to an end with some numbers.
#[test]
fn huge_losses_in_a_log_are_drawn() {
    for loss in ["1e308", "1e-308", "-1e308", "5e-324"] {
        let line = format!("1,9,{loss},{loss},{loss},1");
        let (_folder, run, _) = resumed(|log| replaced(log, 10, &[&line]));
        let svg = fs::read_to_string(run.join("loss.svg")).expect("a figure");
        assert!(svg.contains("</svg>") && !svg.contains("not finite"), "{loss}");
    }
    let (_folder, run, _) = resumed(|log| replaced(log, 10, &["1,9,inf,1,1,1"]));
    assert!(fs::read_to_string(run.join("loss.svg")).expect("a figure").contains("(1 not finite)"));
}
