//! Reads the U-Net of a `model.safetensors`.

use super::config::Conditioning;
use super::diffuser::Diffuser;
use super::sampler::Sampler;
use super::unet::{MidBlock, TIME_DIM, UNet};
use crate::common::model_file;
use crate::step08::{NoiseSchedule, Schedule, T};
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde_json::Value;
use std::path::Path;
use tsukuru::checkpoint::{Data, Entries};
use tsukuru::nn;
use tsukuru::random::Rng;

/// Pixels of MNIST's digits.
const SIZE: [usize; 2] = [28, 28];

/// A U-Net from a file, and the settings of its training that the file holds.
pub struct TrainedUNet {
    pub model: UNet,
    /// The noise that it was trained on; the book's where the file does not say so.
    pub diffuser: Diffuser,
    /// The sampler of its training, if the file says so.
    pub sampler: Option<Sampler>,
    /// The weight of autoguidance that it was sampled with; 1, which is none, where the file does not say so.
    pub autoguidance: f64,
    /// Whether it was conditioned on the label of every image; `false` where the file does not say so.
    pub always_conditioned: bool,
    /// Channels, height and width of the images; MNIST's height and width where the file does not say so.
    pub size: [usize; 3],
    /// The names of the labels; numbers where the file does not say them.
    pub classes: Vec<String>,
}

/// The noise schedule in the settings of a training, if they name one that there is.
fn noise_schedule(settings: &Value) -> Option<Diffuser> {
    let name = settings["schedule"].as_str()?;
    let kind = NoiseSchedule::value_variants().iter().find(|kind| kind.name() == name)?;
    let num_timesteps = settings["num_timesteps"].as_u64().filter(|t| (1..=T as u64).contains(t))?;
    Some(Diffuser::new(kind.with(num_timesteps as usize)))
}

/// A model that predicts noise without a label, too.
///
/// # Errors
/// As [`read_unet`], or if it was always conditioned on a label.
pub fn read_unconditional(path: &Path) -> Result<TrainedUNet> {
    let trained = read_unet(path)?;
    let expected = "expected a model that was also trained without labels";
    let found = "found one that was always conditioned on a label; `step10 -- sample` can use it";
    ensure!(!trained.always_conditioned, "{}: {expected}, {found}", path.display());
    Ok(trained)
}

/// A U-Net with the width, the labels and the noise schedule of the file. If the file does not name its schedule, that is
/// printed: models of PyTorch do not, nor those of earlier versions of this program.
///
/// # Errors
/// If the file is damaged, or holds something else.
pub fn read_unet(path: &Path) -> Result<TrainedUNet> {
    let state = model_file::read(path)?;
    let settings = &state.meta["settings"];
    let objective = settings["objective"].as_str().unwrap_or("noise");
    ensure!(
        objective == "noise",
        "{}: expected a network that predicts noise, found one of {objective}",
        path.display()
    );
    let always_conditioned = settings["conditioning"].as_str() == Some(Conditioning::Conditional.name());
    let (model, size) = build_unet(path, &state)?;
    let (schedule, sampling) = (&settings["schedule"], &state.meta["sampling"]);
    let diffuser = if schedule.is_null() {
        println!("{}: does not say its noise schedule; the book's, linear with T = {T}, is assumed", path.display());
        Diffuser::new(Schedule::linear(T))
    } else {
        let (timesteps, expected) =
            (&settings["num_timesteps"], "expected the noise schedule linear or cosine of 1 to");
        let message = || format!("{}: {expected} {T} timesteps, found {schedule} of {timesteps}", path.display());
        noise_schedule(settings).with_context(message)?
    };
    let sampler = match &sampling["sampler"] {
        Value::Null => None,
        json => Some(
            Sampler::from_json(json)
                .with_context(|| format!("{}: expected the sampler ancestral or ddim, found {json}", path.display()))?,
        ),
    };
    let autoguidance = sampling["autoguidance"].as_f64().unwrap_or(1.0);
    let classes = model_file::classes(&state.meta, model.labels());
    load_unet(&model, state)?;
    Ok(TrainedUNet { model, diffuser, sampler, autoguidance, always_conditioned, size, classes })
}

/// A new U-Net of the sizes that a file's tensors have, and channels, height and width of its images.
///
/// # Errors
/// If these are no tensors of a U-Net, or those of a checkpoint.
pub fn build_unet(path: &Path, state: &Entries) -> Result<(UNet, [usize; 3])> {
    let is_checkpoint = state.meta["run_settings"].is_object();
    ensure!(
        !is_checkpoint,
        "{}: a checkpoint, to resume from; the model.safetensors beside it is expected",
        path.display()
    );
    let valid = |size: &[usize; 2]| size.iter().all(|side| side.is_multiple_of(4) && (8..=1024).contains(side));
    let size = serde_json::from_value(state.meta["settings"]["size"].clone()).ok().filter(valid).unwrap_or(SIZE);
    let shape = |name| match state.get(name) {
        Some(Data::Real(weight)) => weight.shape().to_vec(),
        _ => vec![],
    };
    // The second weight holds width^2 numbers: so a small file cannot claim a large model.
    let first = shape("down1.convs.0.weight");
    let (width, channels) = (first.first().copied().unwrap_or(0), first.get(1).copied().unwrap_or(0));
    let is_unet = width > 0 && shape("down1.convs.3.weight") == [width, width, 3, 3];
    ensure!(is_unet, "{}: holds no U-Net: expected `down1.convs.3.weight` of shape (w, w, 3, 3)", path.display());
    let drawable = matches!(channels, 1 | 3);
    ensure!(drawable, "{}: expected a U-Net of images with 1 or 3 channels, found {channels}", path.display());
    let mut rng = Rng::new(0, "init", 0);
    let mut model = UNet::new(channels, width, &mut rng);
    if let [labels, TIME_DIM] = shape("label_emb.weight")[..] {
        model = model.with_labels(labels, &mut rng);
    }
    if let [hidden, TIME_DIM] = shape("mid.mlp.weight")[..] {
        let (weight, expected) =
            (shape("mid.linear1.weight"), [hidden, MidBlock::CHANNELS * size[0] / 4 * size[1] / 4]);
        ensure!(
            weight == expected,
            "{}: expected `mid.linear1.weight` of shape {expected:?}, found {weight:?}",
            path.display()
        );
        model = model.with_mid(size, hidden, &mut rng);
    }
    Ok((model, [channels, size[0], size[1]]))
}

/// Puts the tensors of a file into the U-Net that [`build_unet`] has made for it.
///
/// # Errors
/// If they do not fit.
pub fn load_unet(model: &UNet, state: Entries) -> Result<()> {
    let width = model.out.weight.shape()[1];
    nn::load_state_dict(model, state).with_context(|| format!("a U-Net of width {width} was expected"))?;
    Ok(())
}
