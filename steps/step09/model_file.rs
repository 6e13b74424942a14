//! Reads the U-Net of a `model.safetensors`.

use super::config::Conditioning;
use super::unet::{TIME_DIM, UNet};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use tsukuru::checkpoint::{self, Data};
use tsukuru::nn;
use tsukuru::random::Rng;

/// Pixels of MNIST's digits.
const SIZE: [usize; 2] = [28, 28];

/// A U-Net from a file, and the settings of its training that the file holds.
pub struct TrainedUNet {
    pub model: UNet,
    /// Whether it was conditioned on the label of every image; `false` where the file does not say so.
    pub always_conditioned: bool,
    /// Height and width of the images; MNIST's where the file does not say so.
    pub size: [usize; 2],
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

/// A U-Net with the width and the labels of the file.
///
/// # Errors
/// If the file is damaged, or holds something else.
pub fn read_unet(path: &Path) -> Result<TrainedUNet> {
    let state = checkpoint::read(path)?;
    let settings = &state.meta["settings"];
    let always_conditioned = settings["conditioning"].as_str() == Some(Conditioning::Conditional.name());
    let valid = |size: &[usize; 2]| size.iter().all(|side| side.is_multiple_of(4) && (8..=1024).contains(side));
    let size = serde_json::from_value(settings["size"].clone()).ok().filter(valid).unwrap_or(SIZE);
    let shape = |name| match state.get(name) {
        Some(Data::Real(weight)) => weight.shape().to_vec(),
        _ => vec![],
    };
    // The second weight holds width^2 numbers: so a small file cannot claim a large model.
    let width = shape("down1.convs.0.weight").first().copied().unwrap_or(0);
    let is_unet = width > 0 && shape("down1.convs.3.weight") == [width, width, 3, 3];
    ensure!(is_unet, "{}: holds no U-Net: expected `down1.convs.3.weight` of shape (w, w, 3, 3)", path.display());
    let mut rng = Rng::new(0, "init", 0);
    let mut model = UNet::new(1, width, &mut rng);
    if let [labels, TIME_DIM] = shape("label_emb.weight")[..] {
        model = model.with_labels(labels, &mut rng);
    }
    nn::load_state_dict(&model, state).with_context(|| format!("a U-Net of width {width} was expected"))?;
    Ok(TrainedUNet { model, always_conditioned, size })
}
