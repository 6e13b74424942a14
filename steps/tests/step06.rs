//! Step 6 as a user meets it: the numbers that the book prints, and what the other programs write and say.

mod program;

use program::folder;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use steps::common::data::{Source, Split};
use steps::step06::{Convnet, Evaluator, Metrics};
use tsukuru::Real;
use tsukuru::data::idx;
use tsukuru::nn::{self, Module};
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;

const STEP06: &str = env!("CARGO_BIN_EXE_step06");

/// Runs `step06 ARGS` in a folder; it must succeed, and every file that it names must be there.
fn run(mut command: Command, folder: &Path) -> String {
    let Output { status, stdout, stderr } = command.output().expect("step06 starts");
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    let said = String::from_utf8(stdout).expect("UTF-8");
    for path in said.lines().filter(|line| line.starts_with("out/")) {
        let bytes = fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let whole =
            !path.ends_with(".svg") || bytes.ends_with(b"</svg>\n") && !String::from_utf8_lossy(&bytes).contains("NaN");
        assert!(whole, "{path}");
    }
    said
}

/// `step06 ARGS` in full.
fn step06(folder: &Path, args: &str) -> String {
    let mut command = program::command(STEP06, folder, args);
    command.env_remove("TSUKURU_SMOKE");
    run(command, folder)
}

/// `step06 ARGS` in a few seconds at most.
fn smoke(folder: &Path, args: &str) -> String {
    run(program::command(STEP06, folder, args), folder)
}

fn fails(folder: &Path, args: &str, expected: &[&str]) {
    program::fails(STEP06, folder, args, expected);
}

/// The lines that are nothing but numbers.
fn rows(said: &str) -> Vec<Vec<f64>> {
    let numbers = |line: &str| line.split_whitespace().map(|word| word.parse().ok()).collect::<Option<Vec<f64>>>();
    said.lines().filter_map(numbers).filter(|row| !row.is_empty()).collect()
}

/// `found` are the numbers of the book, to a share of each.
fn agree(found: &[f64], book: &[f64], tolerance: f64) {
    assert_eq!(found.len(), book.len(), "{found:?}");
    for (found, book) in found.iter().zip(book) {
        assert!((found / book - 1.0).abs() <= tolerance, "{found}, the book has {book}");
    }
}

#[test]
fn tensor_prints_75_and_30() {
    let folder = folder();
    assert_eq!(step06(folder.path(), "tensor"), "y = 3 x^2 = 75 at x = 5\ndy/dx = 30\n");
}

#[test]
fn gradient_prints_the_books_table() {
    let folder = folder();
    let said = step06(folder.path(), "gradient");
    assert!(said.starts_with("dy/dx0 = -2, dy/dx1 = 400 at (0, 2)\n"), "{said}");
    let book = [
        (0.0, 2.0),
        (0.6815015077590942, 0.46292299032211304),
        (0.8253857493400574, 0.6804871559143066),
        (0.8942827582359314, 0.7992911338806152),
        (0.9331904053688049, 0.8705660700798035),
        (0.9568046927452087, 0.9152978658676147),
        (0.9716982245445251, 0.9440822601318359),
        (0.9813036918640137, 0.9628812670707703),
        (0.98758465051651, 0.9752733111381531),
        (0.9917276501655579, 0.983490526676178),
        (0.9944759607315063, 0.9889602065086365),
    ];
    let rows = rows(&said);
    assert_eq!(rows.len(), book.len(), "{said}");
    // The book calculates in f32.
    let tolerance = if size_of::<Real>() == 4 { 6e-7 } else { 1e-5 };
    for ((i, row), (x0, x1)) in rows.iter().enumerate().zip(book) {
        assert_eq!(row[0], 1000.0 * i as f64);
        assert!((row[1] - x0).abs() < tolerance && (row[2] - x1).abs() < tolerance, "{row:?}, the book has {x0}, {x1}");
    }
}

#[test]
fn regression_prints_the_books_losses_and_line() {
    let folder = folder();
    let said = step06(folder.path(), "regression");
    let losses: Vec<f64> = rows(&said).iter().map(|row| row[1]).collect();
    let book = [
        41.89796447753906,
        0.22483204305171967,
        0.0925208106637001,
        0.0888015553355217,
        0.08627457916736603,
        0.08435674765586734,
        0.0829005315899849,
        0.0817948430776596,
        0.08095530420541763,
        0.08031783998012543,
        0.07987643033266068,
    ];
    agree(&losses, &book, 1e-5);
    let line = said.lines().find_map(|line| line.strip_prefix("W = ")?.split_once(", b = ")).expect("W and b");
    agree(&[line.0.parse().unwrap(), line.1.parse().unwrap()], &[2.2863590717315674, 5.3144850730896], 1e-5);
}

/// From the seventh thousand on the losses jump: there the last bit of any sum decides what comes next, and f64 is a
/// hundredth away from f32.
#[test]
fn neuralnet_prints_the_books_losses() {
    let folder = folder();
    let said = step06(folder.path(), "neuralnet");
    let losses: Vec<f64> = rows(&said).iter().map(|row| row[1]).collect();
    let book = [
        0.7643452286720276,
        0.23656320571899414,
        0.23226076364517212,
        0.22441408038139343,
        0.21026146411895752,
        0.17957879602909088,
        0.11798454076051712,
        0.08481380343437195,
        0.08023109287023544,
        0.0796855092048645,
        0.07945814728736877,
    ];
    agree(&losses[..7], &book[..7], 1e-5);
    agree(&losses[7..], &book[7..], 3e-2);
}

#[test]
fn vision_shows_digits_and_batches() {
    let folder = folder();
    let said = smoke(folder.path(), "vision --data built-in");
    assert!(said.starts_with("64 images of 28 x 28 bytes, data: built-in digits"), "{said}");
    let counts = rows(&said);
    assert_eq!(counts.iter().map(|row| row[0]).collect::<Vec<f64>>(), (0..10).map(f64::from).collect::<Vec<f64>>());
    assert_eq!(counts.iter().map(|row| row[1]).sum::<f64>(), 64.0);
    assert!(said.contains("one epoch: 2 batches") && said.contains("batch 1: x (32, 1, 28, 28), 32 labels"), "{said}");
    assert_ne!(said, smoke(folder.path(), "vision --data built-in --seed 1"));
}

#[test]
fn derivatives_of_any_order_and_newtons_method() {
    let folder = folder();
    let said = step06(folder.path(), "higher_order");
    let errors = said.lines().filter_map(|line| line.split_once("error ")?.1.split(' ').next()?.parse::<f64>().ok());
    let errors: Vec<f64> = errors.collect();
    assert!(errors.len() == 4 && errors.iter().all(|&error| error < 1e-6), "{said}");
    let rows = rows(&said);
    // From (0, 2) the first step is (-2 / 798, -2), by hand.
    assert_eq!(rows[1][1..3], [-0.00251, 0.0]);
    let last = &rows[7];
    assert!(last[0] == 7.0 && last[3] < 1e-10 && last[4] > 10.0, "{last:?}");
    assert!(rows[8][0] == 10_000.0 && rows[8][1] > 1e-5, "{:?}", rows[8]);
    let dot = fs::read_to_string(folder.path().join("out/step06/higher_order/derivative.dot")).expect("a graph");
    assert!(dot.starts_with("digraph {") && dot.contains("square"), "{dot}");
}

/// Any program called `dot` will do here.
#[cfg(unix)]
#[test]
fn the_graph_is_drawn_where_there_is_a_program_for_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let with_dot = |script: &str| {
        let dot = folder.path().join("dot");
        fs::write(&dot, format!("#!/bin/sh\n{script}\n")).expect("a script");
        fs::set_permissions(&dot, fs::Permissions::from_mode(0o755)).expect("a script that runs");
        let mut command = program::command(STEP06, folder.path(), "higher_order");
        command.env("PATH", format!("{}:/bin:/usr/bin", folder.path().display()));
        run(command, folder.path())
    };
    let said = with_dot(r#"test "$1 $3" = "-Tsvg -o" && test -f "$2" && echo "</svg>" >"$4""#);
    assert!(said.contains("\nout/step06/higher_order/derivative.svg\n"), "{said}");
    let said = with_dot("exit 3");
    assert!(said.contains("no out/step06/higher_order/derivative.svg: dot ended with exit status: 3"), "{said}");
}

#[test]
fn gradients_and_em_reach_the_same_optimum() {
    let folder = folder();
    let said = step06(folder.path(), "gmm_by_gradient");
    let table = rows(&said);
    assert_eq!(table[0][1], table[0][2], "they start in the same place");
    assert!(table[1..5].iter().all(|row| row[1] > row[2]), "EM is ahead: {said}");
    let last = table.last().expect("a row");
    // The optimum of step 5.
    assert!(last[0] == 299.0 && (last[1] + 4.15538).abs() < 1e-4 && table[4][1] == -4.15538, "{said}");
    let numbers = |name: &str| -> Vec<f64> {
        let lines = said.lines().filter(|line| line.starts_with(name));
        let cells = lines.flat_map(|line| line.split(|c: char| !c.is_ascii_digit() && c != '.').collect::<Vec<_>>());
        cells.filter_map(|cell| cell.parse().ok()).collect()
    };
    let (em, gradient) = (numbers("EM"), numbers("gradient"));
    assert_eq!(em.len(), 14, "{em:?}");
    for (em, gradient) in em.iter().zip(&gradient) {
        assert!((em - gradient).abs() < 0.005 * em, "{em} by EM, {gradient} by gradients");
    }
}

/// Fifty steps of training on built-in digits are enough to classify others of them.
#[test]
fn the_network_learns_to_classify_and_evaluates() {
    let model = Convnet::new(&mut Rng::new(0, "init", 0));
    let mut optimizer = Adam::new(model.parameters(), 3e-3);
    let digits = Source::BUILT_IN.load(Split::Train, Some(1600)).expect("digits");
    for (x, labels) in digits.batches(32, Some((0, 1))).expect("batches") {
        optimizer.zero_grad();
        model.forward(&x.into()).cross_entropy(&labels).backward();
        optimizer.step();
    }
    let digits = Source::BUILT_IN.load(Split::Test, Some(200)).expect("digits");
    let (x, labels) = digits.all();
    // An image shows the same alone as among others, and a feature is never below 0.
    let (among, alone) = (model.predict(&x).features, model.predict(&digits.batch(&[0]).0).features);
    let error = alone.data().iter().zip(among.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(error < 1e-4 && among.data().iter().all(|&feature| feature >= 0.0), "{error}");
    let evaluator = Evaluator::new(model, &Source::BUILT_IN).expect("an evaluator");
    let metrics = evaluator.evaluate(&x, Some(&labels)).expect("metrics");
    assert!(metrics.accuracy.is_some_and(|accuracy| accuracy > 0.85), "{metrics}");
    let own = metrics.distance.clone().expect("a distance");
    assert!(own.generated.abs() < 1e-6 && own.train > 0.1, "test images themselves: {metrics}");
    // Upside down, they are further away than digits that the network has not seen, and are classified as others.
    let mut rotated = x.clone();
    rotated.data_mut().chunks_mut(28 * 28).for_each(<[Real]>::reverse);
    let rotated = evaluator.evaluate(&rotated, Some(&labels)).expect("metrics");
    assert!(rotated.distance.clone().is_some_and(|d| d.generated > 2.0 * own.train && d.count == 200), "{rotated}");
    assert!(rotated.accuracy.is_some_and(|accuracy| accuracy < 0.7), "{rotated}");
    let text = format!("{rotated}");
    assert!(text.starts_with("accuracy on the target labels: ") && text.contains("to 200 test images"), "{text}");
}

/// It is trained on one split of the data and tested on the other, and shows what it misclassifies.
#[test]
fn the_classifier_generalises_to_the_test_split() {
    let folder = folder();
    for (name, split, count) in [("train", Split::Train, 1600), ("t10k", Split::Test, 200)] {
        let digits = Source::BUILT_IN.load(split, Some(count)).expect("digits");
        let path = |what: &str| folder.path().join(format!("{name}-{what}-ubyte.gz"));
        idx::write_images(&path("images-idx3"), digits.images()).expect("images");
        idx::write_labels(&path("labels-idx1"), digits.labels()).expect("labels");
    }
    let said = step06(folder.path(), "classifier --data . --epochs 1 --batch-size 32");
    let accuracy =
        said.lines().find_map(|line| line.strip_prefix("epoch 1: accuracy ")?.strip_suffix(" % on 200 test images"));
    let accuracy: f64 = accuracy.and_then(|accuracy| accuracy.parse().ok()).expect("an accuracy");
    assert!(accuracy > 80.0, "{said}");
    let wrong = said.lines().filter_map(|line| line.strip_prefix("    predicted ")).flat_map(|line| line.split(", "));
    let wrong: Vec<(&str, &str)> = wrong.filter_map(|pair| pair.split_once(" for ")).collect();
    assert!(wrong.iter().all(|(prediction, label)| prediction != label), "{said}");
    assert_eq!(wrong.len(), (2.0 * (100.0 - accuracy)).round() as usize, "{said}");
}

#[test]
fn a_distance_needs_two_images_and_all_digits_or_no_labels() {
    let model = Convnet::new(&mut Rng::new(0, "init", 0));
    let digits = Source::BUILT_IN.load(Split::Train, Some(2)).expect("digits");
    let evaluator = Evaluator::new(model, &Source::BUILT_IN).expect("an evaluator");
    let evaluate = |which: &[usize], labels| evaluator.evaluate(&digits.batch(which).0, labels).expect("metrics");
    let both = evaluate(&[0, 1], None);
    assert!(both.accuracy.is_none() && format!("{both}").contains("Fréchet distance to 2 test images"));
    assert!(both.distance.is_some_and(|d| d.generated == d.train));
    assert!(matches!(evaluate(&[0], None), Metrics { accuracy: None, distance: None, .. }));
    assert!(format!("{}", evaluate(&[0], Some(&[7]))).starts_with("accuracy on the target labels: "));
    // Test images show all digits; sevens alone would be far from them however good they were.
    assert!(evaluate(&[0; 20], Some(&[7; 20])).distance.is_none());
    let each: Vec<usize> = (0..20).map(|i| i % 10).collect();
    assert!(evaluate(&[0; 20], Some(&each)).distance.is_some());
}

#[test]
fn a_few_images_can_be_looked_at() {
    let folder = folder();
    program::write_data(folder.path(), (3, 28), (1, 28));
    assert!(smoke(folder.path(), "vision --data .").contains("3 labels"));
}

#[test]
fn without_a_program_all_run() {
    let folder = folder();
    let said = smoke(folder.path(), "--data built-in");
    for file in [
        "gradient/gradient.svg",
        "regression/regression.svg",
        "neuralnet/neuralnet.svg",
        "vision/digits.png",
        "vision/batch.png",
        "higher_order/sines.svg",
        "higher_order/newton.svg",
        "higher_order/rosenbrock.dot",
        "gmm_by_gradient/gmm_by_gradient.svg",
        "classifier_quick/misclassified.png",
        "classifier_quick/model.safetensors",
    ] {
        assert!(said.lines().any(|line| line == format!("out/step06/{file}")), "{file}: {said}");
    }
}

/// Its learning rate falls to zero at the end of the last epoch, so that another number of epochs is another training.
#[test]
fn a_training_depends_on_its_seed_and_resumes_with_as_many_epochs_only() {
    let folder = folder();
    let train = "classifier --data built-in --batch-size 8";
    let model = |flags: &str| {
        smoke(folder.path(), &format!("{train} --epochs 1 {flags}"));
        fs::read(folder.path().join("out/step06/classifier/model.safetensors")).expect("a model")
    };
    let first = model("");
    assert!(model("--seed 1") != first && model("") == first && model("--resume") == first);
    fails(folder.path(), &format!("{train} --epochs 2 --resume"), &["checkpoint.safetensors", "lr_decay_epochs"]);
    smoke(folder.path(), &format!("{train} --epochs 2 --out two"));
    let losses = |out: &str| program::losses(&folder.path().join(out).join("step06/classifier"));
    assert!(program::decays_over_all_epochs(&losses("out"), &losses("two")));
}

#[test]
fn what_cannot_be_used_is_explained() {
    let folder = folder();
    fails(folder.path(), "classifier --epochs 0", &["--epochs 0"]);
    fails(folder.path(), "vision --data nowhere", &["nowhere", "train-images-idx3-ubyte"]);
    fails(folder.path(), "classifier --lr -1", &["--lr -1: expected a positive number"]);
    program::write_data(folder.path(), (4, 30), (4, 30));
    fails(folder.path(), "classifier --data .", &[".: expected images of 28 x 28, found 30 x 30"]);
    assert!(!folder.path().join("out").exists(), "nothing was written");

    let path = folder.path().join("other.safetensors");
    nn::save(&nn::Linear::new(1, 1, &mut Rng::new(0, "init", 0)), &path).expect("another model");
    let Err(error) = Convnet::read(&path) else { panic!("a linear layer is no convnet") };
    let said = format!("{error:#}");
    assert!(said.contains("step06 -- classifier") && said.contains("other.safetensors"), "{said}");
}
