//! The programs of steps 7 and 8 as they are run, in seconds.

mod program;

use program::{are_there, folder, succeeds};
use std::fs;
use std::path::Path;
use steps::step08::Hvae;
use tsukuru::Real;
use tsukuru::checkpoint::{self, Data, Entries};
use tsukuru::nn::{Entry, Module};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

const STEP07: &str = env!("CARGO_BIN_EXE_step07");

fn step07(folder: &Path, args: &str) -> String {
    succeeds(STEP07, folder, &format!("{args} --data built-in"))
}

fn step08(folder: &Path, args: &str) -> String {
    succeeds(env!("CARGO_BIN_EXE_step08"), folder, &format!("{args} --data built-in"))
}

fn fails(folder: &Path, args: &str, expected: &[&str]) {
    program::fails(STEP07, folder, &format!("{args} --data built-in"), expected);
}

/// The numbers among the words of a line.
fn numbers(line: &str) -> Vec<f64> {
    line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// The rows of a log, without the time.
fn log(run: &Path) -> Vec<Vec<f64>> {
    let csv = fs::read_to_string(run.join("metrics.csv")).expect("metrics.csv");
    let numbers = |row: &str| row.split(',').map(|x| x.parse().expect("a number")).collect::<Vec<f64>>();
    csv.lines()
        .skip(1)
        .map(numbers)
        .map(|mut row| {
            row.pop();
            row
        })
        .collect()
}

#[test]
fn step_7_runs_without_a_program() {
    let folder = folder();
    let said = step07(folder.path(), "");
    let vae = ["samples/epoch_001.png", "loss.svg", "checkpoint.safetensors", "model.safetensors", "metrics.csv"];
    are_there(&folder.path().join("out/step07/vae_quick"), &vae);
    are_there(&folder.path().join("out/step07/latent"), &["interpolations.png", "map.png", "dots.svg"]);
    are_there(&folder.path().join("out/step07"), &["evaluate/bounds.svg", "e_step/posterior.svg"]);
    assert!(
        said.contains("a linear model, whose likelihood is known") && said.contains("latent/interpolations.png"),
        "{said}"
    );
}

#[test]
fn step_8_runs_without_a_program() {
    let folder = folder();
    let said = step08(folder.path(), "");
    are_there(
        &folder.path().join("out/step08/hvae_quick"),
        &["samples/epoch_001.png", "loss.svg", "model.safetensors"],
    );
    let figures = ["forward_process/density.svg", "forward_process/digit.png", "elbo/elbo.svg"];
    are_there(&folder.path().join("out/step08"), &figures);
    assert!(said.contains("ELBO from   mean"), "{said}");
}

#[test]
fn the_parts_of_the_loss_are_logged() {
    let folder = folder();
    step07(folder.path(), "vae --epochs 1");
    step08(folder.path(), "hvae --epochs 1");
    let header = |run: &str| fs::read_to_string(folder.path().join(run).join("metrics.csv")).expect("a log");
    assert!(header("out/step07/vae").starts_with("epoch,step,loss,reconstruction,kl,seconds\n"));
    assert!(header("out/step08/hvae").starts_with("epoch,step,loss,reconstruction,kl1,kl2,seconds\n"));
    for run in ["out/step07/vae", "out/step08/hvae"] {
        for row in log(&folder.path().join(run)) {
            let [loss, reconstruction, kls @ ..] = &row[2..] else { panic!("{row:?}") };
            assert!(kls.iter().all(|&kl| kl > 0.0), "{row:?}");
            assert!((reconstruction + 2.0 * kls.iter().sum::<f64>() - loss).abs() < 1e-4 * loss, "{row:?}");
        }
    }
}

/// The last of the two tables is that of the linear model.
#[test]
fn evaluate_prints_the_bounds_and_their_gain() {
    let folder = folder();
    let said = step07(folder.path(), "evaluate");
    let rows: Vec<Vec<f64>> = said.lines().map(numbers).filter(|row| row.len() == 4).collect();
    assert_eq!(rows.len(), 14, "{said}");
    for (i, row) in rows.iter().enumerate() {
        let first = &rows[i / 7 * 7];
        assert!((first[1] - row[1] - row[2]).abs() < 2e-3, "{row:?} after {first:?}");
    }
    let exact = said.lines().find_map(|line| line.strip_prefix("exact")?.trim().parse::<f64>().ok()).expect("a number");
    assert!((rows[13][1] - exact).abs() < 0.05, "{said}");
}

#[test]
fn the_programs_of_step_8_print_what_the_formulas_say() {
    let folder = folder();
    let said = step08(folder.path(), "forward_process");
    let rows: Vec<Vec<f64>> = said.lines().map(numbers).filter(|row| row.len() == 5).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<f64>>(), [10.0, 50.0, 100.0, 200.0, 400.0, 1000.0]);
    for row in rows {
        // Of 20,000 points, the mean has a standard error of std / 141, and the standard deviation one of 0.5 %.
        assert!((row[1] - row[2]).abs() < 0.03 * row[4] && (row[3] / row[4] - 1.0).abs() < 0.02, "{row:?}");
    }
    let said = succeeds(env!("CARGO_BIN_EXE_step08"), folder.path(), "elbo");
    let exact = said.lines().find(|line| line.starts_with("ELBO   ")).map(numbers).expect("a line")[0];
    let rows: Vec<Vec<f64>> = said.lines().map(numbers).filter(|row| row.len() == 4).collect();
    assert_eq!(rows.iter().map(|row| row[3]).collect::<Vec<f64>>(), [1000.0, 1.0, 1.0], "{said}");
    for row in rows {
        // 5000 times 1000 calls for all estimates
        let count = 5e6 / row[3];
        assert!((row[2] / row[1] / count.sqrt() - 1.0).abs() < 0.05, "{row:?}"); // the error has few digits
        assert!((row[0] - exact).abs() < 4.0 * row[1], "{row:?}, exact {exact}");
    }
}

#[test]
fn each_level_has_a_divergence_and_a_noise_of_its_own() {
    let mut rng = Rng::new(0, "init", 0);
    let model = Hvae::new(4, 8, 3, &mut rng);
    // Then q(z2|z1) and p(z1|z2) are N(0, I).
    for (name, entry) in model.entries() {
        if let (true, Entry::Parameter(parameter)) = (name.contains("coder2."), entry) {
            parameter.update(|x| x.data_mut().fill(0.0));
        }
    }
    let [eps1, eps2] = [0; 2].map(|_| rng.normal_tensor([5, 3]).into());
    let loss = model.loss(&rng.normal_tensor([5, 4]).into(), &eps1, &eps2, 0.0);
    assert!(loss.kl1 > 0.0 && loss.kl2 == 0.0, "{}, {}", loss.kl1, loss.kl2);

    // With free bits, a divergence below them costs nothing; above them, the excess does.
    let total = |model: &Hvae, free| model.loss(&Tensor::zeros([5, 4]).into(), &eps1, &eps2, free).total.item();
    assert!((total(&model, 3.0) - total(&model, 0.0) - 6.0).abs() < 1e-3);
    let trained = Hvae::new(4, 8, 3, &mut rng);
    let kl2 = trained.loss(&Tensor::zeros([5, 4]).into(), &eps1, &eps2, 0.0).kl2;
    assert!(kl2 > 0.0);
    assert!((total(&trained, kl2 / 2.0) - total(&trained, 0.0)).abs() < 1e-3);
    assert!((total(&trained, kl2 + 1.0) - total(&trained, 0.0) - 2.0).abs() < 1e-3);

    let images = model.generate(2, &mut rng);
    assert!(images.data()[..4] != images.data()[4..], "z1 is random for a given z2");
}

#[test]
fn a_resumed_run_and_another_number_of_threads_give_the_same_bits() {
    let folder = folder();
    step07(folder.path(), "vae --epochs 2 --out unbroken --threads 1");
    step07(folder.path(), "vae --epochs 1 --out broken --threads 2");
    step07(folder.path(), "vae --epochs 2 --out broken --resume");
    let run = |name: &str| folder.path().join(name).join("step07/vae");
    assert_eq!(log(&run("broken")), log(&run("unbroken")));
    let read = |name: &str, file: &str| fs::read(run(name).join(file)).expect(file);
    for file in ["model.safetensors", "samples/epoch_002.png", "loss.svg"] {
        assert!(read("broken", file) == read("unbroken", file), "{file} differs");
    }
}

/// Without a program, `latent` trains a model of its own.
#[test]
fn a_resumed_step_goes_on_with_every_training() {
    let folder = folder();
    let run = |name: &str| folder.path().join(name).join("step07/vae_latent2_quick");
    step07(folder.path(), "--out unbroken");
    step07(folder.path(), "vae --latent 2 --quick --epochs 1 --out broken");
    let path = run("broken").join("checkpoint.safetensors");
    let mut checkpoint = checkpoint::read(&path).expect("a checkpoint");
    checkpoint.meta["plan"]["epochs"] = 2.into(); // as if the second had been interrupted
    checkpoint::write(&path, &checkpoint).expect("a checkpoint");
    step07(folder.path(), "--out broken --resume");
    assert_eq!(log(&run("broken")), log(&run("unbroken")));
    assert!(!run("broken").with_file_name("vae_latent2_quick.1").exists());
}

#[test]
fn a_model_of_other_images_is_not_used_unless_it_is_named() {
    let folder = folder();
    program::write_data(folder.path(), (64, 28), (20, 28));
    step07(folder.path(), "latent");
    let said = succeeds(STEP07, folder.path(), "latent --data .");
    assert!(said.contains("64 images of 28 x 28") && said.contains("vae_latent2_quick.1"), "{said}");
    let named = "--model out/step07/vae_latent2_quick.1/model.safetensors";
    assert!(!succeeds(STEP07, folder.path(), &format!("latent --data . {named}")).contains("64 images"));
}

#[test]
fn too_few_test_images_are_noticed_before_a_model_is_trained() {
    let folder = folder();
    program::write_data(folder.path(), (64, 28), (3, 28));
    program::fails(STEP07, folder.path(), "e_step --data .", &[".: expected at least 5 test images, found 3"]);
    assert!(!folder.path().join("out/step07/vae_latent2_quick").exists());
}

#[test]
fn a_model_is_trained_once_and_then_used() {
    let folder = folder();
    let first = step07(folder.path(), "latent");
    assert!(first.contains("parameters") && first.contains("model: out/step07/vae_latent2_quick"), "{first}");
    let second = step07(folder.path(), "e_step");
    assert!(!second.contains("parameters") && second.contains("model: out/step07/vae_latent2_quick"), "{second}");
    step07(folder.path(), "vae --latent 3 --epochs 1");
    let model = "--model out/step07/vae_latent3/model.safetensors";
    let third = step07(folder.path(), &format!("latent {model}"));
    assert!(third.contains("no map: it needs a latent variable of size 2, this one has 3"), "{third}");
    fails(folder.path(), &format!("e_step {model}"), &["two latent numbers", "3"]);
}

#[test]
fn what_cannot_be_used_is_explained() {
    let folder = folder();
    fails(folder.path(), "vae --latent 0", &["--latent 0", "expected 1 to"]);
    fails(folder.path(), "vae --hidden 100000", &["--hidden 100000", "expected 1 to"]);
    fails(folder.path(), "vae --batch-size 0", &["--batch-size 0", "at least 1"]);
    fails(folder.path(), "evaluate --images 0", &["--images 0", "at least 1"]);
    fails(folder.path(), "latent --model nothing.safetensors", &["nothing.safetensors"]);
    let header = br#"{"encoder.linear.weight":{"dtype":"F32","shape":[65536,0],"data_offsets":[0,0]}}"#;
    let file = [&(header.len() as u64).to_le_bytes()[..], header].concat();
    fs::write(folder.path().join("empty.safetensors"), file).expect("a file");
    let spoilt = Data::Real(Tensor::new([2], &[1.0, Real::NAN]));
    let mut entries = Entries::default();
    entries.insert("encoder.linear.bias", spoilt);
    checkpoint::write(&folder.path().join("nan.safetensors"), &entries).unwrap();
    let nan = "nan.safetensors, tensor `encoder.linear.bias`: holds a number that is not finite";
    fails(folder.path(), "evaluate --model nan.safetensors", &[nan]);
    fails(folder.path(), "evaluate --model empty.safetensors", &["empty.safetensors", "holds no VAE"]);
    assert!(!folder.path().join("out/step07").join("vae").join("metrics.csv").exists());
}
