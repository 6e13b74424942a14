//! Reads the models of this step.

use super::{Hierarchy, Vae};
use crate::common::model_file;
use crate::step11::{Trained, read_network};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use tsukuru::checkpoint::Data;
use tsukuru::nn;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// A network that predicts something of images without labels.
///
/// # Errors
/// If the file is damaged, or holds something else.
pub fn read_unet(path: &Path) -> Result<Trained> {
    let trained = read_network(path)?;
    ensure!(trained.classes.is_empty(), "{}: expected a network without labels, found one with labels", path.display());
    Ok(trained)
}

/// An autoencoder with the sizes of the file, for images of `inputs` pixels.
///
/// # Errors
/// If the file is damaged, or holds something else.
pub fn read_vae(path: &Path, inputs: usize) -> Result<Vae> {
    let state = model_file::read(path)?;
    let shape = |name: &str| match state.get(name) {
        Some(Data::Real(weight)) => weight.shape().to_vec(),
        _ => vec![],
    };
    let levels = (0..).take_while(|i| !shape(&format!("encoders.{i}.linear.weight")).is_empty()).count();
    let sizes = match (&shape("encoders.0.linear.weight")[..], &shape("encoders.0.linear_mu.weight")[..]) {
        (&[hidden, found], &[latent, rows]) if rows == hidden && found == inputs => Some((hidden, latent)),
        _ => None,
    };
    let expected = "expected `encoders.0.linear.weight` (h, x) and `encoders.0.linear_mu.weight` (z, h) with x =";
    let (hidden, latent) = sizes.with_context(|| format!("{}: {expected} {inputs}", path.display()))?;
    let data = Tensor::zeros([1, inputs]).into();
    let model = Vae::new(&data, levels, hidden, latent, &mut Rng::new(0, "init", 0));
    let levels = model.levels();
    nn::load_state_dict(&model, state)
        .with_context(|| format!("a VAE {inputs}-{hidden}-{latent} with {levels} levels was expected"))?;
    Ok(model)
}
