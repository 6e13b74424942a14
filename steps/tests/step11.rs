//! Step 11 as a user meets it, and what its flow has learned.

mod program;

use clap::Parser;
use program::{are_there, folder};
use std::fs;
use std::path::Path;
use steps::common::cli::{Common, Limits};
use steps::step11::flow_2d::{Flags, train};
use steps::step11::{Points, Solver, log_density};
use tsukuru::Real;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

const STEP11: &str = env!("CARGO_BIN_EXE_step11");
const FIGURES: [&str; 5] = ["velocity.svg", "density.svg", "paths.svg", "evaluations.svg", "particles.gif"];

fn step11(folder: &Path, args: &str) -> String {
    program::succeeds(STEP11, folder, args)
}

fn fails(folder: &Path, args: &str, expected: &[&str]) {
    program::fails(STEP11, folder, args, expected);
}

#[test]
fn without_a_program_a_flow_is_learned_measured_and_drawn() {
    let folder = folder();
    let said = step11(folder.path(), "");
    are_there(&folder.path().join("out/step11/flow_2d"), &FIGURES);
    for figure in FIGURES {
        assert!(said.lines().any(|line| line == format!("out/step11/flow_2d/{figure}")), "{figure}: {said}");
    }
    let begins = |start: &str| said.lines().any(|line| line.starts_with(start));
    assert!(begins("flow, Euler  ") && begins("reflow, Heun  ") && begins("reflow: straightness "), "{said}");
    assert!(
        said.contains("of 100 held-out points [nats]: by the flow ") && said.contains(", by the distribution itself")
    );
    let image = fs::read(folder.path().join("out/step11/flow_2d/particles.gif")).expect("an animation");
    assert!(image.starts_with(b"GIF89a"));
}

#[test]
fn any_number_of_threads_draws_the_same_figures_and_other_points_draw_others() {
    let folder = folder();
    let drawn = |flags: &str, name: &str| {
        step11(folder.path(), &format!("flow_2d {flags} --out {name}"));
        FIGURES.map(|figure| fs::read(folder.path().join(name).join("step11/flow_2d").join(figure)).expect(figure))
    };
    let moons = drawn("--threads 1", "one");
    assert!(moons == drawn("--threads 2 --points moons", "two"));
    let others =
        [drawn("--points checkerboard", "three"), drawn("--points gaussians", "four"), drawn("--seed 1", "five")];
    assert!(others.iter().all(|figures| figures.iter().zip(&moons).all(|(a, b)| a != b)));
}

#[test]
fn a_file_of_points_is_learned_and_every_fifth_kept_out() {
    let folder = folder();
    let rows: String = (0..20).map(|i| format!("{},{}\n", 100 + i, i * i)).collect();
    fs::write(folder.path().join("own.csv"), format!("x,y\n{rows}")).expect("a file");
    let said = step11(folder.path(), "flow_2d --csv own.csv");
    assert!(said.contains("of 4 held-out points") && !said.contains("by the distribution itself"), "{said}");

    let Points::File { learned, held_out } = Points::read(&folder.path().join("own.csv")).expect("points") else {
        panic!("points of a file")
    };
    // x: the mean of 0 to 19 is 9.5 and their variance 33.25.
    let x = |i: f64| (i - 9.5) / 33.25_f64.sqrt();
    let near = |found: &[f64; 2], i: f64| (found[0] - x(i)).abs() < 1e-12;
    assert!(learned.len() == 16 && near(&learned[4], 5.0) && held_out.len() == 4 && near(&held_out[0], 4.0));
}

#[test]
fn wrong_files_and_flags_are_explained() {
    let folder = folder();
    let fails = |text: &str, expected: &[&str]| {
        fs::write(folder.path().join("own.csv"), text).expect("a file");
        fails(folder.path(), "flow_2d --csv own.csv", expected);
    };
    let many = |row: &str| format!("x,y\n{}", row.repeat(12));
    fails("a,b\n1,2\n", &["own.csv, line 1: expected the header \"x,y\", found \"a,b\""]);
    fails("x,y\n1,2\n1,2,3\n", &["own.csv, line 3: expected two numbers like 0.5,-1.2, found \"1,2,3\""]);
    fails("x,y\n1,nan\n", &["line 2", "found \"1,nan\""]);
    fails("x,y\n1,2\n3,4\n", &["own.csv: expected at least 10 points, found 2"]);
    fails(&many("1,2\n3,2\n"), &["own.csv: y: all 24 numbers are 2", "a variance above 0"]);
    fails(&many("1e200,2\n-1e200,3\n"), &["own.csv: x: the variance of the numbers is too large"]);
    let fails = |args: &str, expected: &[&str]| program::fails(STEP11, folder.path(), args, expected);
    fails("flow_2d --csv nothing.csv", &["nothing.csv: cannot be read"]);
    fails("flow_2d --steps 0", &["--steps 0: expected at least 1"]);
    fails("flow_2d --lr -1", &["--lr -1: expected a positive number"]);
    fails("flow_2d --lr 1e300", &["flow, step 2: the loss is ", "--lr", "--detect-anomaly"]);
    fails("flow_2d --lr 1e308 --steps 1", &["flow: after the last step a parameter is not finite", "--lr"]);
}

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    flags: Flags,
}

/// Whatever a network has learned, its density has the integral 1; and soon the points have more of it than under the
/// normal distribution, where the mean of ln p is -2.84.
#[test]
fn the_learned_density_has_the_integral_1_and_is_where_the_points_are() {
    let Cli { common, flags } = Cli::parse_from(["", "--steps", "300", "--quiet"]);
    let common = Common { limits: Limits::NONE, ..common };
    let sample = |n, rng: &mut Rng| [rng.normal_tensor([n, 2]), Points::Moons.sample(n, rng)];
    let model = train("flow", &common, &flags, |rng| sample(128, rng).map(Variable::new)).expect("a flow");
    let log_p = |x: &Tensor| log_density(|x, t| model.at(x, t), x, Solver::Heun, 10);

    let places = (0..50 * 50).flat_map(|i| [i % 50, i / 50]).map(|i| (f64::from(i) + 0.5) * 0.16 - 4.0);
    let places = Tensor::new([50 * 50, 2], &places.map(|x| x as Real).collect::<Vec<Real>>());
    let integral = log_p(&places).into_iter().map(|log_p| log_p.exp() * 0.16 * 0.16).sum::<f64>();
    assert!((integral - 1.0).abs() < 0.02, "{integral}");

    let log_p = log_p(&Points::Moons.sample(500, &mut Rng::new(0, "test", 0)));
    let mean = log_p.iter().sum::<f64>() / 500.0;
    assert!(mean > -2.2 && mean < -1.2, "{mean}");
}
