//! What `tests/interop/interop.py` compares with PyTorch: `interop MODEL CHECKPOINT INPUTS OUTPUTS` puts a model (`vae` or
//! `unet`) and Adam into the state of a checkpoint, calculates outputs and a loss, takes a training step, and writes all
//! results.

use anyhow::{Context, Result, bail};
use std::path::Path;
use steps::step07::Vae;
use steps::step09::{Label, UNet};
use tsukuru::checkpoint::{self, Data, Entries};
use tsukuru::mode::{eval_mode, no_grad};
use tsukuru::nn::{self, Module};
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, AdamState, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, saved, inputs, outputs] = &args[..] else { bail!("expected MODEL CHECKPOINT INPUTS OUTPUTS") };
    let (saved, inputs) = (checkpoint::read(Path::new(saved))?, checkpoint::read(Path::new(inputs))?);
    let size = |name: &str, axis: usize| Ok::<usize, anyhow::Error>(real(&saved, name)?.shape()[axis]);
    let input = |name: &str| Ok::<Variable, anyhow::Error>(real(&inputs, name)?.into());
    let mut rng = Rng::new(0, "init", 0);
    let results = if name == "vae" {
        let (latent, hidden) = (size("model.decoder.linear1.weight", 1)?, size("model.decoder.linear1.weight", 0)?);
        let model = Vae::new(size("model.decoder.linear2.weight", 0)?, hidden, latent, &mut rng);
        let (x, eps) = (input("x")?, input("eps")?);
        train(&model, saved, &inputs, |model| model.decode(&model.encode(&x).mu), |model| model.loss(&x, &eps).total)
    } else {
        let mut model = UNet::new(1, size("model.down1.convs.0.weight", 0)?, &mut rng);
        let (x, noise, t) = (input("x")?, input("noise")?, whole(&inputs, "t")?);
        let mut labels: Vec<Label> = vec![None; t.len()];
        if let Ok(count) = size("model.label_emb.weight", 0) {
            model = model.with_labels(count, &mut rng);
            labels = whole(&inputs, "labels")?.into_iter().map(Some).collect();
        }
        let forward = |model: &UNet| model.forward_conditioned(&x, &t, &labels);
        train(&model, saved, &inputs, forward, |model| forward(model).mse_loss(&noise, Reduction::Mean))
    }?;
    Ok(checkpoint::write(Path::new(outputs), &results)?)
}

/// `output` in evaluation mode, `loss`, and the state of model and optimizer after the step that makes the loss smaller.
fn train<M: Module>(
    model: &M,
    mut saved: Entries,
    inputs: &Entries,
    output: impl Fn(&M) -> Variable,
    loss: impl Fn(&M) -> Variable,
) -> Result<Entries> {
    nn::load_state_dict(model, saved.under("model."))?;
    let mut optimizer = Adam::new(model.parameters(), inputs.meta["lr"].as_f64().context("lr")?);
    let moments = |name: &str| -> Result<Vec<Tensor>> {
        (0..optimizer.parameters().len()).map(|i| real(&saved, &format!("adam.{name}.{i}"))).collect()
    };
    let steps = serde_json::from_value(saved.meta["adam_steps"].clone())?;
    let state = AdamState { steps, m: moments("m")?, v: moments("v")? };
    optimizer.set_state(state);

    let mut results = Entries::default();
    let y = no_grad(|| eval_mode(|| output(model)));
    results.insert("output", Data::Real(y.value().clone()));
    let loss = loss(model);
    results.insert("loss", Data::Real(loss.value().clone()));
    loss.backward();
    optimizer.step();
    nn::state_dict(model).iter().for_each(|(name, data)| results.insert(format!("model.{name}"), data.clone()));
    let AdamState { m, v, .. } = optimizer.state();
    for (i, (m, v)) in m.iter().zip(v).enumerate() {
        results.insert(format!("adam.m.{i}"), Data::Real(m.clone()));
        results.insert(format!("adam.v.{i}"), Data::Real(v.clone()));
    }
    Ok(results)
}

fn real(entries: &Entries, name: &str) -> Result<Tensor> {
    match entries.get(name) {
        Some(Data::Real(tensor)) => Ok(tensor.clone()),
        _ => bail!("expected numbers `{name}`"),
    }
}

fn whole(entries: &Entries, name: &str) -> Result<Vec<usize>> {
    match entries.get(name) {
        Some(Data::Int(_, numbers)) => Ok(numbers.iter().map(|&n| n as usize).collect()),
        _ => bail!("expected whole numbers `{name}`"),
    }
}
