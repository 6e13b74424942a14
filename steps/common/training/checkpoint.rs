//! `checkpoint.safetensors`: everything that a training needs to go on.

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
    /// Sum of the losses of the current epoch.
    pub sum: f64,
    /// Time spent, of earlier runs as well.
    pub seconds: f64,
}

/// Writes the state of a training. `identity` is what a run that goes on from it must agree in.
pub(super) fn save(
    path: &Path,
    identity: &Value,
    at: &Position,
    model: &dyn Module,
    ema: Option<&mut Ema>,
    optimizer: &Adam,
) -> Result<()> {
    let AdamState { steps, m, v } = optimizer.state();
    let position = json!({ "step": at.step, "losses": at.losses, "sum": at.sum, "seconds": at.seconds });
    let mut entries = Entries::new(json!({ "run": identity, "position": position, "adam_steps": steps }));
    let mut insert = |above: &str, state: Entries| {
        state.iter().for_each(|(name, data)| entries.insert(format!("{above}.{name}"), data.clone()));
    };
    insert("model", nn::state_dict(model));
    if let Some(ema) = ema {
        ema.swap(model);
        insert("average", nn::state_dict(model));
        ema.swap(model);
    }
    for (i, (m, v)) in m.iter().zip(v).enumerate() {
        entries.insert(format!("adam.m.{i}"), Data::Real(m.clone()));
        entries.insert(format!("adam.v.{i}"), Data::Real(v.clone()));
    }
    Ok(checkpoint::write(path, &entries)?)
}

/// Puts model, average and optimizer into the state of the file.
///
/// # Errors
/// If the file is damaged, or belongs to a training of another `identity`; nothing is changed then, unless the file
/// has the tensors of another model.
pub(super) fn load(
    path: &Path,
    identity: &Value,
    steps_per_epoch: usize,
    model: &dyn Module,
    ema: Option<&mut Ema>,
    optimizer: &mut Adam,
) -> Result<Position> {
    let mut entries = checkpoint::read(path)?;
    let meta = std::mem::take(&mut entries.meta);
    let is_checkpoint = meta["run"].is_object();
    ensure!(is_checkpoint, "{}: expected the checkpoint of a training, found another file", path.display());
    let other = differences("", &meta["run"], identity);
    ensure!(other.is_empty(), "{}: belongs to another run: {}", path.display(), other.join("; "));
    let broken = || format!("{}: expected the position of a training in its metadata, found another", path.display());
    let position = position(&meta["position"]).with_context(broken)?;
    ensure!(position.losses.len() == position.step / steps_per_epoch, broken());
    let model_state = entries.under("model.");
    let average_state = entries.under("average.");
    let steps = meta["adam_steps"].as_array().with_context(broken)?.iter().map(Value::as_u64);
    let steps = steps.collect::<Option<Vec<u64>>>().with_context(broken)?;
    ensure!(steps.len() == optimizer.parameters().len(), broken());
    let mut state = AdamState { steps, m: vec![], v: vec![] };
    for (i, parameter) in optimizer.parameters().iter().enumerate() {
        state.m.push(entries.take_real(&format!("adam.m.{i}"), &parameter.shape())?);
        state.v.push(entries.take_real(&format!("adam.v.{i}"), &parameter.shape())?);
    }
    entries.finish()?;
    if let Some(ema) = ema {
        ema.swap(model);
        nn::load_state_dict(model, average_state)?;
        ema.swap(model);
    }
    nn::load_state_dict(model, model_state)?;
    optimizer.set_state(state);
    Ok(position)
}

fn position(json: &Value) -> Option<Position> {
    Some(Position {
        step: json["step"].as_u64()? as usize,
        losses: json["losses"].as_array()?.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>()?,
        sum: json["sum"].as_f64()?,
        seconds: json["seconds"].as_f64()?,
    })
}

/// Where two values differ, by the names of what they hold.
fn differences(name: &str, saved: &Value, current: &Value) -> Vec<String> {
    match (saved, current) {
        (_, _) if saved == current => vec![],
        (Value::Object(left), Value::Object(right)) => {
            let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            names.into_iter().flat_map(|name| differences(name, &saved[name], &current[name])).collect()
        }
        _ => vec![format!("{name} {saved} there, {current} here")],
    }
}
