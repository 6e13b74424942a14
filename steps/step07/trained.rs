//! A model that was trained before, for the programs that look into it.

use super::{Vae, vae};
use crate::common::cli::{Common, Mnist, TrainingFlags};
use crate::common::data::Source;
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::{Path, PathBuf};
use tsukuru::checkpoint::{self, Data};
use tsukuru::data::Dataset;
use tsukuru::nn;
use tsukuru::random::Rng;

/// The flag of programs that use a model.
#[derive(Args, Clone, Debug, Default)]
pub struct ModelFlag {
    /// A model.safetensors that vae has written; without it the one in its folder, and if there is none, vae --quick runs
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
}

impl ModelFlag {
    /// The model that was named; else the one with so many `latent` numbers that `vae` has left after learning from the
    /// same kind of images; else a new one.
    ///
    /// # Errors
    /// If the file holds none, or one of images of other sizes than `dataset`, or the training fails.
    pub fn read(&self, common: &Common, mnist: &Mnist, latent: usize, dataset: &Dataset) -> Result<Vae> {
        let source = Source::find(mnist.data.as_deref())?;
        let path = match &self.model {
            Some(path) => path.clone(),
            None => find(common, mnist, latent, &source)?,
        };
        let model = read(&path)?;
        let (path, place) = (path.display(), source.place());
        let (pixels, [h, w]) = (model.inputs(), [dataset.images().rows, dataset.images().cols]);
        ensure!(
            pixels == h * w,
            "{path}: expected a model of images of {h} x {w}, as in {place}, found one of {pixels} pixels"
        );
        Ok(model)
    }
}

/// A model in `--out`, a new one if need be.
fn find(common: &Common, mnist: &Mnist, latent: usize, source: &Source) -> Result<PathBuf> {
    let name = vae::folder(latent);
    let place = |folder: &str| common.out.join("step07").join(folder).join("model.safetensors");
    let places = || [place(&name), place(&format!("{name}_quick"))];
    let path = match source.taught(places())? {
        Some(path) => path,
        None => {
            vae::run(common, mnist, &vae::Flags { training: TrainingFlags::quick(), latent, hidden: vae::HIDDEN })?;
            source.taught(places())?.expect("vae has written one")
        }
    };
    println!("model: {}", path.display());
    Ok(path)
}

/// A VAE of the sizes that the file says.
fn read(path: &Path) -> Result<Vae> {
    let state = checkpoint::read(path)?;
    let shape = |name| match state.get(name) {
        Some(Data::Real(weight)) => weight.shape().to_vec(),
        _ => vec![],
    };
    // Both weights together hold as many numbers as a third of the model: a file cannot ask for one much larger than itself.
    let (first, second) = (shape("encoder.linear.weight"), shape("decoder.linear1.weight"));
    let sizes = match (&first[..], &second[..]) {
        (&[hidden, inputs], &[rows, latent]) if hidden == rows && hidden * inputs * latent > 0 => {
            Some((inputs, hidden, latent))
        }
        _ => None,
    };
    ensure!(
        sizes.is_some(),
        "{}: holds no VAE: expected `encoder.linear.weight` (h, x) and `decoder.linear1.weight` (h, z)",
        path.display()
    );
    let (inputs, hidden, latent) = sizes.expect("just checked");
    let model = Vae::new(inputs, hidden, latent, &mut Rng::new(0, "init", 0));
    nn::load_state_dict(&model, state).with_context(|| format!("a VAE {inputs}-{hidden}-{latent} was expected"))?;
    Ok(model)
}
