//! From the flags of a training to its configuration.

use super::checkpoint::{self, Plan};
use crate::common::cli::{Common, MnistArgs};
use crate::common::command_line::{CommandLine, quoted};
use crate::common::data::Source;
use crate::common::run::{RunFolder, free_path};
use anyhow::{Result, ensure};
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use tsukuru::data::Dataset;

/// Flags of every program that trains. What is not given comes from the program's [`Preset`].
#[derive(Args, Clone, Debug, Default)]
pub struct TrainingFlags {
    /// Number of epochs
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Batch size
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Learning rate
    #[arg(long, allow_negative_numbers = true)]
    pub lr: Option<f64>,
    /// Train on the first N images only
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// A preset that is done within a few minutes on two cores
    #[arg(long)]
    pub quick: bool,
    /// Resume from the last checkpoint; if all epochs are done, draw the results again
    #[arg(long)]
    pub resume: bool,
}

/// What a program trains with if no flag says otherwise. There are two of each, the full and the quick one.
#[derive(Clone, Copy)]
pub struct Preset {
    pub epochs: usize,
    pub batch_size: usize,
    pub lr: f64,
    /// Whether the learning rate decays linearly, to 0 at the end of the last epoch.
    pub lr_decay: bool,
    /// Decay of the moving average of the weights, from 0 (no average) to below 1.
    pub ema: f64,
    /// Images to train on, at most.
    pub images: usize,
    /// Channels of the model at full resolution, or width of its hidden layers; 0 if it has one size only.
    pub width: usize,
}

/// What a training runs with: flags and preset, combined.
pub struct TrainingConfig {
    pub epochs: usize,
    pub batch_size: usize,
    pub lr: f64,
    pub lr_decay: bool,
    pub ema: f64,
    pub images: usize,
    pub width: usize,
    /// Where the images come from.
    pub source: Source,
    pub seed: u64,
    pub quick: bool,
    pub quiet: bool,
    /// Whether to go on from a checkpoint, which must be there; or only if there is one.
    resume: bool,
    resume_if_there: bool,
    /// What started the program.
    command: CommandLine,
    out: PathBuf,
}

impl TrainingFlags {
    /// The quick preset, and nothing else.
    pub fn quick() -> TrainingFlags {
        TrainingFlags { quick: true, ..TrainingFlags::default() }
    }

    /// The values of the flags, and of the preset where a flag is not given, within the limits.
    ///
    /// # Errors
    /// If a flag has a value that no training can use, or the images cannot be found.
    pub fn resolve(&self, common: &Common, mnist: &MnistArgs, full: Preset, quick: Preset) -> Result<TrainingConfig> {
        ensure!(self.epochs != Some(0), "--epochs 0: expected at least 1");
        ensure!(self.batch_size != Some(0), "--batch-size 0: expected at least 1");
        ensure!(self.limit != Some(0), "--limit 0: expected at least 1");
        if let Some(lr) = self.lr {
            ensure!(lr > 0.0 && lr.is_finite(), "--lr {lr}: expected a positive number");
        }
        let preset = if self.quick { quick } else { full };
        let limits = &common.limits;
        Ok(TrainingConfig {
            epochs: self.epochs.unwrap_or(preset.epochs).min(limits.epochs),
            batch_size: self.batch_size.unwrap_or(preset.batch_size).min(limits.batch_size),
            lr: self.lr.unwrap_or(preset.lr),
            lr_decay: preset.lr_decay,
            ema: preset.ema,
            images: self.limit.unwrap_or(preset.images),
            width: preset.width.min(limits.width),
            source: mnist.source()?,
            seed: common.seed,
            quick: self.quick,
            quiet: common.quiet,
            resume: self.resume,
            resume_if_there: common.resume,
            command: common.command.clone(),
            out: common.out.clone(),
        })
    }
}

impl TrainingConfig {
    /// The folder of a program's results; the quick preset has its own. Says how to go on with an unfinished run that is
    /// moved away.
    ///
    /// # Errors
    /// As [`RunFolder::open`].
    pub fn folder(&self, step: &str, program: &str) -> Result<RunFolder> {
        let name = if self.quick { format!("{program}_quick") } else { program.to_string() };
        let checkpoint = self.out.join(step).join(&name).join("checkpoint.safetensors");
        let unfinished = checkpoint::unfinished(&checkpoint);
        let resume = self.resume || self.resume_if_there && checkpoint.exists();
        let folder = RunFolder::open(&self.out, step, &name, resume)?;
        if let (Some(moved), Some((done, Plan { epochs, resume }))) = (folder.moved(), unfinished) {
            let path = folder.path();
            let [here, free, moved] = [path, &free_path(path), moved].map(|path| quoted(&path.to_string_lossy()));
            println!("It has done {done} of {epochs} epochs. To go on with it instead, stop this run, and enter:");
            println!("mv {here} {free} && mv {moved} {here} && {resume}");
        }
        Ok(folder)
    }

    /// What a checkpoint says about the run that it is of.
    pub(super) fn plan(&self) -> Plan {
        Plan { epochs: self.epochs, resume: format!("{} --resume", self.command) }
    }

    /// What a resumed run must agree in, and what the file of a model says about its training. `settings` is an object.
    pub(super) fn run_settings(&self, dataset: &Dataset, mut settings: Value) -> Value {
        settings["lr"] = json!(self.lr);
        settings["checksum"] = json!(dataset.checksum());
        settings["lr_decay_epochs"] = json!(self.lr_decay.then_some(self.epochs)); // in so many epochs
        let (batch_size, seed, ema, data) = (self.batch_size, self.seed, self.ema, self.source.name());
        json!({ "batch_size": batch_size, "seed": seed, "ema": ema, "data": data, "settings": settings })
    }
}
