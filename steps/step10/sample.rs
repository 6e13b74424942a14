//! Draws the digits that are asked for.

use super::classifier_free_guidance::guided;
use super::{DIGITS, gammas};
use crate::common::cli::{Common, Mnist, capped};
use crate::common::run::RunFolder;
use crate::step09::sample::MOST;
use crate::step09::{
    Diffuser, Export, JudgeFlag, Kind, Label, SamplerFlags, Stored, T, TOLD_ALL, deliver, draw, read_unet,
};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// A model.safetensors that classifier_free_guidance or conditional has written
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// The digits to draw, such as 0123456789 or 1984
    #[arg(long, value_name = "DIGITS", default_value = "0123456789")]
    pub labels: String,
    /// How often to draw them all
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub count: usize,
    /// How much guidance: 0 none, 1 the label as it was told, more exaggerates it [default: 3; with a model of conditional: 1]
    #[arg(long, allow_negative_numbers = true)]
    pub gamma: Option<f64>,
    /// Also write STEM-images-idx3-ubyte.gz and STEM-labels-idx1-ubyte.gz, which must not be there yet
    #[arg(long, value_name = "STEM")]
    pub export: Option<PathBuf>,
    #[command(flatten)]
    pub sampler: SamplerFlags,
    #[command(flatten)]
    pub judge: JudgeFlag,
}

pub fn run(common: &Common, mnist: &Mnist, flags: &Flags) -> Result<()> {
    let digits = digits(&flags.labels)?;
    let most = MOST / digits.len();
    ensure!((1..=most).contains(&flags.count), "--count {}: expected 1 to {most}", flags.count);
    let diffuser = Diffuser::new(capped(T, 10));
    let sampler = flags.sampler.choose(Kind::Ddim, &diffuser)?;
    let Stored { model, told, size } = read_unet(&flags.model)?;
    // Without a label it sees no noise, so that there is no way from there to go further along.
    let gamma = gammas::check(flags.gamma.or((told == TOLD_ALL).then_some(1.0)))?;
    let path = flags.model.display();
    let known = model.label_emb.as_ref().map_or(0, |labels| labels.weight.shape()[0]);
    ensure!(known == DIGITS, "{path}: expected a model that knows {DIGITS} labels, found one that knows {known}");
    let judge = flags.judge.find(common, mnist)?;
    let export = flags.export.as_deref().map(Export::new).transpose()?;
    let run = RunFolder::open(&common.out, "step10", "sample", false)?;

    let labels: Vec<Label> = digits.repeat(capped(flags.count, 2));
    let x = draw(common, &diffuser, sampler, size, &labels, |x, t, labels| guided(&model, x, t, labels, gamma))?;
    deliver(&run, &x, &labels, digits.len(), export, judge)
}

/// The digits of `--labels`.
fn digits(labels: &str) -> Result<Vec<Label>> {
    ensure!((1..=100).contains(&labels.len()), "--labels: expected 1 to 100 digits, found {}", labels.len());
    let digit = |c: char| {
        let digit = c.to_digit(10).with_context(|| format!("--labels {labels}: expected digits, found {c:?}"))?;
        Ok(Some(digit as usize))
    };
    labels.chars().map(digit).collect()
}
