//! The same digits with more and more guidance.

use crate::common::cli::Common;
use crate::common::images::{Captions, save_captioned_grid};
use crate::common::run::RunFolder;
use crate::step06::Evaluator;
use crate::step09::{COLUMNS, Diffuser, Label, Sampler, generate, print_metrics};
use anyhow::{Result, ensure};
use tsukuru::Real;
use tsukuru::data::Dataset;
use tsukuru::tensor::Tensor;

/// The guidance scales gamma, one for each row of a picture.
const GUIDANCE_SCALES: [f64; 4] = [0.0, 1.0, 3.0, 7.0];
/// Labels that are drawn, at most.
const LABELS: usize = 10;

/// The `--gamma` that was given, or the book's.
///
/// # Errors
/// If it is not from -100 to 100.
pub fn resolve_gamma(gamma: Option<f64>) -> Result<f64> {
    let gamma = gamma.unwrap_or(3.0);
    ensure!((-100.0..=100.0).contains(&gamma), "--gamma {gamma}: expected -100 to 100");
    Ok(gamma)
}

/// One picture for each label of a data set, or the first ten: a row for each guidance scale; the images of a column begin with the same noise.
/// `eps(x, t, labels, gamma)` is the guided noise in a batch of images at time t with these target labels; the
/// `evaluator` gets the images of each scale.
///
/// # Errors
/// If a file cannot be written, or the images are not finite.
pub fn draw_grids(
    common: &Common,
    folder: &RunFolder,
    diffuser: &Diffuser,
    sampler: Sampler,
    dataset: &Dataset,
    evaluator: Option<&Evaluator>,
    eps: impl Fn(&Tensor, usize, &[Label], f64) -> Tensor,
) -> Result<()> {
    let columns = COLUMNS.min(common.limits.samples_per_label);
    let (size @ [c, h, w], classes) = (dataset.images().size(), dataset.classes().len().min(LABELS));
    let labels: Vec<Label> = (0..classes * columns).map(|i| Some(i / columns)).collect();
    let mut rows = Vec::with_capacity(GUIDANCE_SCALES.len());
    for gamma in GUIDANCE_SCALES {
        println!("every label with gamma = {gamma}");
        let x = generate(common, diffuser, sampler, size, &labels, |x, t, labels| eps(x, t, labels, gamma))?;
        evaluator.map_or(Ok(()), |evaluator| print_metrics(evaluator, &x, &labels))?;
        rows.push(x);
    }
    let pixels = columns * c * h * w;
    for label in 0..classes {
        let of_label: Vec<&[Real]> = rows.iter().map(|row| &row.data()[label * pixels..][..pixels]).collect();
        let path = folder.file(&format!("guidance/label_{label}.png"))?;
        let x = Tensor::new([rows.len() * columns, c, h, w], &of_label.concat());
        save_captioned_grid(
            &path,
            &x,
            columns,
            &Captions::beside(GUIDANCE_SCALES.map(|gamma| format!("γ = {gamma}"))),
        )?;
        println!("{}", path.display());
    }
    Ok(())
}
