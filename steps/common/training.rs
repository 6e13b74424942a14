//! The loop that every training shares: epochs and batches, a log of losses, checkpoints, Ctrl-C, and going on later.
//!
//! All random numbers of a training are counted by its step ([`tsukuru::random::Rng`]), so a checkpoint needs to hold no
//! generator: a run that goes on from one computes the very numbers of an unbroken run.

mod checkpoints;

use super::progress::Progress;
use super::run::RunFolder;
use anyhow::{Context, Result, bail, ensure};
use checkpoints::Position;
use serde_json::Value;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tsukuru::Real;
use tsukuru::checkpoint;
use tsukuru::data::Dataset;
use tsukuru::files::write_whole;
use tsukuru::nn::{self, Module};
use tsukuru::optim::{Adam, Ema, Optimizer};
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// What is trained, how long, and where the results go.
pub struct Training<'a> {
    pub run: &'a RunFolder,
    pub epochs: usize,
    pub batch_size: usize,
    pub seed: u64,
    /// The learning rate, given the share of the training that is done (0 to 1).
    pub lr: &'a dyn Fn(f64) -> f64,
    /// Decay of the moving average of the weights, from 0 (no averages) to below 1. It changes no loss.
    pub ema: f64,
    /// What kind of images it learns from ([`Source::kind`](super::data::Source::kind)).
    pub data: &'static str,
    /// Whatever else the losses depend on. A resumed run must have the same.
    pub settings: Value,
    pub resume: bool,
    pub quiet: bool,
}

/// What a model makes small. A plain [`Variable`] is a loss; another kind may have parts, for the log.
pub trait Loss {
    /// What the parts are called.
    const PARTS: &'static [&'static str] = &[];

    fn total(&self) -> &Variable;

    /// As many as there are names.
    fn parts(&self) -> Vec<Real> {
        vec![]
    }
}

impl Loss for Variable {
    fn total(&self) -> &Variable {
        self
    }
}

impl Training<'_> {
    /// Trains `model` and returns the mean loss of each epoch; the model then has its averaged weights, which are also
    /// those that `model.safetensors` holds and `after_epoch` sees. `loss` gets a batch (x (B, 1, H, W), labels) and the
    /// number of the step, from 0; `after_epoch` gets the number of the epoch, from 1. It writes what belongs to an
    /// epoch, and may be asked to do so again: a run that ended meanwhile makes it good when it goes on.
    ///
    /// # Errors
    /// If a file cannot be written, a loss is not finite, or Ctrl-C was pressed; what was reached is saved.
    pub fn run<L: Loss>(
        &self,
        dataset: &Dataset,
        model: &dyn Module,
        optimizer: &mut Adam,
        mut loss: impl FnMut(Tensor, Vec<usize>, u64) -> L,
        mut after_epoch: impl FnMut(usize) -> Result<()>,
    ) -> Result<Vec<f64>> {
        let interrupted = listen_for_interrupt();
        let checkpoint = self.run.file("checkpoint.safetensors")?;
        let steps_per_epoch = dataset.len().div_ceil(self.batch_size);
        let mut average = (self.ema > 0.0).then(|| Ema::new(model, self.ema));
        let mut at = match self.resume {
            true => self.load(&checkpoint, model, average.as_mut(), optimizer, steps_per_epoch)?,
            false => Position::default(),
        };
        let mut metrics = self.open_metrics(at.step, L::PARTS)?;
        let unwritten = || format!("{}: cannot be written", self.run.path().join("metrics.csv").display());
        let before = at.seconds;
        let start = Instant::now();

        loop {
            let (finished, epoch) = (at.losses.len(), at.losses.len() + 1);
            if let Some(average) = &mut average {
                average.swap(model);
            }
            // Here, not below, where the epoch ends: whatever stops a run in between, a resumed one comes by again.
            if at.step > 0 && at.step == finished * steps_per_epoch {
                let mut state = nn::state_dict(model);
                state.meta = self.identity();
                checkpoint::write(&self.run.file("model.safetensors")?, &state)?;
                after_epoch(finished)?;
            }
            if finished >= self.epochs {
                return Ok(at.losses);
            }
            if let Some(average) = &mut average {
                average.swap(model);
            }
            let done = at.step - finished * steps_per_epoch;
            let mut progress =
                Progress::new(&format!("epoch {epoch}/{}", self.epochs), steps_per_epoch, done, self.quiet);
            for (x, labels) in dataset.batches(self.batch_size, Some((self.seed, epoch as u64)))?.skip(done) {
                let loss = loss(x, labels, at.step as u64);
                let value = f64::from(loss.total().item());
                ensure!(
                    value.is_finite(),
                    "epoch {epoch}, step {}: the loss is {value}; try a smaller --lr (the last checkpoint is untouched)",
                    at.step + 1
                );
                optimizer.zero_grad();
                loss.total().backward();
                optimizer.lr = (self.lr)(at.step as f64 / (self.epochs * steps_per_epoch) as f64);
                optimizer.step();
                at.step += 1;
                if let Some(average) = &mut average {
                    average.update(model, at.step);
                }
                at.sum += value;
                at.seconds = before + start.elapsed().as_secs_f64();
                let parts: String = loss.parts().iter().map(|part| format!(",{part}")).collect();
                writeln!(metrics, "{epoch},{},{value}{parts},{:.3}", at.step, at.seconds).with_context(unwritten)?;
                progress.step(|| format!("loss {value:.4}"));
                if interrupted.load(Ordering::Relaxed) {
                    break;
                }
            }
            progress.finish();
            if at.step == epoch * steps_per_epoch {
                let mean = std::mem::take(&mut at.sum) / steps_per_epoch as f64;
                at.losses.push(mean);
                println!("epoch {epoch}: loss {mean:.5}, {}", super::progress::duration(at.seconds));
            }
            metrics.flush().with_context(unwritten)?;
            self.save(&checkpoint, model, average.as_mut(), optimizer, &at)?;
            if interrupted.load(Ordering::Relaxed) {
                bail!("interrupted after step {}; the same command with --resume goes on from there", at.step);
            }
        }
    }

    /// Times a few steps of a `model` that is thrown away, and says how long the training will take. `loss` is as in
    /// [`Training::run`]; `after_epoch` is the time that the work after an epoch takes, in seconds.
    ///
    /// # Errors
    /// If `batch_size` is 0.
    pub fn announce<L: Loss>(
        &self,
        dataset: &Dataset,
        model: &dyn Module,
        mut loss: impl FnMut(Tensor, Vec<usize>, u64) -> L,
        after_epoch: f64,
    ) -> Result<()> {
        let mut optimizer = Adam::new(model.parameters(), 1e-3);
        let (begin, mut seconds) = (Instant::now(), f64::INFINITY);
        for (step, (x, labels)) in dataset.batches(self.batch_size, None)?.take(50).enumerate() {
            let start = Instant::now();
            optimizer.zero_grad();
            loss(x, labels, step as u64).total().backward();
            optimizer.step();
            seconds = seconds.min(start.elapsed().as_secs_f64());
            if step >= 2 && begin.elapsed().as_secs() >= 1 {
                break;
            }
        }
        let steps = dataset.len().div_ceil(self.batch_size);
        let total = super::progress::duration(self.epochs as f64 * (steps as f64 * seconds + after_epoch));
        println!("{} epochs of {steps} steps, {:.1} ms each: about {total}", self.epochs, seconds * 1e3);
        Ok(())
    }

    /// The losses in the log as points (epoch, loss), each the mean over a twentieth of an epoch.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn curve(&self, dataset: &Dataset) -> Result<Vec<(f64, f64)>> {
        self.curve_of(dataset, "loss")
    }

    /// [`Training::curve`] of another column of the log: a part of the loss.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn curve_of(&self, dataset: &Dataset, name: &str) -> Result<Vec<(f64, f64)>> {
        let path = self.run.file("metrics.csv")?;
        let log = fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
        let mut rows = log.lines().map(|row| row.split(','));
        let column = rows.next().and_then(|mut names| names.position(|column| column == name));
        let column = column.with_context(|| format!("{}: has no column {name}", path.display()))?;
        let losses: Vec<f64> = rows.filter_map(|mut row| row.nth(column)?.parse().ok()).collect();
        let steps_per_epoch = dataset.len().div_ceil(self.batch_size);
        let together = steps_per_epoch.div_ceil(20);
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let middle = |i: usize, len: usize| (i * together) as f64 + len as f64 / 2.0;
        let point = |(i, part): (usize, &[f64])| (middle(i, part.len()) / steps_per_epoch as f64, mean(part));
        Ok(losses.chunks(together).enumerate().map(point).collect())
    }

    /// The log with one row per step; of an earlier run it keeps the rows up to step `done`.
    fn open_metrics(&self, done: usize, parts: &[&str]) -> Result<BufWriter<File>> {
        let path = self.run.file("metrics.csv")?;
        let failed = || format!("{}: cannot be written", path.display());
        let earlier = if done > 0 { fs::read(&path).unwrap_or_default() } else { vec![] };
        let earlier = String::from_utf8_lossy(&earlier); // of a killed run, the end may be anything
        let parts: String = parts.iter().map(|part| format!(",{part}")).collect();
        write_whole(&path, |file| {
            writeln!(file, "epoch,step,loss{parts},seconds")?;
            earlier.lines().skip(1).take(done).try_for_each(|row| writeln!(file, "{row}"))
        })
        .with_context(failed)?;
        Ok(BufWriter::new(OpenOptions::new().append(true).open(&path).with_context(failed)?))
    }
}

/// Ctrl-C sets the flag that is returned; a second one ends the program at once.
fn listen_for_interrupt() -> &'static AtomicBool {
    static INTERRUPTED: AtomicBool = AtomicBool::new(false);
    // Fails if a training before this one has set the handler: then it is there.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("\nfinishing this step ...");
    });
    &INTERRUPTED
}
