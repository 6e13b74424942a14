//! A training in a file, and back: the model, its average, the optimizer, and how far it is.

use super::Training;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use tsukuru::checkpoint::{self, Data, Entries};
use tsukuru::nn::{self, Module};
use tsukuru::optim::{Adam, AdamState, Ema, Optimizer};

/// How far a training is.
#[derive(Default)]
pub(super) struct Position {
    /// Steps taken since the beginning.
    pub step: usize,
    /// Mean loss of each finished epoch.
    pub losses: Vec<f64>,
    /// Sum of the losses in the epoch that is under way.
    pub sum: f64,
    /// Time spent, of earlier runs as well.
    pub seconds: f64,
}

impl Training<'_> {
    /// What a checkpoint, or a model, says about the run that it belongs to.
    pub(super) fn identity(&self) -> Value {
        let Training { batch_size, seed, ema, data, settings, .. } = self;
        json!({ "batch_size": batch_size, "seed": seed, "ema": ema, "data": data, "settings": settings })
    }

    pub(super) fn save(
        &self,
        path: &Path,
        model: &dyn Module,
        average: Option<&mut Ema>,
        optimizer: &Adam,
        at: &Position,
    ) -> Result<()> {
        let AdamState { steps, m, v } = optimizer.state();
        let position = json!({ "step": at.step, "losses": at.losses, "sum": at.sum, "seconds": at.seconds });
        let meta = json!({ "run": self.identity(), "position": position, "adam_steps": steps });
        let mut entries = Entries::new(meta);
        let mut insert = |above: &str, state: Entries| {
            state.iter().for_each(|(name, data)| entries.insert(format!("{above}.{name}"), data.clone()));
        };
        insert("model", nn::state_dict(model));
        if let Some(average) = average {
            average.swap(model);
            insert("average", nn::state_dict(model));
            average.swap(model);
        }
        for (i, (m, v)) in m.iter().zip(v).enumerate() {
            entries.insert(format!("adam.m.{i}"), Data::Real(m.clone()));
            entries.insert(format!("adam.v.{i}"), Data::Real(v.clone()));
        }
        Ok(checkpoint::write(path, &entries)?)
    }

    pub(super) fn load(
        &self,
        path: &Path,
        model: &dyn Module,
        average: Option<&mut Ema>,
        optimizer: &mut Adam,
        per_epoch: usize,
    ) -> Result<Position> {
        let mut entries = checkpoint::read(path)?;
        let meta = std::mem::take(&mut entries.meta);
        let is_one = meta["run"].is_object();
        ensure!(is_one, "{}: expected the checkpoint of a training, found another file", path.display());
        let other = differences("", &meta["run"], &self.identity());
        ensure!(other.is_empty(), "{}: belongs to another run: {}", path.display(), other.join("; "));
        let broken =
            || format!("{}: expected the position of a training in its metadata, found another", path.display());
        let position = &meta["position"];
        let losses = position["losses"].as_array().with_context(broken)?.iter().map(Value::as_f64);
        let losses = losses.collect::<Option<Vec<f64>>>().with_context(broken)?;
        let position = Position {
            step: position["step"].as_u64().with_context(broken)? as usize,
            losses,
            sum: position["sum"].as_f64().with_context(broken)?,
            seconds: position["seconds"].as_f64().with_context(broken)?,
        };
        let epochs = position.step / per_epoch;
        ensure!(position.losses.len() == epochs, broken());
        let model_state = entries.under("model.");
        let averages = entries.under("average.");
        let steps = meta["adam_steps"].as_array().with_context(broken)?.iter().map(Value::as_u64);
        let steps = steps.collect::<Option<Vec<u64>>>().with_context(broken)?;
        ensure!(steps.len() == optimizer.parameters().len(), broken());
        let mut state = AdamState { steps, m: vec![], v: vec![] };
        for (i, parameter) in optimizer.parameters().iter().enumerate() {
            state.m.push(entries.take_real(&format!("adam.m.{i}"), &parameter.shape())?);
            state.v.push(entries.take_real(&format!("adam.v.{i}"), &parameter.shape())?);
        }
        entries.finish()?;
        if let Some(average) = average {
            average.swap(model);
            nn::load_state_dict(model, averages)?;
            average.swap(model);
        }
        nn::load_state_dict(model, model_state)?;
        optimizer.set_state(state);
        Ok(position)
    }
}

/// Where two values differ, by the names of what they hold.
fn differences(name: &str, there: &Value, here: &Value) -> Vec<String> {
    match (there, here) {
        (_, _) if there == here => vec![],
        (Value::Object(left), Value::Object(right)) => {
            let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            names.into_iter().flat_map(|name| differences(name, &there[name], &here[name])).collect()
        }
        _ => vec![format!("{name} {there} there, {here} here")],
    }
}
