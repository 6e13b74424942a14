//! Reads a trained model, for the programs that examine one.

use super::model::Vae;
use super::vae;
use crate::common::cli::{Common, MnistArgs};
use crate::common::images::size_name;
use crate::common::model_file;
use crate::common::quick_model::find_or_train;
use crate::common::training::TrainingFlags;
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::{Path, PathBuf};
use tsukuru::checkpoint::Data;
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
    /// The model that was named; else one with a latent variable of size `latent` that `vae` has trained on the same
    /// data set; else a new one.
    ///
    /// # Errors
    /// If the file holds none, or one for images of other sizes than those of `dataset`, or the training fails.
    pub fn read(&self, common: &Common, mnist: &MnistArgs, latent: usize, dataset: &Dataset) -> Result<Vae> {
        let source = mnist.source()?;
        let path = match &self.model {
            Some(path) => path.clone(),
            None => {
                let (folder, command) =
                    (format!("step07/{}", vae::folder(latent)), format!("vae --quick --latent {latent}"));
                let flags = vae::Flags { training: TrainingFlags::quick(), latent, hidden: vae::HIDDEN };
                find_or_train(common, &source, &folder, &command, |common| vae::run(common, mnist, &flags))?
            }
        };
        let model = read(&path)?;
        let (path, location) = (path.display(), source.location());
        let (numbers, size) = (model.inputs(), dataset.images().size());
        ensure!(
            numbers == size.iter().product::<usize>(),
            "{path}: expected a model of images of {}, as in {location}, found one of {numbers} pixels",
            size_name(size)
        );
        Ok(model)
    }
}

/// A VAE with the sizes of the file.
fn read(path: &Path) -> Result<Vae> {
    let state = model_file::read(path)?;
    let shape = |name| match state.get(name) {
        Some(Data::Real(weight)) => weight.shape().to_vec(),
        _ => vec![],
    };
    // These weights hold a third of the model's numbers, so a small file cannot claim a large model.
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
