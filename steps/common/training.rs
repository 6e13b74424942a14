//! [`TrainingRun`]: what surrounds the loop of every training. It hands out epochs and batches, writes `metrics.csv`,
//! shows progress, saves checkpoints, stops after Ctrl-C or another signal, and goes on where an earlier run stopped.
//!
//! ```text
//! let mut run = TrainingRun::start(&config, &folder, &dataset, settings, &model, &mut optimizer)?;
//! for epoch in run.epochs() {
//!     for (x, labels) in run.batches(epoch) {
//!         let loss = ..;
//!         optimizer.zero_grad();
//!         loss.backward();
//!         optimizer.step();
//!         run.log(&[("loss", loss.item())])?;
//!     }
//!     run.save(&model, &optimizer)?;
//! }
//! ```
//!
//! All random numbers of a training are counted by its step ([`TrainingRun::rng`]), so a checkpoint needs to hold no
//! generator: a run that goes on from one computes the same bits as an uninterrupted run.

mod checkpoint;
mod config;
mod curves;
mod interrupt;
mod metrics;
mod running_mean;

pub use checkpoint::is_unfinished;
pub use config::{Preset, TrainingConfig, TrainingFlags};
#[cfg(unix)]
pub use interrupt::ignored;

use super::progress::{Progress, duration};
use super::run::RunFolder;
use anyhow::{Result, bail, ensure};
use checkpoint::TrainingState;
use metrics::Metrics;
pub use running_mean::RunningMean;
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use std::time::Instant;
use tsukuru::Real;
use tsukuru::data::Dataset;
use tsukuru::memory;
use tsukuru::nn::{self, Module};
use tsukuru::optim::{Adam, Ema};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// A training in its folder.
pub struct TrainingRun<'a> {
    config: &'a TrainingConfig,
    folder: &'a RunFolder,
    dataset: &'a Dataset,
    /// What a run that goes on must agree in. Checkpoints and models hold it.
    run_settings: Value,
    state: TrainingState,
    ema: Option<Ema>,
    metrics: Metrics,
    /// Of the losses of this run, for the progress.
    loss: RunningMean,
    /// Of the current epoch.
    progress: Option<Progress>,
    start: Instant,
    /// Time spent by earlier runs, in seconds.
    seconds_before: f64,
    /// When this run's first step ended, and how many steps it has taken, until the estimated time is printed.
    timed: Option<(Instant, usize)>,
    /// How samples are drawn, for the files of models; a resumed run may have it otherwise.
    pub sampling: Value,
    /// How long sampling after an epoch takes, in seconds, for the estimated time.
    pub sampling_seconds: f64,
}

impl<'a> TrainingRun<'a> {
    /// Begins a training, or with `--resume` puts `model` and `optimizer` into the state of the folder's
    /// `checkpoint.safetensors`. `settings` is an object: whatever the losses depend on beside `config` and `dataset`.
    /// A resumed run must have the same.
    ///
    /// # Errors
    /// If the batch size is 0, there is too little memory for the model's training, the checkpoint is damaged, belongs to a
    /// run with other settings or has more epochs than are asked for, or `metrics.csv` cannot be written.
    pub fn start(
        config: &'a TrainingConfig,
        folder: &'a RunFolder,
        dataset: &'a Dataset,
        settings: Value,
        model: &dyn Module,
        optimizer: &mut Adam,
    ) -> Result<TrainingRun<'a>> {
        ensure!(config.batch_size > 0, "batch size 0: expected at least 1");
        check_memory(model, config.ema > 0.0)?;
        interrupt::listen();
        let run_settings = config.run_settings(dataset, settings);
        let mut ema = (config.ema > 0.0).then(|| Ema::new(model, config.ema));
        let mut state = TrainingState::default();
        let steps_per_epoch = dataset.len().div_ceil(config.batch_size);
        if folder.is_resumed() {
            let path = folder.file("checkpoint.safetensors")?;
            let saved = checkpoint::read(&path, &run_settings, steps_per_epoch, model, ema.is_some(), optimizer)?;
            let (epochs, done, step) = (config.epochs, saved.state.losses.len(), saved.state.step);
            let least = step.div_ceil(steps_per_epoch);
            let part = if least > done { "and a part of the next " } else { "" };
            ensure!(
                step <= epochs * steps_per_epoch,
                "--epochs {epochs}: {done} epochs {part}are done already; expected at least {least}"
            );
            state = saved.load(model, ema.as_mut(), optimizer)?;
        }
        match folder.is_resumed() {
            true => interrupt::saved(interrupted(config, state.step)),
            false => interrupt::begin_step(), // so that it can be resumed, too
        };
        let metrics = Metrics::open(&folder.file("metrics.csv")?, &mut state, steps_per_epoch)?;
        Ok(TrainingRun {
            config,
            folder,
            dataset,
            run_settings,
            seconds_before: state.seconds,
            state,
            ema,
            metrics,
            loss: RunningMean::default(),
            progress: None,
            start: Instant::now(),
            timed: Some((Instant::now(), 0)),
            sampling: Value::Null,
            sampling_seconds: 0.0,
        })
    }

    /// The epochs that are left, counted from 1. If the last run stopped between two epochs, the finished one comes
    /// first, without batches, so that what follows the batches is done again: it may have been interrupted.
    pub fn epochs(&self) -> RangeInclusive<usize> {
        let first = self.state.step.div_ceil(self.steps_per_epoch()).max(1);
        first..=self.config.epochs
    }

    /// The batches of the epoch that are left, in random order: images x (B, C, H, W) from 0 to 1 and labels (B).
    /// After a signal there are no more.
    pub fn batches(&mut self, epoch: usize) -> impl Iterator<Item = (Tensor, Vec<usize>)> + use<'a> {
        let TrainingConfig { batch_size, seed, epochs, quiet, .. } = *self.config;
        self.timed = self.timed.map(|_| (Instant::now(), 0)); // without what came between two epochs
        let done = self.state.step - (epoch - 1) * self.steps_per_epoch();
        self.progress = Some(Progress::new(&format!("epoch {epoch}/{epochs}"), self.steps_per_epoch(), done, quiet));
        let batches = self.dataset.batches(batch_size, Some((seed, epoch as u64))).expect("a batch size above 0");
        batches.skip(done).take_while(|_| interrupt::begin_step())
    }

    /// How many steps are done, of earlier runs as well.
    pub fn step(&self) -> u64 {
        self.state.step as u64
    }

    /// The random numbers of this step for one purpose.
    pub fn rng(&self, purpose: &str) -> Rng {
        Rng::new(self.config.seed, purpose, self.step())
    }

    /// The learning rate of this step.
    pub fn lr(&self) -> f64 {
        let TrainingConfig { lr, lr_decay, epochs, .. } = *self.config;
        let done = self.state.step as f64 / (epochs * self.steps_per_epoch()) as f64;
        if lr_decay { lr * (1.0 - done) } else { lr }
    }

    /// Lets the moving average of the weights follow the step that the optimizer has just taken. Does nothing if the
    /// configuration asks for no average.
    pub fn update_ema(&mut self, model: &dyn Module) {
        if let Some(ema) = &mut self.ema {
            ema.update(model, self.state.step + 1);
        }
    }

    /// Runs `work` while `model` has its averaged weights, if there is an average.
    pub fn with_ema<T>(&mut self, model: &dyn Module, work: impl FnOnce() -> T) -> T {
        let mut swap = || self.ema.iter_mut().for_each(|ema| ema.swap(model));
        swap();
        let result = work();
        swap();
        result
    }

    /// Ends a step: a row of `metrics.csv` with these values, of which the first is the loss.
    ///
    /// # Errors
    /// If the loss is not finite, or the row cannot be written.
    pub fn log(&mut self, values: &[(&str, Real)]) -> Result<()> {
        let epoch = self.state.losses.len() + 1;
        self.state.step += 1;
        let (step, loss) = (self.state.step, f64::from(values[0].1));
        ensure!(
            loss.is_finite(),
            "epoch {epoch}, step {step}: the loss is {loss}; try a smaller --lr, or look for the cause with --detect-anomaly \
             (the last checkpoint is untouched)"
        );
        self.state.sum += loss;
        let mean = self.loss.push(loss);
        self.state.seconds = self.seconds_before + self.start.elapsed().as_secs_f64();
        self.metrics.write(&mut self.state, epoch, values)?;
        if let Some(progress) = &mut self.progress {
            progress.step(|| mean.to_string());
        }
        self.print_estimated_time();
        Ok(())
    }

    /// Ends an epoch, or what an interrupt has left of it: writes `checkpoint.safetensors`, and of a finished epoch
    /// `model.safetensors`, with the averaged weights if there is an average.
    ///
    /// # Errors
    /// If a parameter is not finite, which the next loss would show only when the last good checkpoint is gone; if a file
    /// cannot be written; or if a signal has come.
    pub fn save(&mut self, model: &dyn Module, optimizer: &Adam) -> Result<()> {
        self.progress.take().into_iter().for_each(Progress::finish);
        let finite = model.parameters().iter().all(|x| x.value().data().iter().all(|x| x.is_finite()));
        ensure!(finite, "step {}: a parameter is not finite, so nothing is saved; try a smaller --lr", self.state.step);
        let finished = self.state.losses.len() + 1;
        if self.state.step == finished * self.steps_per_epoch() {
            let mean = std::mem::take(&mut self.state.sum) / self.steps_per_epoch() as f64;
            self.state.losses.push(mean);
            println!("epoch {finished}: loss {mean:.5}, {}", duration(self.state.seconds));
        }
        self.metrics.flush()?;
        let path = self.folder.file("checkpoint.safetensors")?;
        let plan = self.config.plan();
        checkpoint::save(&path, &self.run_settings, &plan, &self.state, model, self.ema.as_mut(), optimizer)?;
        let message = interrupted(self.config, self.state.step);
        ensure!(interrupt::saved(message.clone()), message);
        self.save_model(model, "model.safetensors")
    }

    /// Writes the weights, or their average if there is one, with the settings of the run, as the file `name`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save_model(&mut self, model: &dyn Module, name: &str) -> Result<()> {
        let path = self.folder.file(name)?;
        let mut weights = self.with_ema(model, || nn::state_dict(model));
        weights.meta = self.run_settings.clone();
        weights.meta["sampling"] = self.sampling.clone();
        weights.meta["images"] = json!(self.dataset.len());
        weights.meta["classes"] = json!(self.dataset.classes());
        Ok(tsukuru::checkpoint::write(&path, &weights)?)
    }

    /// Writes `loss.svg`: these columns of `metrics.csv` over the epochs, four at most. Without any step in the file
    /// there is nothing to draw, and no figure.
    ///
    /// # Errors
    /// If a file cannot be read or written, or there is no such column.
    pub fn save_curves(&self, y_label: &str, columns: &[&str]) -> Result<()> {
        let mut curves = vec![];
        for &name in columns {
            curves.push((name, self.metrics.curve(name, self.steps_per_epoch())?));
        }
        if curves.iter().any(|(_, points)| points.is_empty()) {
            return Ok(());
        }
        let path = self.folder.file("loss.svg")?;
        curves::save(&path, y_label, &curves)?;
        println!("{}", path.display());
        Ok(())
    }

    fn steps_per_epoch(&self) -> usize {
        self.dataset.len().div_ceil(self.config.batch_size)
    }

    /// Prints how long the rest of the training will take, once a second of it has passed.
    fn print_estimated_time(&mut self) {
        let Some((start, steps)) = &mut self.timed else { return };
        let (seconds, since) = (start.elapsed().as_secs_f64(), *steps);
        *steps += 1;
        if since == 0 {
            *start = Instant::now(); // the first step is slower than the others
        } else if since >= 2 && seconds >= 1.0 {
            let per_step = seconds / since as f64;
            let left = self.config.epochs * self.steps_per_epoch() - self.state.step;
            let epochs = self.config.epochs - self.state.losses.len();
            let total = duration(left as f64 * per_step + epochs as f64 * self.sampling_seconds);
            let line = format!("estimated time: {total} ({left} steps of {:.1} ms)", per_step * 1e3);
            self.progress.iter().for_each(|progress| progress.print(&line));
            self.timed = None;
        }
    }
}

/// What to say if the program ends where everything is saved.
fn interrupted(config: &TrainingConfig, step: usize) -> String {
    format!("interrupted after step {step}; to resume:\n{}", config.plan().resume)
}

/// Beside the weights and Adam's two means, which are there already, a training holds a gradient and perhaps an average of
/// each weight, and all of them once more while it writes a checkpoint. The memory of a step comes on top.
fn check_memory(model: &dyn Module, ema: bool) -> Result<()> {
    let (count, ema) = (model.parameter_count(), usize::from(ema));
    let needed = count * size_of::<Real>() * (1 + ema + 3 + ema);
    let Some(available) = memory::available().filter(|&available| available < needed) else { return Ok(()) };
    let [needed, available] = [needed, available].map(|bytes| bytes >> 20);
    bail!(
        "a training of {count} parameters takes {needed} MB more than it has, {available} MB are available: \
         expected a smaller model"
    )
}

impl Drop for TrainingRun<'_> {
    fn drop(&mut self) {
        interrupt::end();
    }
}
