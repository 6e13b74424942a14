//! The programs of steps 1 to 3: the figures that the book prints, with built-in data and with given files, and the messages
//! when a file or a flag is wrong.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use steps::common::cli::PeopleArgs;
use steps::common::people::simulated;
use steps::step01::Normal;
use steps::step03::{Matrix, MultivariateNormal};
use tempfile::TempDir;

fn call(folder: &Path, step: &str, args: &str) -> Output {
    let program = match step {
        "step01" => env!("CARGO_BIN_EXE_step01"),
        "step02" => env!("CARGO_BIN_EXE_step02"),
        _ => env!("CARGO_BIN_EXE_step03"),
    };
    Command::new(program).args(args.split_whitespace()).current_dir(folder).output().expect("the step starts")
}

/// Runs a program; it must succeed, and print all of `expected`. Every path that it prints must be a figure.
fn prints(folder: &Path, step: &str, args: &str, expected: &[&str]) -> String {
    let Output { status, stdout, stderr } = call(folder, step, args);
    assert!(status.success(), "{step} {args}: {}", String::from_utf8_lossy(&stderr));
    let output = String::from_utf8(stdout).expect("UTF-8");
    for part in expected {
        assert!(output.contains(part), "{step} {args}: {part:?} is missing in\n{output}");
    }
    for path in output.lines().filter(|line| line.ends_with(".svg")) {
        let svg = fs::read_to_string(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(svg.starts_with("<svg") && !svg.contains("NaN"), "{path}");
    }
    output
}

/// Runs a program; it must end with exit code 1 and one sentence.
fn fails(folder: &Path, step: &str, args: &str, sentence: &str) {
    let Output { status, stderr, .. } = call(folder, step, args);
    assert_eq!(String::from_utf8_lossy(&stderr), format!("error: {sentence}\n"), "{step} {args}");
    assert_eq!(status.code(), Some(1), "{step} {args}");
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn step_1_runs_all_its_programs() {
    let folder = folder();
    let output = prints(folder.path(), "step01", "", &["0.3989", "0.6827", "0.9545", "0.9973", "sigma = 0.5", "50   "]);
    for program in ["norm_dist", "norm_param", "sample_avg", "sample_sum"] {
        assert!(output.contains(&format!("out/step01/{program}/{program}.svg")), "{output}");
    }
    // The means follow from the seed.
    let means = |args: &str| prints(folder.path(), "step01", &format!("sample_avg {args}"), &[]);
    assert_eq!(means(""), means("--seed 0"));
    assert_ne!(means(""), means("--seed 1"));
    // A flag may stand before the program, too.
    assert_eq!(prints(folder.path(), "step01", "--seed 1 sample_avg", &[]), means("--seed 1"));
}

#[test]
fn step_2_prints_the_book_s_figures() {
    let folder = folder();
    let figures = ["25000 heights", "172.70 cm", "4.83 cm", "P(x <= 160) = 0.00427", "P(x > 180)  = 0.06542"];
    let output = prints(folder.path(), "step02", "--out elsewhere", &figures);
    for program in ["hist", "fit", "generate", "prob"] {
        assert!(output.contains(&format!("elsewhere/step02/{program}/{program}.svg")), "{output}");
    }
}

#[test]
fn step_3_prints_the_book_s_figures() {
    let folder = folder();
    let output = prints(
        folder.path(),
        "step03",
        "",
        &[
            "mu = [172.70250854, 57.64220880]",
            "[[23.33145108, 12.84736477],\n [12.84736477, 27.97658708]]",
            "det A = -2.0000",
            "[[-6.0000,  2.0000],\n [ 4.0000, -1.0000]]",
            "0.01306423",
            "[[19, 22],\n [43, 50]]",
        ],
    );
    for program in ["plot_3d", "plot_norm", "plot_dataset", "mle"] {
        assert!(output.contains(&format!("out/step03/{program}/{program}.svg")), "{output}");
    }
}

/// Mean and covariance are those of the book's data to every digit that it could print, and so is what follows from them.
#[test]
fn simulated_people_have_the_moments_of_the_book_s() {
    let close = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-11, "{found}, not {expected}");
    let (heights, _) = PeopleArgs { data: None }.heights().unwrap();
    let fitted = Normal::fit(&heights).unwrap();
    close(fitted.mu, 172.70250853667997);
    close(fitted.sigma, 4.830167473396299);
    close(fitted.cdf(160.0), 0.004271406830855);
    close(1.0 - fitted.cdf(180.0), 0.06541774339950823);

    let rows = simulated();
    assert_eq!(rows.len(), 25_000);
    assert!(rows.iter().map(|row| row[0]).eq(heights));
    let fitted = MultivariateNormal::fit(&Matrix::new(&rows)).unwrap();
    let unbiased = fitted.covariance().scale(25_000.0 / 24_999.0);
    let book = [[23.33145108, 12.84736477], [12.84736477, 27.97658708]];
    for (found, expected) in unbiased.data().iter().zip(book.as_flattened()) {
        assert!((found - expected).abs() < 5.1e-9, "{found}, not {expected}");
    }
    assert!((fitted.mean()[1] - 57.6422088).abs() < 5.1e-8);
    // Beyond the moments: they are normal, with as many within k standard deviations as there should be.
    for k in 1..=3 {
        let edge = -0.5 * f64::from(k * k);
        let within = rows.iter().filter(|row| fitted.log_pdf(&row[..]) >= fitted.log_normalization() + edge).count();
        let expected = 1.0 - edge.exp();
        let error = (expected * (1.0 - expected) / 25_000.0).sqrt();
        assert!((within as f64 / 25_000.0 - expected).abs() < 4.0 * error, "{k}: {within}");
    }
}

#[test]
fn given_files_are_used() {
    let (work, data) = (folder(), folder());
    fs::write(data.path().join("height.txt"), "\u{feff}1.0\r\n 2\r\n\r\n3e0\r\n6\r\n\r\n").unwrap();
    let path = data.path().display();
    let output =
        prints(work.path(), "step02", &format!("fit --data {path}"), &["4 heights", "mu    = 3.00", "sigma = 1.87"]);
    assert!(output.contains(&format!("data: {path}/height.txt")), "{output}");
    fs::write(data.path().join("height_weight.txt"), "0 1\n2 1\n0 4\n2\t10").unwrap();
    let unbiased = "[[ 1.33333333,  2.00000000],\n [ 2.00000000, 18.00000000]]";
    prints(
        work.path(),
        "step03",
        &format!("mle --data {path}"),
        &["4 people", "mu = [1.00000000, 4.00000000]", unbiased],
    );
}

#[test]
fn a_malformed_line_is_reported_with_file_and_number() {
    let (work, data) = (folder(), folder());
    let heights = data.path().join("height.txt");
    let both = data.path().join("height_weight.txt");
    let flag = format!("--data {}", data.path().display());
    let name = |path: &Path| path.display().to_string();
    let missing = format!("{}: cannot be read: No such file or directory (os error 2)", name(&heights));
    fails(work.path(), "step02", &format!("hist {flag}"), &missing);
    for (text, line, found) in [
        ("170\nabc\n", 2, "abc"),
        ("170 60\n", 1, "170 60"),
        ("170\n\n\nabc\n", 4, "abc"),
        ("170\r\n171\r\n\r\nabc\r\n", 4, "abc"),
        ("170\n171\nNaN", 3, "NaN"),
        ("1e999", 1, "1e999"),
    ] {
        fs::write(&heights, text).unwrap();
        let sentence = format!("{}, line {line}: expected a height in cm, found {found:?}", name(&heights));
        fails(work.path(), "step02", &format!("hist {flag}"), &sentence);
    }
    fs::write(&heights, b"170\n\xff\xfe\x00\n").unwrap();
    assert_eq!(call(work.path(), "step02", &format!("fit {flag}")).status.code(), Some(1));
    for (empty, line) in [("", 1), ("\n \n", 3)] {
        fs::write(&heights, empty).unwrap();
        let sentence = format!("{}, line {line}: expected a height in cm, found the end of the file", name(&heights));
        fails(work.path(), "step02", &format!("hist {flag}"), &sentence);
    }
    fs::write(&both, "170 60\n171\n").unwrap();
    let sentence = format!("{}, line 2: expected a height in cm and a weight in kg, found \"171\"", name(&both));
    fails(work.path(), "step03", &format!("plot_dataset {flag}"), &sentence);
    // Nothing was drawn.
    assert!(!work.path().join("out").exists());
}

#[test]
fn data_without_a_fit_are_refused() {
    let (work, data) = (folder(), folder());
    let flag = format!("--data {}", data.path().display());
    fs::write(data.path().join("height.txt"), "170\n170\n").unwrap();
    let file = |name: &str| format!("data: {}", data.path().join(name).display());
    let sentence =
        format!("{}: all 2 numbers are 170: a normal distribution needs a variance above 0", file("height.txt"));
    for program in ["fit", "generate", "prob"] {
        fails(work.path(), "step02", &format!("{program} {flag}"), &sentence);
    }
    prints(work.path(), "step02", &format!("hist {flag}"), &["1 bins"]);
    fs::write(data.path().join("height_weight.txt"), "1 2\n2 4\n3 6\n").unwrap();
    let sentence = "not a covariance: the matrix is singular or not positive definite: given the coordinates before it, \
                    coordinate 1 is left with variance 0e0";
    let sentence = format!("{}: {sentence}", file("height_weight.txt"));
    fails(work.path(), "step03", &format!("mle {flag}"), &sentence);
}

/// Every program runs under its name in the book, and draws into the folder of that name.
#[test]
fn programs_have_the_book_s_names() {
    let folder = folder();
    let steps = [
        ("step01", "norm_dist norm_param sample_avg sample_sum"),
        ("step02", "hist fit generate prob"),
        ("step03", "array_basis matrix plot_3d plot_norm plot_dataset mle"),
    ];
    for (step, programs) in steps {
        let help = String::from_utf8(call(folder.path(), step, "--help").stdout).unwrap();
        for program in programs.split_whitespace() {
            let figure = format!("out/{step}/{program}/{program}.svg");
            let figure = if ["array_basis", "matrix"].contains(&program) { "[[" } else { &figure };
            prints(folder.path(), step, program, &[figure]);
            assert!(help.contains(&format!("\n  {program} ")), "{help}");
        }
    }
}

#[test]
fn a_wrong_program_name_suggests_the_right_one() {
    let folder = folder();
    for (step, wrong, right) in
        [("step01", "norm_dits", "norm_dist"), ("step02", "generat", "generate"), ("step03", "plot3d", "plot_3d")]
    {
        let Output { status, stderr, .. } = call(folder.path(), step, wrong);
        let output = String::from_utf8_lossy(&stderr).into_owned();
        assert_eq!(status.code(), Some(1), "{output}");
        assert!(output.contains(&format!("'{right}'")), "{output}");
    }
    let help = |step| String::from_utf8(call(folder.path(), step, "--help").stdout).unwrap();
    assert!(help("step02").contains("height.txt") && !help("step02").contains("MNIST"));
    assert!(help("step01").contains("Sums of five uniform numbers") && !help("step01").contains("--data"));
}

/// The published rows, where `TSUKURU_DATA` has them.
#[test]
fn the_originals_give_the_book_s_figures_too() {
    let Some(real) = std::env::var_os("TSUKURU_DATA").map(|path| Path::new(&path).join("real")) else { return };
    if !real.join("height_weight.txt").exists() {
        return;
    }
    let (folder, flag) = (folder(), format!("--data {}", real.display()));
    let figures = ["85 bins", "172.70 cm", "4.83 cm", "= 0.00427", "= 0.06542"];
    prints(folder.path(), "step02", &flag, &figures);
    let figures = ["[172.70250854, 57.64220880]", "[[23.33145108, 12.84736477],\n [12.84736477, 27.97658708]]"];
    prints(folder.path(), "step03", &format!("mle {flag}"), &figures);
}
