//! Step 9 as a user meets it: what its programs write, how they go on after an interruption, and what they say when
//! something is wrong. All in the smoke form: a few images, a narrow model, ten noise steps.

#[path = "../program/mod.rs"]
mod program;
mod resume;

use program::{are_there, folder, losses, model};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use steps::common::data::{Source, Split};
use steps::step09::{Diffuser, Schedule, UNet};
use tsukuru::checkpoint;
use tsukuru::data::idx::{self, Images};
use tsukuru::random::Rng;

const STEP09: &str = env!("CARGO_BIN_EXE_step09");

fn command(folder: &Path, args: &str) -> Command {
    program::command(STEP09, folder, args)
}

fn step09(folder: &Path, args: &str) -> String {
    program::succeeds(STEP09, folder, args)
}

fn fails(folder: &Path, args: &str, expected: &[&str]) {
    program::fails(STEP09, folder, args, expected);
}

const TRAIN: &str = "diffusion_model --data built-in --batch-size 8";

#[test]
fn without_a_program_all_three_run_in_their_quick_form() {
    let folder = folder();
    let said = step09(folder.path(), "--data built-in");
    let step = folder.path().join("out/step09");
    let files = [
        "gaussian_noise/by_steps.png",
        "gaussian_noise/in_closed_form.png",
        "diffusion_model_quick/samples/epoch_001.png",
        "diffusion_model_quick/loss.svg",
        "diffusion_model_quick/denoising.gif",
        "diffusion_model_quick/checkpoint.safetensors",
        "diffusion_model_quick/model.safetensors",
        "diffusion_model_quick/metrics.csv",
    ];
    are_there(&step, &files);
    assert!(said.contains("built-in digits") && said.contains("--bin fetch"), "{said}");
    assert!(said.contains("bot1       (10, 16, 7, 7)"), "{said}");
}

/// An image of variance v has the variance alpha_bar v + 1 - alpha_bar at time t.
#[test]
fn gaussian_noise_prints_the_same_std_for_steps_and_closed_form() {
    let folder = folder();
    let said = step09(folder.path(), "gaussian_noise");
    let numbers = |line: &str| line.split_whitespace().map(|word| word.parse().ok()).collect::<Option<Vec<f64>>>();
    let rows: Vec<Vec<f64>> = said.lines().filter_map(numbers).collect();
    assert_eq!(rows.len(), 8, "{said}");
    for row in &rows {
        let (alpha_bar, of_image) = (row[1], rows[0][2]);
        let std = (alpha_bar * of_image * of_image + 1.0 - alpha_bar).sqrt();
        // Of 4096 pixels of noise, the standard deviation has a standard error of 1.1 %.
        assert!(row[2..].iter().all(|found| (found / std - 1.0).abs() < 0.05), "{row:?}, expected {std}");
    }
}

/// The loss of the first step, computed again from its formula.
#[test]
fn the_loss_is_the_mean_squared_error_of_the_noise() {
    let folder = folder();
    step09(folder.path(), &format!("{TRAIN} --epochs 1"));
    let row = losses(&folder.path().join("out/step09/diffusion_model")).swap_remove(0);
    let found: f64 = row.rsplit_once(',').expect("columns").1.parse().expect("a loss");

    let digits = Source::BUILT_IN.load(Split::Train, Some(64)).expect("digits");
    let (x, _) = digits.batches(8, Some((0, 1))).expect("batches").next().expect("a batch");
    let (model, diffuser) = (UNet::new(1, 4, &mut Rng::new(0, "init", 0)), Diffuser::new(Schedule::linear(10)));
    let t = diffuser.random_timesteps(8, &mut Rng::new(0, "t", 0));
    let noise = Rng::new(0, "noise", 0).normal_tensor([8, 1, 28, 28]);
    let predicted = model.forward(&diffuser.add_noise(&x, &t, &noise).into(), &t).value().clone();
    let squares = predicted.data().iter().zip(noise.data()).map(|(a, b)| f64::from(a - b).powi(2));
    let expected = squares.sum::<f64>() / noise.data().len() as f64;
    assert!((found / expected - 1.0).abs() < 1e-5, "{found}, not {expected}");
}

#[test]
fn the_same_bits_with_one_thread_and_with_two() {
    let folder = folder();
    let train = |threads: u32| {
        step09(folder.path(), &format!("{TRAIN} --epochs 1 --threads {threads} --out {threads}"));
        let run = folder.path().join(format!("{threads}/step09/diffusion_model"));
        (model(&run), losses(&run), fs::read(run.join("samples/epoch_001.png")).expect("samples"))
    };
    assert!(train(1) == train(2));
}

/// It changes the model that is saved, and nothing in the training.
#[test]
fn the_average_changes_no_loss() {
    let folder = folder();
    let out = |name: &str| folder.path().join(name).join("step09/diffusion_model");
    let state = |name: &str| checkpoint::read(&out(name).join("checkpoint.safetensors")).expect("a checkpoint");
    step09(folder.path(), &format!("{TRAIN} --epochs 2 --out average"));
    step09(folder.path(), &format!("{TRAIN} --epochs 2 --out book --ema 0"));
    assert_eq!(losses(&out("average")), losses(&out("book")));
    let (mut with, mut without) = (state("average"), state("book"));
    let raw = with.under("model.");
    assert!(raw.iter().eq(without.under("model.").iter()));

    // What is saved is the average: every parameter and every running statistic differs from the last step's.
    let saved = checkpoint::read(&out("average").join("model.safetensors")).expect("a model");
    assert!(saved.iter().eq(with.under("ema.").iter()));
    for ((name, average), (_, last)) in saved.iter().zip(raw.iter()) {
        assert!(average != last || name.ends_with("num_batches_tracked"), "{name}");
    }
    let book = checkpoint::read(&out("book").join("model.safetensors")).expect("a model");
    assert!(book.iter().eq(raw.iter()));
}

#[test]
fn samples_come_from_a_model_file() {
    let folder = folder();
    step09(folder.path(), &format!("{TRAIN} --epochs 1"));
    let model = "out/step09/diffusion_model/model.safetensors";
    step09(folder.path(), &format!("sample --model {model} --count 3 --export drawn"));
    let images = idx::read_images(&folder.path().join("drawn-images-idx3-ubyte.gz")).expect("an IDX file");
    assert_eq!((images.count, images.rows, images.cols), (3, 28, 28));
    assert!(folder.path().join("out/step09/sample/samples.png").exists());
}

/// Both samplers begin with the same noise, and DDIM with eta = 0 gives the same images again.
#[test]
fn the_sampler_can_be_chosen() {
    let folder = folder();
    step09(folder.path(), &format!("{TRAIN} --epochs 1 --sampler ddim --sample-steps 3"));
    let sample = "sample --count 2 --model out/step09/diffusion_model/model.safetensors";
    let draw = |flags: &str, out: &str| {
        step09(folder.path(), &format!("{sample} {flags} --out {out}"));
        fs::read(folder.path().join(out).join("step09/sample/samples.png")).expect("samples")
    };
    let ddim = draw("--sampler ddim --sample-steps 3", "a");
    assert!(draw("--sampler ddim --sample-steps 3 --eta 0", "b") == ddim);
    for (i, other) in
        ["--sampler ancestral", "--sampler ddim --sample-steps 2", "--sampler ddim --sample-steps 3 --eta 1"]
            .iter()
            .enumerate()
    {
        assert!(draw(other, &i.to_string()) != ddim, "{other}");
    }
}

/// The noise schedule and the sampler of the training are in the file of the model, and `sample` follows them.
#[test]
fn sampling_follows_what_the_model_was_trained_with() {
    let folder = folder();
    step09(folder.path(), &format!("{TRAIN} --epochs 1 --schedule cosine --sampler ddim --sample-steps 3 --mid 4"));
    let path = folder.path().join("out/step09/diffusion_model/model.safetensors");
    let mut state = checkpoint::read(&path).expect("a model");
    let settings = state.meta["settings"].clone();
    let of_noise = ["schedule", "num_timesteps", "timesteps"].map(|name| settings[name].clone());
    assert_eq!(of_noise, [json!("cosine"), json!(10), json!("uniform")]);
    assert_eq!(state.meta["sampling"]["sampler"], json!({ "name": "ddim", "steps": 3, "eta": 0.0 }));
    let draw = |flags: &str, out: &str| {
        let said = step09(folder.path(), &format!("sample --count 2 --model {} {flags} --out {out}", path.display()));
        (said, fs::read(folder.path().join(out).join("step09/sample/samples.png")).expect("samples"))
    };
    let (said, by_default) = draw("", "a");
    assert!(!said.contains("assumed"), "{said}");
    assert!(draw("--sampler ddim --sample-steps 3", "b").1 == by_default);
    assert!(draw("--sampler ancestral", "c").1 != by_default);

    // What the program does not know, it refuses.
    let known = state.meta.clone();
    for (at, unknown) in [("/settings/schedule", json!("sigmoid")), ("/sampling/sampler/name", json!("euler"))] {
        *state.meta.pointer_mut(at).expect("a value") = unknown.clone();
        checkpoint::write(&path, &state).expect("written");
        fails(folder.path(), &format!("sample --model {}", path.display()), &["expected the", &unknown.to_string()]);
        state.meta = known.clone();
    }

    // Without its settings, as PyTorch writes it, the book's schedule is assumed, and that is said.
    state.meta = json!({});
    checkpoint::write(&path, &state).expect("written");
    let (said, other) = draw("--sampler ddim --sample-steps 3", "d");
    assert!(said.contains("does not say its noise schedule; the book's, linear with T = 1000, is assumed"), "{said}");
    assert!(other != by_default);
}

/// The guide is the model of the first epoch, and a model that was sampled with one is not sampled without it in silence.
#[test]
fn autoguidance_needs_its_guide() {
    let folder = folder();
    let run = folder.path().join("out/step09/diffusion_model");
    step09(folder.path(), &format!("{TRAIN} --epochs 1 --autoguidance 2 --sampler ddim --sample-steps 3"));
    let first = checkpoint::read(&run.join("model.safetensors")).expect("a model");
    step09(folder.path(), &format!("{TRAIN} --epochs 2 --autoguidance 2 --sampler ddim --sample-steps 3 --resume"));
    let guide = checkpoint::read(&run.join("guide.safetensors")).expect("a guide");
    assert!(guide.iter().eq(first.iter()));
    let sample = "sample --count 2 --model out/step09/diffusion_model/model.safetensors";
    let draw = |flags: &str, out: &str| {
        step09(folder.path(), &format!("{sample} {flags} --out {out}"));
        fs::read(folder.path().join(out).join("step09/sample/samples.png")).expect("samples")
    };
    let guided = draw("", "a");
    assert!(draw("--autoguidance 2", "b") == guided && draw("--autoguidance 1", "c") != guided);
    fs::remove_file(run.join("guide.safetensors")).expect("removed");
    fails(folder.path(), sample, &["guide.safetensors", "--autoguidance 1"]);
    draw("--autoguidance 1", "d");
    fails(folder.path(), &format!("{sample} --autoguidance 0.5"), &["--autoguidance 0.5", "1 (none) to 100"]);
}

#[test]
fn samples_overwrite_nothing() {
    let folder = folder();
    step09(folder.path(), &format!("{TRAIN} --epochs 1"));
    let sample = "sample --model out/step09/diffusion_model/model.safetensors --count 1";
    step09(folder.path(), &format!("{sample} --export drawn"));
    let files = ["out/step09/sample/samples.png", "drawn-images-idx3-ubyte.gz"].map(|file| folder.path().join(file));
    let before = files.each_ref().map(|file| fs::read(file).expect("a file"));

    fails(
        folder.path(),
        &format!("{sample} --seed 1 --export drawn"),
        &["drawn-images-idx3-ubyte.gz is there already"],
    );
    let nowhere = ["nowhere/drawn-images-idx3-ubyte.gz cannot be written"];
    fails(folder.path(), &format!("{sample} --seed 1 --export nowhere/drawn"), &nowhere);
    assert!(files.each_ref().map(|file| fs::read(file).expect("a file")) == before);

    let said = step09(folder.path(), &format!("{sample} --seed 1"));
    assert!(said.contains("An earlier run is now in out/step09/sample.1"), "{said}");
    let moved = fs::read(folder.path().join("out/step09/sample.1/samples.png")).expect("the earlier picture");
    assert!(moved == before[0] && fs::read(&files[0]).expect("a picture") != before[0]);
}

#[test]
fn wrong_flags_are_explained() {
    let folder = folder();
    fails(folder.path(), "diffusion_model --batch-size 0", &["--batch-size 0", "at least 1"]);
    fails(folder.path(), "diffusion_model --epochs 0", &["--epochs 0", "at least 1"]);
    fails(folder.path(), "diffusion_model --data nowhere", &["nowhere", "train-images-idx3-ubyte"]);
    fails(folder.path(), "diffusion_model --data built-in --resume", &["--resume", "checkpoint.safetensors"]);
    fails(folder.path(), "diffusion_model --ema 1", &["--ema 1", "0 to below 1"]);
    fails(folder.path(), "diffusion_model --ema -1", &["--ema -1", "0 to below 1"]);
    fails(folder.path(), "sample --model nothing.safetensors", &["nothing.safetensors"]);
    fails(folder.path(), "diffusion_model --sampler ddim --eta 1.5", &["--eta 1.5", "0 to 1"]);
    for steps in ["--sample-steps 0", "--sample-steps 1001"] {
        fails(folder.path(), &format!("diffusion_model --sampler ddim {steps}"), &[steps, "1 to 1000"]);
    }
    fails(folder.path(), "diffusion_model --sample-steps 5", &["--sample-steps", "--sampler ddim"]);
    fails(folder.path(), "diffusion_model --sampler ancestral --eta 0", &["--eta", "--sampler ddim"]);
    assert!(!folder.path().join("out/step09/diffusion_model/metrics.csv").exists());
}

/// Clap explains these itself; the exit codes are those of all programs.
#[test]
fn flags_that_clap_refuses_end_with_1_and_help_with_0() {
    let folder = folder();
    let run = |args: &str| {
        let Output { status, stdout, stderr } = command(folder.path(), args).output().expect("step09 starts");
        (status.code(), String::from_utf8([stdout, stderr].concat()).expect("UTF-8"))
    };
    for (args, expected) in [
        ("difusion_model", "'diffusion_model'"),
        ("diffusion_model --epoch 1", "'--epochs'"),
        ("diffusion_model --epochs abc", "invalid value 'abc' for '--epochs <N>'"),
        ("--threads 0", "invalid value '0' for '--threads <N>'"),
        ("--threads 1025", "invalid value '1025' for '--threads <N>'"),
    ] {
        let (code, said) = run(args);
        assert_eq!(code, Some(1), "step09 {args}: {said}");
        assert!(said.starts_with("error: ") && said.contains(expected), "step09 {args}: {said}");
    }
    let (code, said) = run("sample --help");
    assert!(code == Some(0) && said.contains("--export <STEM>"), "{said}");
}

#[test]
fn the_learning_rate_of_the_quick_form_falls_and_that_of_the_full_form_stays() {
    let folder = folder();
    let of = |flags: &str, run: &str| {
        [1, 2].map(|epochs| {
            step09(folder.path(), &format!("{TRAIN} {flags} --epochs {epochs} --out {epochs}"));
            losses(&folder.path().join(format!("{epochs}/step09/{run}")))
        })
    };
    let [one, two] = of("--quick", "diffusion_model_quick");
    assert!(program::decays_over_all_epochs(&one, &two), "{one:?}, {two:?}");
    let [one, two] = of("", "diffusion_model");
    assert_eq!(one[..], two[..one.len()]);
}

#[test]
fn a_loss_that_is_not_finite_ends_the_training() {
    let folder = folder();
    fails(folder.path(), &format!("{TRAIN} --epochs 2 --lr 1e300"), &["the loss is", "--lr", "--detect-anomaly"]);
    let first = ["the loss is", " of shape (", "; the operation was called at steps/"];
    fails(folder.path(), &format!("{TRAIN} --epochs 2 --lr 1e300 --detect-anomaly"), &first);
}

/// The only loss is that of the first weights; those after the step draw no finite numbers.
#[test]
fn samples_that_are_not_finite_end_the_training() {
    let folder = folder();
    let one_step = "diffusion_model --epochs 1 --limit 16 --lr 1e30 --ema 0 --data built-in";
    fails(folder.path(), one_step, &["epoch_001.png: not drawn", "expected a finite number", "--lr"]);
    assert!(!folder.path().join("out/step09/diffusion_model/samples/epoch_001.png").exists());
}

/// The loss of the only step is finite; the weights after it are not.
#[test]
fn weights_that_are_not_finite_are_not_saved() {
    let folder = folder();
    let one_step = "diffusion_model --epochs 1 --limit 16 --lr 1e308 --ema 0 --data built-in";
    fails(folder.path(), one_step, &["step 1: a parameter is not finite, so nothing is saved", "--lr"]);
    assert!(!folder.path().join("out/step09/diffusion_model/checkpoint.safetensors").exists());
}

/// Four IDX files of `rows` x `cols` zeros.
fn images(folder: &Path, rows: usize, cols: usize, labels: usize) -> PathBuf {
    for part in ["train", "t10k"] {
        let pixels = vec![0; 20 * rows * cols];
        let path = folder.join(format!("{part}-images-idx3-ubyte.gz"));
        idx::write_images(&path, &Images { count: 20, channels: 1, rows, cols, pixels }).expect("images");
        idx::write_labels(&folder.join(format!("{part}-labels-idx1-ubyte.gz")), &vec![0; labels]).expect("labels");
    }
    folder.to_path_buf()
}

#[test]
fn data_that_cannot_be_used_is_explained() {
    let folder = folder();
    let train = "diffusion_model --epochs 1 --data data";
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("a folder");
    images(&data, 30, 30, 20);
    fails(folder.path(), train, &["30 x 30", "multiples of 4"]);
    images(&data, 28, 28, 19);
    fails(folder.path(), train, &["20", "19"]);
    images(&data, 28, 28, 20);
    let path = data.join("train-images-idx3-ubyte.gz");
    let whole = fs::read(&path).expect("images");
    fs::write(&path, &whole[..whole.len() / 2]).expect("half of them");
    fails(folder.path(), train, &["train-images-idx3-ubyte.gz", "expected"]);
    assert!(!folder.path().join("out/step09/diffusion_model/metrics.csv").exists());
}

#[test]
fn a_damaged_model_is_explained() {
    let folder = folder();
    step09(folder.path(), &format!("{TRAIN} --epochs 1"));
    let path = folder.path().join("out/step09/diffusion_model/model.safetensors");
    let whole = fs::read(&path).expect("a model");
    let sample = "sample --count 1 --model out/step09/diffusion_model/model.safetensors";
    fs::write(&path, &whole[..whole.len() - 1]).expect("cut");
    fails(folder.path(), sample, &["model.safetensors", "expected"]);
    let mut hostile = whole.clone();
    hostile[..8].copy_from_slice(&(4u64 << 30).to_le_bytes());
    fs::write(&path, hostile).expect("a header of 4 GiB");
    fails(folder.path(), sample, &["model.safetensors", "expected"]);
    let checkpoint = "sample --count 1 --model out/step09/diffusion_model/checkpoint.safetensors";
    fails(folder.path(), checkpoint, &["checkpoint.safetensors", "a checkpoint, to resume from"]);
}

#[test]
fn a_header_that_claims_too_large_a_model_is_refused() {
    let folder = folder();
    let header = br#"{"down1.convs.0.weight":{"dtype":"F32","shape":[65536,1,1,0],"data_offsets":[0,0]}}"#;
    let file = [&(header.len() as u64).to_le_bytes()[..], header].concat();
    fs::write(folder.path().join("huge.safetensors"), file).expect("a file");
    fails(folder.path(), "sample --model huge.safetensors", &["huge.safetensors", "no U-Net"]);
    fails(folder.path(), "sample --model huge.safetensors --count 99999999999", &["--count", "100000"]);
    fails(folder.path(), "diffusion_model --width 30000", &["--width 30000", "512"]);
}

#[test]
fn unknown_kernels_are_an_error() {
    let folder = folder();
    let mut nonsense = command(folder.path(), "gaussian_noise");
    let Output { status, stderr, .. } = nonsense.env("KERNELS", "nonsense").output().expect("step09 starts");
    let said = String::from_utf8_lossy(&stderr).into_owned();
    let double = size_of::<tsukuru::Real>() == 8; // then there is nothing to choose
    assert!(double || status.code() == Some(1) && said.starts_with("error: KERNELS=nonsense: expected"), "{said}");
}
