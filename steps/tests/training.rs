//! A training by itself, with a model of a few numbers.
#![cfg(unix)]

use clap::Parser;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use steps::common::cli::{Common, Limits, MnistArgs};
use steps::common::training::{Preset, TrainingFlags, TrainingRun};
use tsukuru::checkpoint::{self, Data};
use tsukuru::data::{Dataset, idx::Images};
use tsukuru::nn::{Linear, Module};
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

const EPOCHS: usize = 3;
const IMAGES: usize = 10;
const BATCH: usize = 4;
const STEPS: usize = EPOCHS * IMAGES.div_ceil(BATCH);

/// What a training went through: (step, labels) of each batch, and the epochs that it finished.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    batches: Vec<(u64, Vec<usize>)>,
    epochs: Vec<usize>,
}

impl Seen {
    /// The labels of epoch i in the order in which they came.
    fn order(&self, i: usize) -> Vec<usize> {
        let per_epoch = STEPS / EPOCHS;
        self.batches[i * per_epoch..][..per_epoch].iter().flat_map(|(_, labels)| labels.clone()).collect()
    }
}

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    mnist: MnistArgs,
    #[command(flatten)]
    training: TrainingFlags,
}

/// Trains under `out`; `each` is called at every step. The error is what the program would print.
fn train(out: &Path, seed: u64, resume: bool, seen: &mut Seen, each: impl Fn(u64)) -> Result<(), String> {
    let flags = format!("training --quiet --data built-in --seed {seed} {}", if resume { "--resume" } else { "" });
    let out = ["--out", out.to_str().unwrap()];
    let Cli { common, mnist, training } = Cli::parse_from(flags.split_whitespace().chain(out));
    let preset =
        Preset { epochs: EPOCHS, batch_size: BATCH, lr: 0.1, lr_decay: true, ema: 0.9, images: IMAGES, width: 0 };
    let config = training.resolve(&Common { limits: Limits::NONE, ..common }, &mnist, preset, preset).unwrap();

    let pixels = (0..IMAGES * 4).map(|i| (i * 37) as u8).collect();
    let images = Images { count: IMAGES, channels: 1, rows: 2, cols: 2, pixels };
    let dataset = Dataset::new(images, (0..IMAGES as u8).collect()).unwrap();
    let model = Linear::new(4, 1, &mut Rng::new(seed, "init", 0));
    let mut optimizer = Adam::new(model.parameters(), config.lr);
    let folder = config.folder("step", "program").unwrap();
    let mut run = TrainingRun::start(&config, &folder, &dataset, json!({}), &model, &mut optimizer).unwrap();
    let mut train_loop = || {
        for epoch in run.epochs() {
            for (x, labels) in run.batches(epoch) {
                let target: Vec<_> = labels.iter().map(|&label| label as tsukuru::Real).collect();
                let y = model.forward(&x.reshape([labels.len(), 4]).into());
                let loss = y.mse_loss(&Tensor::new([labels.len(), 1], &target).into(), Reduction::Mean);
                seen.batches.push((run.step(), labels));
                each(run.step());
                optimizer.zero_grad();
                loss.backward();
                optimizer.lr = run.lr();
                optimizer.step();
                run.update_ema(&model);
                run.log(&[("loss", loss.item())])?;
            }
            run.save(&model, &optimizer)?;
            seen.epochs.push(epoch);
        }
        Ok(())
    };
    train_loop().map_err(|error: anyhow::Error| error.to_string())
}

/// All that a run leaves but the times.
#[derive(PartialEq)]
struct Results {
    model: Vec<u8>,
    log: Vec<String>,
    losses: String,
    tensors: Vec<(String, Data)>,
}

fn results(out: &Path) -> Results {
    let file = |name: &str| out.join("step/program").join(name);
    let log = fs::read_to_string(file("metrics.csv")).unwrap();
    let log = log.lines().map(|row| row.rsplit_once(',').unwrap().0.to_string()).collect();
    let checkpoint = checkpoint::read(&file("checkpoint.safetensors")).unwrap();
    let tensors = checkpoint.iter().map(|(name, data)| (name.to_string(), data.clone())).collect();
    let losses = checkpoint.meta["state"]["losses"].to_string();
    Results { model: fs::read(file("model.safetensors")).unwrap(), log, losses, tensors }
}

/// One test, because an interrupt is for the whole process.
#[test]
fn a_run_interrupted_after_every_step_is_the_uninterrupted_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    let (mut unbroken, mut again, mut other, mut broken) = Default::default();
    train(&out("unbroken"), 0, false, &mut unbroken, |_| ()).unwrap();
    assert_eq!(unbroken.epochs, [1, 2, 3]);
    assert!(unbroken.batches.iter().map(|(step, _)| *step).eq(0..STEPS as u64));

    // The order differs by epoch and seed, and follows from them.
    train(&out("again"), 0, false, &mut again, |_| ()).unwrap();
    train(&out("other"), 1, false, &mut other, |_| ()).unwrap();
    assert_eq!(again, unbroken);
    let orders = [unbroken.order(0), unbroken.order(1), unbroken.order(2), other.order(0)];
    assert!((0..4).all(|i| (0..i).all(|j| orders[i] != orders[j])), "{orders:?}");

    let interrupt = |_| {
        let id = std::process::id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(200)); // until the handler has run
    };
    for step in 1..=STEPS {
        let error = train(&out("broken"), 0, step > 1, &mut broken, interrupt).unwrap_err();
        assert!(error.starts_with(&format!("interrupted after step {step};")), "{error}");
    }
    train(&out("broken"), 0, true, &mut broken, interrupt).unwrap();
    assert_eq!(broken, unbroken);
    assert!(results(&out("broken")) == results(&out("unbroken")));
}
