//! Trainings that are killed, told to stop, or find no place to write: what was saved is never lost, and a resumed run
//! leaves the same bytes as an unbroken one.
#![cfg(unix)]

mod kills;
mod log;
#[path = "../program/mod.rs"]
mod program;
mod signals;
mod trouble;

use program::{command, fails, folder, plain_loops, succeeds};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use tsukuru::checkpoint;

/// A training of the course in its smoke form: two epochs of a few steps.
struct Training {
    binary: &'static str,
    /// The program and its flags.
    args: &'static str,
    /// Where it goes, below `--out`.
    run: &'static str,
}

const CLASSIFIER: Training =
    Training { binary: env!("CARGO_BIN_EXE_step06"), args: "classifier --batch-size 8", run: "step06/classifier" };
const VAE: Training = Training { binary: env!("CARGO_BIN_EXE_step07"), args: "vae --batch-size 4", run: "step07/vae" };
/// The same in 64 steps an epoch.
const LONG: Training = Training { binary: env!("CARGO_BIN_EXE_step07"), args: "vae --batch-size 1", run: "step07/vae" };
const HVAE: Training =
    Training { binary: env!("CARGO_BIN_EXE_step08"), args: "hvae --batch-size 4", run: "step08/hvae" };
const DIFFUSION: Training = Training {
    binary: env!("CARGO_BIN_EXE_step09"),
    args: "diffusion_model --batch-size 4 --autoguidance 2",
    run: "step09/diffusion_model",
};
const CONDITIONAL: Training =
    Training { binary: env!("CARGO_BIN_EXE_step10"), args: "conditional --batch-size 4", run: "step10/conditional" };
const CLASSIFIER_FREE: Training = Training {
    binary: env!("CARGO_BIN_EXE_step10"),
    args: "classifier_free_guidance --batch-size 4",
    run: "step10/classifier_free_guidance",
};
/// It guides the model of [`DIFFUSION`] in the folder `unbroken`.
const CLASSIFIER_GUIDANCE: Training = Training {
    binary: env!("CARGO_BIN_EXE_step10"),
    args: "classifier_guidance --batch-size 4 --model unbroken/step09/diffusion_model/model.safetensors",
    run: "step10/classifier_guidance",
};
const FLOW: Training =
    Training { binary: env!("CARGO_BIN_EXE_step11"), args: "flow --batch-size 4", run: "step11/flow" };
const TRANSFORMER: Training =
    Training { binary: env!("CARGO_BIN_EXE_step11"), args: "transformer --batch-size 4", run: "step11/transformer" };
/// It is judged by the network of [`CLASSIFIER`] in the folder `unbroken`.
const OBJECTIVES: Training = Training {
    binary: env!("CARGO_BIN_EXE_step11"),
    args: "objectives --batch-size 4 --classifier unbroken/step06/classifier/model.safetensors",
    run: "step11/objectives",
};
const HIERARCHY: Training =
    Training { binary: env!("CARGO_BIN_EXE_step12"), args: "vae --levels 2 --batch-size 4", run: "step12/vae_levels2" };
const UNET: Training =
    Training { binary: env!("CARGO_BIN_EXE_step12"), args: "unet --batch-size 4", run: "step12/flow" };
const TRAININGS: [Training; 12] = [
    CLASSIFIER,
    VAE,
    HVAE,
    DIFFUSION,
    CONDITIONAL,
    CLASSIFIER_FREE,
    CLASSIFIER_GUIDANCE,
    FLOW,
    TRANSFORMER,
    OBJECTIVES,
    HIERARCHY,
    UNET,
];

/// What a run keeps does not depend on the kernels: where they are slow, three trainings stand for all.
fn trainings() -> &'static [Training] {
    if plain_loops() { &TRAININGS[..3] } else { &TRAININGS }
}

impl Training {
    fn args(&self, out: &str, flags: &str) -> String {
        format!("{} --data built-in --quiet --out {out} {flags}", self.args)
    }

    fn command(&self, folder: &Path, out: &str, flags: &str) -> Command {
        command(self.binary, folder, &self.args(out, flags))
    }

    fn succeeds(&self, folder: &Path, out: &str, flags: &str) -> String {
        succeeds(self.binary, folder, &self.args(out, flags))
    }

    fn fails(&self, folder: &Path, out: &str, flags: &str, expected: &[&str]) {
        fails(self.binary, folder, &self.args(out, flags), expected);
    }

    /// Starts it, and waits until it has begun.
    fn started(&self, folder: &Path, out: &str) -> Child {
        let mut command = self.command(folder, out, "");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        wait_for(&self.run(folder, out).join("metrics.csv"), &mut child);
        child
    }

    fn run(&self, folder: &Path, out: &str) -> PathBuf {
        folder.join(out).join(self.run)
    }
}

/// Waits until a running program has made a file.
fn wait_for(file: &Path, child: &mut Child) {
    while !file.exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended without {}", file.display());
        sleep(Duration::from_millis(1));
    }
}

/// The paths of all files in a folder and the folders in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The files that were being written when a run was killed.
fn parts(folder: &Path) -> Vec<PathBuf> {
    files(folder).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "part")).collect()
}

/// All that a run leaves, by name, without the times in its log, and those and the command line in its checkpoint.
fn results(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let bytes = |path: &Path| match path.file_name().and_then(|name| name.to_str()) {
        Some("metrics.csv") => {
            let log = fs::read_to_string(path).expect("the log");
            let rows = log.lines().map(|row| row.rsplit_once(',').expect("columns").0);
            rows.collect::<Vec<&str>>().join("\n").into_bytes()
        }
        Some("checkpoint.safetensors") => {
            let mut checkpoint = checkpoint::read(path).expect("a checkpoint");
            checkpoint.meta["state"]["seconds"] = 0.into();
            checkpoint.meta["plan"] = 0.into();
            let timeless = tempfile::NamedTempFile::new().expect("a file");
            checkpoint::write(timeless.path(), &checkpoint).expect("a checkpoint");
            fs::read(timeless.path()).expect("a checkpoint")
        }
        _ => fs::read(path).expect("a file"),
    };
    files(run).into_iter().map(|path| (path.strip_prefix(run).expect("below").into(), bytes(&path))).collect()
}

/// Fails with the names of files that are not the same, or not in both.
fn assert_same(found: &BTreeMap<PathBuf, Vec<u8>>, expected: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    let names = found.keys().chain(expected.keys());
    let differing: Vec<&PathBuf> = names.filter(|&name| found.get(name) != expected.get(name)).collect();
    assert!(differing.is_empty(), "{what}: {differing:?}");
    assert!(found.len() > 3, "{what}: {:?}", found.keys());
}

#[test]
fn fewer_epochs_than_are_done_are_refused() {
    let folder = folder();
    for training in trainings() {
        training.succeeds(folder.path(), "unbroken", "");
        let before = results(&training.run(folder.path(), "unbroken"));
        let expected = "--epochs 1: 2 epochs are done already; expected at least 2";
        let falling =
            [CLASSIFIER, CLASSIFIER_GUIDANCE, TRANSFORMER, OBJECTIVES, HIERARCHY].map(|training| training.run);
        let falls = falling.contains(&training.run); // their learning rate
        let expected = if falls { "lr_decay_epochs: 2 in the checkpoint, 1 now" } else { expected };
        training.fails(folder.path(), "unbroken", "--resume --epochs 1", &[expected]);
        assert_same(&results(&training.run(folder.path(), "unbroken")), &before, training.args);
    }
}
