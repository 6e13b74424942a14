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
    /// So many of the first steps are not in `metrics.csv`, because the log of them was lost.
    pub unlogged: usize,
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
    let TrainingState { step, losses, sum, seconds, unlogged } = state;
    let state = json!({ "step": step, "losses": losses, "sum": sum, "seconds": seconds, "unlogged": unlogged });
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

/// What a file holds of a training, checked against everything that it is for.
pub(super) struct Saved {
    pub state: TrainingState,
    model: Entries,
    ema: Entries,
    adam: AdamState,
}

/// Reads a checkpoint of this `model`, of its moving average if `has_ema`, and of this `optimizer`.
///
/// # Errors
/// If the file is damaged, belongs to a training with other `run_settings`, or has the tensors of another model.
pub(super) fn read(
    path: &Path,
    run_settings: &Value,
    steps_per_epoch: usize,
    model: &dyn Module,
    has_ema: bool,
    optimizer: &Adam,
) -> Result<Saved> {
    let mut entries = checkpoint::read(path)?;
    let meta = std::mem::take(&mut entries.meta);
    let is_checkpoint = meta["run_settings"].is_object();
    ensure!(is_checkpoint, "{}: expected the checkpoint of a training, found another file", path.display());
    let other = differences("", &meta["run_settings"], run_settings);
    ensure!(other.is_empty(), "{}: belongs to another run: {}", path.display(), other.join("; "));
    let broken = || format!("{}: expected the state of a training in its metadata, found another", path.display());
    let state = parse_state(&meta["state"]).with_context(broken)?;
    ensure!(state.losses.len() == state.step / steps_per_epoch && state.unlogged <= state.step, broken());
    let (model_state, ema_state) = (entries.under("model."), entries.under("ema."));
    let (expected, no_entries) = (nn::state_dict(model), Entries::default());
    model_state.check(&expected)?;
    ema_state.check(if has_ema { &expected } else { &no_entries })?;
    let steps = meta["adam_steps"].as_array().with_context(broken)?.iter().map(Value::as_u64);
    let steps = steps.collect::<Option<Vec<u64>>>().with_context(broken)?;
    ensure!(steps.len() == optimizer.parameters().len(), broken());
    let mut adam = AdamState { steps, m: vec![], v: vec![] };
    for (i, parameter) in optimizer.parameters().iter().enumerate() {
        adam.m.push(entries.take_real(&format!("adam.m.{i}"), &parameter.shape())?);
        adam.v.push(entries.take_real(&format!("adam.v.{i}"), &parameter.shape())?);
    }
    entries.finish()?;
    Ok(Saved { state, model: model_state, ema: ema_state, adam })
}

impl Saved {
    /// Puts model, moving average and optimizer into the saved state.
    pub fn load(self, model: &dyn Module, ema: Option<&mut Ema>, optimizer: &mut Adam) -> Result<TrainingState> {
        if let Some(ema) = ema {
            ema.swap(model);
            nn::load_state_dict(model, self.ema)?;
            ema.swap(model);
        }
        nn::load_state_dict(model, self.model)?;
        optimizer.set_state(self.adam);
        Ok(self.state)
    }
}

fn parse_state(json: &Value) -> Option<TrainingState> {
    Some(TrainingState {
        step: json["step"].as_u64()? as usize,
        losses: json["losses"].as_array()?.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>()?,
        sum: json["sum"].as_f64()?,
        seconds: json["seconds"].as_f64()?,
        unlogged: json["unlogged"].as_u64().unwrap_or(0) as usize, // earlier versions lost no log
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
        _ if name == "checksum" => {
            vec![format!("it trains on other images (checksum {saved} in the checkpoint, {current} now)")]
        }
        _ => vec![format!("{name}: {saved} in the checkpoint, {current} now")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsukuru::nn::Linear;
    use tsukuru::random::Rng;
    use tsukuru::tensor::Tensor;

    /// A model, its moving average and its optimizer, as `seed` has drawn them.
    fn training(seed: u64) -> (Linear, Ema, Adam) {
        let mut rng = Rng::new(seed, "init", 0);
        let model = Linear::new(3, 2, &mut rng);
        let ema = Ema::new(&Linear::new(3, 2, &mut rng), 0.9);
        let mut adam = Adam::new(model.parameters(), 0.1);
        let mut drawn = || model.parameters().iter().map(|p| rng.normal_tensor(p.shape())).collect::<Vec<Tensor>>();
        adam.set_state(AdamState { steps: vec![seed; 2], m: drawn(), v: drawn() });
        (model, ema, adam)
    }

    /// All numbers of a training, by their names in a checkpoint.
    fn numbers((model, ema, adam): &mut (Linear, Ema, Adam), path: &Path) -> Entries {
        let (plan, state) = (Plan { epochs: 1, resume: String::new() }, TrainingState::default());
        save(path, &json!({}), &plan, &state, model, Some(ema), adam).unwrap();
        checkpoint::read(path).unwrap()
    }

    #[test]
    fn a_checkpoint_is_loaded_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (mut saved, mut current) = (training(1), training(2));
        let (good, before) = (numbers(&mut saved, &path("good")), numbers(&mut current, &path("before")));
        assert!(!good.iter().eq(before.iter()));
        let mut resume = |path: &Path, has_ema| {
            let (model, ema, adam) = &mut current;
            let read = read(path, &json!({}), 1, model, has_ema, adam)?;
            read.load(model, Some(ema), adam).map(drop)
        };
        let names: Vec<String> = good.iter().map(|(name, _)| name.to_string()).collect();
        for wrong in &names {
            for data in [None, Some(Data::Real(Tensor::zeros([7])))] {
                let mut other = Entries::new(good.meta.clone());
                good.iter().filter(|(name, _)| name != wrong).for_each(|(name, data)| other.insert(name, data.clone()));
                data.into_iter().for_each(|data| other.insert(wrong.clone(), data));
                checkpoint::write(&path("bad"), &other).unwrap();
                resume(&path("bad"), true).expect_err(wrong);
            }
        }
        resume(&path("good"), false).expect_err("an average that nobody wants");
        assert!(numbers(&mut current, &path("after")).iter().eq(before.iter()));
        let (model, ema, adam) = &mut current;
        read(&path("good"), &json!({}), 1, model, true, adam).unwrap().load(model, Some(ema), adam).unwrap();
        assert!(numbers(&mut current, &path("after")).iter().eq(good.iter()));
    }
}
