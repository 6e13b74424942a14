//! The programs of step 11 that generate images, as they are run, in seconds.

mod program;

use program::{are_there, folder, losses, model};
use std::path::Path;

const STEP11: &str = env!("CARGO_BIN_EXE_step11");

fn step11(folder: &Path, args: &str) -> String {
    program::succeeds(STEP11, folder, &format!("{args} --data built-in"))
}

fn fails(folder: &Path, args: &str, expected: &[&str]) {
    program::fails(STEP11, folder, &format!("{args} --data built-in"), expected);
}

/// Also on another number of threads.
#[test]
fn a_resumed_training_is_the_unbroken_one() {
    let folder = folder();
    let run = |out: &str| folder.path().join(out).join("step11/flow");
    let train = |out: &str, more: &str| step11(folder.path(), &format!("flow --batch-size 8 --out {out} {more}"));
    train("unbroken", "--epochs 2 --threads 2");
    train("broken", "--epochs 1 --threads 1");
    train("broken", "--epochs 2 --threads 1 --resume");
    assert_eq!(losses(&run("broken")), losses(&run("unbroken")));
    assert!(model(&run("broken")) == model(&run("unbroken")));
    let files = ["loss.svg", "model.safetensors", "samples/epoch_002.png", "flow.gif", "evaluations.png"];
    are_there(&run("broken"), &files);
}

/// Where there is no classifier, one is trained first.
#[test]
fn objectives_are_compared_by_a_classifier() {
    let folder = folder();
    let said = step11(folder.path(), "objectives");
    let rows = |name: &str| said.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!(["noise linear, dpm-solver", "v min snr, ddim", "velocity, heun"].map(rows), [2; 3], "{said}");
    are_there(&folder.path().join("out/step11/objectives"), &["objectives.svg", "digits.png", "model.safetensors"]);
    assert!(!step11(folder.path(), "objectives --resume").contains("convnet"), "it is there by now");
}

#[test]
fn trained_networks_generate_what_is_asked_for() {
    let folder = folder();
    for (program, run, samplers) in [
        ("flow", "flow", ["euler", "midpoint", "heun"]),
        ("transformer --objective noise", "transformer_noise", ["ddim", "dpm-solver", "ddim"]),
    ] {
        step11(folder.path(), &format!("{program} --epochs 1"));
        let of_model = format!("--model out/step11/{run}/model.safetensors");
        for sampler in samplers {
            let out = format!("--out {run}_{sampler}");
            step11(folder.path(), &format!("sample {of_model} --labels 1984 --count 2 --sampler {sampler} {out}"));
            are_there(&folder.path().join(format!("{run}_{sampler}/step11/sample")), &["samples.png"]);
        }
    }
    let noise = "sample --model out/step11/transformer_noise/model.safetensors";
    fails(folder.path(), &format!("{noise} --sampler heun"), &["--sampler", "expected ddim or dpm-solver"]);
    program::succeeds(env!("CARGO_BIN_EXE_step10"), folder.path(), "conditional --epochs 1 --data built-in");
    let of_step10 = "out/step10/conditional/model.safetensors";
    fails(
        folder.path(),
        &format!("sample --model {of_step10}"),
        &[of_step10, "expected a model.safetensors of step11"],
    );
    let flow = "out/step11/flow/model.safetensors";
    let step10 = format!("sample --model {flow} --data built-in");
    let expected = [flow, "expected a network that predicts noise, found one of velocity"];
    program::fails(env!("CARGO_BIN_EXE_step10"), folder.path(), &step10, &expected);
}

#[test]
fn what_cannot_be_used_is_explained() {
    let folder = folder();
    fails(folder.path(), "flow --sampler ddim", &["--sampler", "expected euler, midpoint or heun"]);
    fails(folder.path(), "flow --sampler heun --evaluations 7", &["--evaluations 7", "a multiple of 2"]);
    fails(folder.path(), "flow --evaluations 0", &["--evaluations 0", "expected a multiple of 2"]);
    fails(folder.path(), "flow --gamma 1000", &["--gamma 1000", "-100 to 100"]);
    fails(folder.path(), "flow --width 0", &["--width 0", "expected 1 to"]);
    fails(folder.path(), "objectives --width 0", &["--width 0", "expected 1 to"]);
    fails(folder.path(), "transformer --objective v", &["--objective v", "expected velocity or noise"]);
    fails(folder.path(), "transformer --patch 5", &["--patch 5", "a number that divides 28 and 28"]);
    fails(folder.path(), "transformer --heads 3", &["--heads 3", "a number that divides"]);
    fails(folder.path(), "transformer --dim 6", &["--dim 6", "a multiple of 4"]);
    fails(folder.path(), "transformer --depth 0", &["--depth 0", "expected 1 to"]);
    fails(folder.path(), "sample --model nothing.safetensors", &["nothing.safetensors"]);
    fails(folder.path(), "objectives --batch-size 0", &["--batch-size 0", "at least 1"]);
    assert!(!folder.path().join("out/step11").join("flow").exists());
}
