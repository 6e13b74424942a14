//! Draws digits with a model that was trained before.

use super::{Diffuser, T, UNet};
use crate::common::cli::{Common, capped};
use crate::common::images::{byte, save_grid};
use crate::common::progress::Progress;
use crate::common::run::RunFolder;
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use tsukuru::checkpoint::{self, Data};
use tsukuru::data::idx::{self, Images};
use tsukuru::files::write_whole;
use tsukuru::nn;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// A model.safetensors that diffusion_model, or PyTorch, has written
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// How many images to draw
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub count: usize,
    /// Also write the images as STEM-images-idx3-ubyte.gz, which must not be there yet
    #[arg(long, value_name = "STEM")]
    pub export: Option<PathBuf>,
}

/// Images that are drawn at once.
const BATCH: usize = 100;
const SIDE: usize = 28;
/// Images that are drawn by one call.
const MOST: usize = 100_000;

pub fn run(common: &Common, flags: &Flags) -> Result<()> {
    ensure!((1..=MOST).contains(&flags.count), "--count {}: expected 1 to {MOST}", flags.count);
    let model = read_model(&flags.model)?;
    let export = flags.export.as_deref().map(free_path).transpose()?;
    let run = RunFolder::open(&common.out, "step09", "sample", false)?;
    let diffuser = Diffuser::new(capped(T, 10));
    let count = capped(flags.count, 4);

    let batches = count.div_ceil(BATCH);
    let mut progress = Progress::new("sampling", batches * diffuser.steps(), 0, common.quiet);
    let mut pixels = Vec::with_capacity(count * SIDE * SIDE);
    for batch in 0..batches {
        let shape = [BATCH.min(count - batch * BATCH), 1, SIDE, SIDE];
        let mut rng = Rng::new(common.seed, "sampling", batch as u64);
        let x = diffuser.sample(&model, shape, &mut rng, |_, _| progress.step(String::new));
        pixels.extend_from_slice(x.data());
    }
    progress.finish();

    let path = run.file("samples.png")?;
    let x = Tensor::new([count, 1, SIDE, SIDE], &pixels);
    save_grid(&path, &x, 10)?;
    println!("{}", path.display());
    if let Some(path) = export {
        let pixels = pixels.iter().map(|&x| byte(x)).collect();
        idx::write_images(&path, &Images { count, rows: SIDE, cols: SIDE, pixels })?;
        println!("{}", path.display());
    }
    Ok(())
}

/// The file of images that `--export STEM` names; before any work is done, it must be free and can be written.
fn free_path(stem: &Path) -> Result<PathBuf> {
    let mut path = stem.as_os_str().to_os_string();
    path.push("-images-idx3-ubyte.gz");
    let path = PathBuf::from(path);
    ensure!(!path.exists(), "--export: {} is there already", path.display());
    let tried = write_whole(&path, |_| Ok(())).and_then(|()| fs::remove_file(&path));
    tried.with_context(|| format!("--export: {} cannot be written", path.display()))?;
    Ok(path)
}

/// A U-Net of the width that the file says.
fn read_model(path: &Path) -> Result<UNet> {
    let state = checkpoint::read(path)?;
    let shape = |name| match state.get(name) {
        Some(Data::Real(weight)) => weight.shape().to_vec(),
        _ => vec![],
    };
    // The second weight holds width^2 numbers: a file cannot ask for a model much larger than itself.
    let width = shape("down1.convs.0.weight").first().copied().unwrap_or(0);
    let is_unet = width > 0 && shape("down1.convs.3.weight") == [width, width, 3, 3];
    ensure!(is_unet, "{}: holds no U-Net: expected `down1.convs.3.weight` of shape (w, w, 3, 3)", path.display());
    let model = UNet::new(1, width, &mut Rng::new(0, "init", 0));
    nn::load_state_dict(&model, state).with_context(|| format!("a U-Net of width {width} was expected"))?;
    Ok(model)
}
