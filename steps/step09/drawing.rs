//! Drawing many digits with a model that was trained before, and where they go.

use super::{Diffuser, Label, Sampler, TIME_DIM, TOLD_ALL, UNet, report};
use crate::common::cli::Common;
use crate::common::images::{byte, save_grid};
use crate::common::progress::Progress;
use crate::common::run::RunFolder;
use crate::step06::Judge;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use tsukuru::checkpoint::{self, Data};
use tsukuru::data::idx::{self, Images};
use tsukuru::files::write_whole;
use tsukuru::nn;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// Images that are drawn at once.
const BATCH: usize = 100;
/// Pixels of MNIST's digits.
const SIZE: [usize; 2] = [28, 28];

/// A U-Net from a file, and what the file says of its training.
pub struct Stored {
    pub model: UNet,
    /// How it was told labels ([`Lesson::name_of_told`](super::Lesson::name_of_told)); empty where the file does not say so.
    pub told: String,
    /// Height and width of the images; MNIST's where the file does not say so.
    pub size: [usize; 2],
}

/// One image (1, H, W) for each label, as x (N, 1, H, W). `eps(x, t, labels)` is the noise in a batch of images at time t
/// that are to show `labels`.
///
/// # Errors
/// If a pixel is not finite.
pub fn draw(
    common: &Common,
    diffuser: &Diffuser,
    sampler: Sampler,
    [h, w]: [usize; 2],
    labels: &[Label],
    eps: impl Fn(&Tensor, usize, &[Label]) -> Tensor,
) -> Result<Tensor> {
    let steps = labels.len().div_ceil(BATCH) * (sampler.times(diffuser).len() - 1);
    let mut progress = Progress::new("sampling", steps, 0, common.quiet);
    let mut pixels = Vec::with_capacity(labels.len() * h * w);
    for (batch, labels) in labels.chunks(BATCH).enumerate() {
        let mut rng = Rng::new(common.seed, "sampling", batch as u64);
        let eps = |x: &Tensor, t: usize| eps(x, t, labels);
        let shape = [labels.len(), 1, h, w];
        let x = sampler.sample(diffuser, eps, shape, &mut rng, |_, _| progress.step(String::new));
        pixels.extend_from_slice(x.data());
    }
    progress.finish();
    let finite = pixels.iter().all(|pixel| pixel.is_finite());
    ensure!(finite, "the model draws numbers that are not finite: are its own, or is --gamma too far from 0?");
    Ok(Tensor::new([labels.len(), 1, h, w], &pixels))
}

/// Writes digits x (N, 1, H, W), that were to show labels (N), as a picture and wherever else they are wanted.
pub fn deliver(
    run: &RunFolder,
    x: &Tensor,
    labels: &[Label],
    columns: usize,
    export: Option<Export>,
    judge: Option<Judge>,
) -> Result<()> {
    let path = run.file("samples.png")?;
    save_grid(&path, x, columns)?;
    println!("{}", path.display());
    export.map_or(Ok(()), |export| export.write(x, labels))?;
    judge.map_or(Ok(()), |judge| report(&judge, x, labels))
}

/// The files that `--export STEM` names.
pub struct Export {
    stem: PathBuf,
}

impl Export {
    /// Before any work is done: the files must be free and can be written.
    ///
    /// # Errors
    /// If they are there already, or cannot be written.
    pub fn new(stem: &Path) -> Result<Export> {
        let export = Export { stem: stem.into() };
        for path in [export.path("images-idx3"), export.path("labels-idx1")] {
            ensure!(!path.exists(), "--export: {} is there already", path.display());
            let tried = write_whole(&path, |_| Ok(())).and_then(|()| fs::remove_file(&path));
            tried.with_context(|| format!("--export: {} cannot be written", path.display()))?;
        }
        Ok(export)
    }

    /// Writes digits x (N, 1, H, W), and the labels (N) if they have such.
    pub fn write(&self, x: &Tensor, labels: &[Label]) -> Result<()> {
        let (count, rows, cols) = (x.shape()[0], x.shape()[2], x.shape()[3]);
        let pixels = x.data().iter().map(|&x| byte(x)).collect();
        let path = self.path("images-idx3");
        idx::write_images(&path, &Images { count, rows, cols, pixels })?;
        println!("{}", path.display());
        if let Some(labels) = labels.iter().map(|label| label.map(|label| label as u8)).collect::<Option<Vec<u8>>>() {
            let path = self.path("labels-idx1");
            idx::write_labels(&path, &labels)?;
            println!("{}", path.display());
        }
        Ok(())
    }

    fn path(&self, what: &str) -> PathBuf {
        let mut path = self.stem.as_os_str().to_os_string();
        path.push(format!("-{what}-ubyte.gz"));
        path.into()
    }
}

/// A model that has also learnt to see noise without a label.
///
/// # Errors
/// As [`read_unet`], or if it was told the label of every image.
pub fn read_unconditional(path: &Path) -> Result<Stored> {
    let stored = read_unet(path)?;
    let expected = "expected a model that has also learnt without labels";
    let found = "found one that was told the label of every image; `step10 -- sample` draws with it";
    ensure!(stored.told != TOLD_ALL, "{}: {expected}, {found}", path.display());
    Ok(stored)
}

/// A U-Net of the width, and with the labels, that the file says.
///
/// # Errors
/// If the file is damaged, or holds something else.
pub fn read_unet(path: &Path) -> Result<Stored> {
    let state = checkpoint::read(path)?;
    let settings = &state.meta["settings"];
    let told = settings["labels"].as_str().unwrap_or_default().to_string();
    let can_be = |size: &[usize; 2]| size.iter().all(|side| side.is_multiple_of(4) && (8..=1024).contains(side));
    let size = serde_json::from_value(settings["size"].clone()).ok().filter(can_be).unwrap_or(SIZE);
    let shape = |name| match state.get(name) {
        Some(Data::Real(weight)) => weight.shape().to_vec(),
        _ => vec![],
    };
    // The second weight holds width^2 numbers: a file cannot ask for a model much larger than itself.
    let width = shape("down1.convs.0.weight").first().copied().unwrap_or(0);
    let is_unet = width > 0 && shape("down1.convs.3.weight") == [width, width, 3, 3];
    ensure!(is_unet, "{}: holds no U-Net: expected `down1.convs.3.weight` of shape (w, w, 3, 3)", path.display());
    let mut rng = Rng::new(0, "init", 0);
    let mut model = UNet::new(1, width, &mut rng);
    if let [labels, TIME_DIM] = shape("label_emb.weight")[..] {
        model = model.with_labels(labels, &mut rng);
    }
    nn::load_state_dict(&model, state).with_context(|| format!("a U-Net of width {width} was expected"))?;
    Ok(Stored { model, told, size })
}
