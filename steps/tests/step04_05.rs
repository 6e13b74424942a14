//! The programs of steps 4 and 5: what they print and write, and their messages when something is wrong.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const STEP04: &str = env!("CARGO_BIN_EXE_step04");
const STEP05: &str = env!("CARGO_BIN_EXE_step05");

fn output(step: &str, folder: &Path, args: &str) -> Output {
    Command::new(step).args(args.split_whitespace()).current_dir(folder).output().expect("the step starts")
}

/// Runs a step in a folder; it must succeed.
fn run(step: &str, folder: &Path, args: &str) -> String {
    let Output { status, stdout, stderr } = output(step, folder, args);
    assert!(status.success(), "{step} {args}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("UTF-8")
}

/// Runs a step; it must end with exit code 1. Returns its message.
fn fails(step: &str, folder: &Path, args: &str) -> String {
    let Output { status, stderr, .. } = output(step, folder, args);
    assert_eq!(status.code(), Some(1), "{step} {args}");
    String::from_utf8(stderr).expect("UTF-8")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn without_a_program_all_run_and_print_the_paths_of_their_figures() {
    let folder = folder();
    let figures = |step: &str, files: &[&str]| {
        let printed = run(step, folder.path(), "");
        for file in files {
            assert!(printed.lines().any(|line| line == format!("out/{file}")), "{file}: {printed}");
            let bytes = fs::read(folder.path().join("out").join(file)).expect(file);
            let whole =
                if file.ends_with(".gif") { bytes.starts_with(b"GIF89a") } else { bytes.ends_with(b"</svg>\n") };
            assert!(whole, "{file} is not whole");
        }
        assert_eq!(printed.lines().filter(|line| line.starts_with("out/")).count(), files.len(), "{printed}");
    };
    let of_step04 = ["old_faithful/old_faithful", "gmm/gmm", "gmm_sampling/gmm_sampling", "two_groups/two_groups"];
    let of_step04 = of_step04.map(|name| format!("step04/{name}.svg"));
    figures(STEP04, &of_step04.each_ref().map(|file| &file[..]));
    let em = ["step05/em/log_likelihood.svg", "step05/em/contours.svg", "step05/em/contours.gif"];
    let others = ["step05/kl/kl.svg", "step05/monte_carlo/monte_carlo.svg", "step05/generate/generate.svg"];
    figures(STEP05, &[em, others].concat());
}

/// The book's nine log-likelihoods, and beside them ln p(x) = ELBO + KL; after the E-step KL is 0 and ELBO = ln p(x).
#[test]
fn em_prints_the_books_lines_and_the_parts_of_the_log_likelihood() {
    let folder = folder();
    let printed = run(STEP05, folder.path(), "em");
    let numbers = |line: &str| -> Option<Vec<f64>> {
        let cells = line.split(['|', '=', '+']).map(str::trim);
        cells.map(|cell| cell.parse().ok()).collect()
    };
    let rows: Vec<Vec<f64>> = printed.lines().filter_map(numbers).collect();
    let book = [-16.538, -4.415, -4.357, -4.302, -4.245, -4.200, -4.164, -4.156, -4.155];
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<f64>>(), book);
    assert_eq!(rows[0][1], -137.488);
    for row in &rows {
        let [_, log_likelihood, elbo, kl, elbo_after, kl_after] = row[..] else { panic!("{row:?}") };
        assert!((elbo + kl - log_likelihood).abs() < 1.1e-3, "{row:?}");
        assert!(kl > 0.0 && elbo < log_likelihood + 1e-9, "{row:?}");
        assert_eq!((elbo_after, kl_after), (log_likelihood, 0.0), "{row:?}");
    }
    for (before, after) in rows.iter().zip(&rows[1..]) {
        assert!(before[4] <= after[2] && after[2] <= after[1], "the ELBO fell: {before:?}, {after:?}");
    }
    let ends =
        ["after 9 iterations", "here: ln p = -4.15538\n", "by fit_em with k-means++: ln p = -4.15538, converged after"];
    assert!(ends.iter().all(|end| printed.contains(end)), "{printed}");
}

#[test]
fn kl_prints_the_books_divergences() {
    let folder = folder();
    let printed = run(STEP05, folder.path(), "kl");
    let values =
        printed.lines().filter_map(|line| line.strip_prefix("KL(p || q) = ")?.split(' ').next()?.parse::<f64>().ok());
    let values: Vec<f64> = values.collect();
    let book = [0.02160085414354654, 0.5826853020432394, 0.0];
    assert_eq!(values.len(), 3);
    assert!(values.iter().zip(book).all(|(value, book)| (value - book).abs() < 1e-15), "{values:?}");
}

#[test]
fn the_error_of_monte_carlo_falls_as_one_over_the_root_of_n() {
    let folder = folder();
    let printed = run(STEP05, folder.path(), "monte_carlo");
    assert!(printed.contains("E[x²]: exactly 1.00000") && printed.contains("KL(p || q): exactly 0.44315"), "{printed}");
    let numbers = |line: &str| line.split_whitespace().map(|word| word.parse().ok()).collect::<Option<Vec<f64>>>();
    let rows: Vec<Vec<f64>> = printed.lines().filter_map(numbers).collect();
    assert_eq!(rows.len(), 16);
    for (i, row) in rows.iter().enumerate() {
        let [n, estimate, error, expected] = row[..] else { panic!("{row:?}") };
        let exact = if i < 8 { 1.0 } else { 0.44315 };
        assert!((0.75..1.33).contains(&(error / expected)), "{row:?}");
        assert!((estimate - exact).abs() < 5.0 * expected, "{row:?}");
        let std = if i < 8 { 2f64.sqrt() } else { 0.34375f64.sqrt() };
        assert!((expected * n.sqrt() / std - 1.0).abs() < 1e-3, "{row:?}");
    }
}

#[test]
fn two_groups_prints_joint_marginal_and_conditional_probabilities() {
    let folder = folder();
    let printed = run(STEP04, folder.path(), "two_groups");
    let numbers = |line: &str| line.split_whitespace().map(|word| word.parse().ok()).collect::<Option<Vec<f64>>>();
    let rows: Vec<Vec<f64>> = printed.lines().filter_map(numbers).collect();
    assert_eq!(rows.len(), 7);
    for row in rows {
        let [_, women, men, both, woman] = row[..] else { panic!("{row:?}") };
        assert!((women + men - both).abs() < 2e-6 && (women / both - woman).abs() < 1e-4, "{row:?}");
    }
}

#[test]
fn draws_follow_the_seed() {
    let folder = folder();
    let first = run(STEP05, folder.path(), "generate --threads 1");
    assert_eq!(first, run(STEP05, folder.path(), "generate --threads 2"));
    assert_ne!(first, run(STEP05, folder.path(), "generate --seed 1"));
    assert!(first.starts_with("fitted: ln p = -4.15538, converged after iteration "), "{first}");
    let [zero, one] = [0, 1].map(|seed| run(STEP04, folder.path(), &format!("gmm_sampling --seed {seed}")));
    assert_ne!(zero, one);
}

#[test]
fn given_data_are_read_and_errors_in_them_named() {
    let folder = folder();
    let path = folder.path().join("old_faithful.csv");
    for program in ["em", "generate"] {
        let printed = fails(STEP05, folder.path(), &format!("{program} --data nowhere"));
        assert!(printed.starts_with("error: nowhere/old_faithful.csv: cannot be read"), "{printed}");
        fs::write(&path, "eruptions,waiting\n3.6,79\n1.8;54\n").expect("a file");
        let printed = fails(STEP05, folder.path(), &format!("{program} --data ."));
        let message = "error: ./old_faithful.csv, line 3: expected two numbers like 3.6,79, found \"1.8;54\"\n";
        assert_eq!(printed, message);
    }
    fs::write(&path, "eruptions,waiting\n3.6,79\n1.8,54\n2.5,60\n").expect("a file");
    assert!(run(STEP04, folder.path(), "old_faithful --data .").starts_with("3 eruptions of Old Faithful"));
    fs::write(&path, "eruptions,waiting\n3.6,79\n1.8,54\n").expect("a file");
    let printed = run(STEP05, folder.path(), "generate --data .");
    for line in ["\nrepair 1 of 2: component 0, iteration 1: ", "\nrepair 2 of 2: component 1, iteration 1: "] {
        assert!(printed.contains(line), "{printed}");
    }
    fs::remove_dir_all(folder.path().join("out")).expect("the figure");
    fs::write(&path, "eruptions,waiting\n3.6,79\n3.6,54\n").expect("a file");
    let printed = fails(STEP05, folder.path(), "generate --data .");
    assert!(printed.starts_with("error: ./old_faithful.csv: column 0 of the data is 3.6 in every row"), "{printed}");
    assert!(!folder.path().join("out/step05/generate").exists(), "a figure without a fit");
    let printed = fails(STEP05, folder.path(), "em --data .");
    let message =
        "error: iteration 1: EM from the book's initial mixture cannot fit ./old_faithful.csv: not a covariance: ";
    assert!(printed.starts_with(message), "{printed}");
    let printed = fails(STEP04, folder.path(), "old_faithful --data .");
    assert!(printed.starts_with("error: ./old_faithful.csv, eruption: all 2 numbers are 3.6"), "{printed}");
}

#[test]
fn help_explains_and_a_wrong_name_suggests_the_right_one() {
    let folder = folder();
    for (step, programs, wrong, right) in [
        (STEP04, &["old_faithful", "gmm", "gmm_sampling", "two_groups"], "old_fathful", "old_faithful"),
        (STEP05, &["kl", "monte_carlo", "em", "generate"], "monte_calro", "monte_carlo"),
    ] {
        let help = run(step, folder.path(), "--help");
        assert!(programs.iter().all(|program| help.contains(program)), "{help}");
        assert!(["--out", "--seed", "--data"].iter().all(|flag| help.contains(flag)), "{help}");
        let printed = fails(step, folder.path(), wrong);
        assert!(printed.contains(&format!("'{right}'")), "{printed}");
    }
}
