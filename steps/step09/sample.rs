//! Draws digits with a model that was trained before.

use super::{Diffuser, Export, JudgeFlag, Kind, SamplerFlags, Stored, T, deliver, draw, read_unconditional};
use crate::common::cli::{Common, Mnist, capped};
use crate::common::run::RunFolder;
use anyhow::{Result, ensure};
use clap::Args;
use std::path::PathBuf;

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
    #[command(flatten)]
    pub sampler: SamplerFlags,
    #[command(flatten)]
    pub judge: JudgeFlag,
}

/// Images that are drawn by one call.
pub const MOST: usize = 100_000;

pub fn run(common: &Common, mnist: &Mnist, flags: &Flags) -> Result<()> {
    ensure!((1..=MOST).contains(&flags.count), "--count {}: expected 1 to {MOST}", flags.count);
    let diffuser = Diffuser::new(capped(T, 10));
    let sampler = flags.sampler.choose(Kind::Ancestral, &diffuser)?;
    let Stored { model, size, .. } = read_unconditional(&flags.model)?;
    let judge = flags.judge.find(common, mnist)?;
    let export = flags.export.as_deref().map(Export::new).transpose()?;
    let run = RunFolder::open(&common.out, "step09", "sample", false)?;

    let labels = vec![None; capped(flags.count, 4)];
    let x = draw(common, &diffuser, sampler, size, &labels, |x, t, labels| model.noise(x, t, labels))?;
    deliver(&run, &x, &labels, 10, export, judge)
}
