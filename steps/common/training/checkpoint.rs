//! `checkpoint.safetensors`: everything that a training needs to go on.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use tsukuru::checkpoint::{self, Data, Entries};
use tsukuru::nn::{self, Module};
use tsukuru::optim::{Adam, AdamState, Ema, Optimizer};

/// How far a training is, apart from its weights and its optimizer.
#[derive(Default)]
pub(super) struct TrainingState {
    /// Steps taken since the beginning.
    pub step: usize,
    /// Mean loss of each finished epoch.
    pub losses: Vec<f64>,
    /// Sum of the losses of the current epoch.
    pub sum: f64,
    /// Time spent, of earlier runs as well.
    pub seconds: f64,
}

/// Whether a training has left a checkpoint there before all its epochs were done.
pub fn is_unfinished(path: &Path) -> bool {
    unfinished(path).is_some()
}

/// What a training was started for.
pub(super) struct Plan {
    pub epochs: usize,
    /// The command that resumes it.
    pub resume: String,
}

/// Writes a checkpoint. A run that resumes from it must have the same `run_settings`.
pub(super) fn save(
    path: &Path,
    run_settings: &Value,
    plan: &Plan,
    state: &TrainingState,
    model: &dyn Module,
    ema: Option<&mut Ema>,
    optimizer: &Adam,
) -> Result<()> {
    let AdamState { steps, m, v } = optimizer.state();
    let state = json!({ "step": state.step, "losses": state.losses, "sum": state.sum, "seconds": state.seconds });
    let plan = json!({ "epochs": plan.epochs, "resume": plan.resume });
    let meta = json!({ "run_settings": run_settings, "state": state, "plan": plan, "adam_steps": steps });
    let mut entries = Entries::new(meta);
    let mut insert = |above: &str, weights: Entries| {
        weights.iter().for_each(|(name, data)| entries.insert(format!("{above}.{name}"), data.clone()));
    };
    insert("model", nn::state_dict(model));
    if let Some(ema) = ema {
        ema.swap(model);
        insert("ema", nn::state_dict(model));
        ema.swap(model);
    }
    for (i, (m, v)) in m.iter().zip(v).enumerate() {
        entries.insert(format!("adam.m.{i}"), Data::Real(m.clone()));
        entries.insert(format!("adam.v.{i}"), Data::Real(v.clone()));
    }
    Ok(checkpoint::write(path, &entries)?)
}

/// How many epochs the training of a checkpoint has done, and its plan, if those are not all.
pub(super) fn unfinished(path: &Path) -> Option<(usize, Plan)> {
    let meta = checkpoint::read(path).ok()?.meta;
    let done = parse_state(&meta["state"])?.losses.len();
    let (epochs, resume) = (meta["plan"]["epochs"].as_u64()? as usize, meta["plan"]["resume"].as_str()?.into());
    (done < epochs).then_some((done, Plan { epochs, resume }))
}

/// Puts model, moving average and optimizer into the state of the file.
///
/// # Errors
/// If the file is damaged, or belongs to a training with other `run_settings`; nothing is changed then, unless the file
/// has the tensors of another model.
pub(super) fn load(
    path: &Path,
    run_settings: &Value,
    steps_per_epoch: usize,
    model: &dyn Module,
    ema: Option<&mut Ema>,
    optimizer: &mut Adam,
) -> Result<TrainingState> {
    let mut entries = checkpoint::read(path)?;
    let meta = std::mem::take(&mut entries.meta);
    let is_checkpoint = meta["run_settings"].is_object();
    ensure!(is_checkpoint, "{}: expected the checkpoint of a training, found another file", path.display());
    let other = differences("", &meta["run_settings"], run_settings);
    ensure!(other.is_empty(), "{}: belongs to another run: {}", path.display(), other.join("; "));
    let broken = || format!("{}: expected the state of a training in its metadata, found another", path.display());
    let state = parse_state(&meta["state"]).with_context(broken)?;
    ensure!(state.losses.len() == state.step / steps_per_epoch, broken());
    let model_state = entries.under("model.");
    let ema_state = entries.under("ema.");
    let steps = meta["adam_steps"].as_array().with_context(broken)?.iter().map(Value::as_u64);
    let steps = steps.collect::<Option<Vec<u64>>>().with_context(broken)?;
    ensure!(steps.len() == optimizer.parameters().len(), broken());
    let mut adam = AdamState { steps, m: vec![], v: vec![] };
    for (i, parameter) in optimizer.parameters().iter().enumerate() {
        adam.m.push(entries.take_real(&format!("adam.m.{i}"), &parameter.shape())?);
        adam.v.push(entries.take_real(&format!("adam.v.{i}"), &parameter.shape())?);
    }
    entries.finish()?;
    if let Some(ema) = ema {
        ema.swap(model);
        nn::load_state_dict(model, ema_state)?;
        ema.swap(model);
    }
    nn::load_state_dict(model, model_state)?;
    optimizer.set_state(adam);
    Ok(state)
}

fn parse_state(json: &Value) -> Option<TrainingState> {
    Some(TrainingState {
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
        _ => vec![format!("{name}: {saved} in the checkpoint, {current} now")],
    }
}
