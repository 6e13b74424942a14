//! The same digits with more and more guidance.

use super::DIGITS;
use crate::common::cli::Common;
use crate::common::images::{Captions, save_captioned_grid};
use crate::common::run::RunFolder;
use crate::step06::Evaluator;
use crate::step09::{Diffuser, Label, Sampler, generate, print_metrics};
use anyhow::{Result, ensure};
use tsukuru::Real;
use tsukuru::tensor::Tensor;

/// The guidance scales gamma, one for each row of a picture.
const GUIDANCE_SCALES: [f64; 4] = [0.0, 1.0, 3.0, 7.0];
/// Images in a row.
const COLUMNS: usize = 10;

/// The `--gamma` that was given, or the book's.
///
/// # Errors
/// If it is not from -100 to 100.
pub fn resolve_gamma(gamma: Option<f64>) -> Result<f64> {
    let gamma = gamma.unwrap_or(3.0);
    ensure!((-100.0..=100.0).contains(&gamma), "--gamma {gamma}: expected -100 to 100");
    Ok(gamma)
}

/// One picture for each digit: a row for each guidance scale; the images of a column begin with the same noise.
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
    [h, w]: [usize; 2],
    evaluator: Option<&Evaluator>,
    eps: impl Fn(&Tensor, usize, &[Label], f64) -> Tensor,
) -> Result<()> {
    let columns = COLUMNS.min(common.limits.samples_per_label);
    let labels: Vec<Label> = (0..DIGITS * columns).map(|i| Some(i / columns)).collect();
    let mut rows = Vec::with_capacity(GUIDANCE_SCALES.len());
    for gamma in GUIDANCE_SCALES {
        println!("every digit with gamma = {gamma}");
        let x = generate(common, diffuser, sampler, [h, w], &labels, |x, t, labels| eps(x, t, labels, gamma))?;
        evaluator.map_or(Ok(()), |evaluator| print_metrics(evaluator, &x, &labels))?;
        rows.push(x);
    }
    let pixels = columns * h * w;
    for digit in 0..DIGITS {
        let of_digit: Vec<&[Real]> = rows.iter().map(|row| &row.data()[digit * pixels..][..pixels]).collect();
        let path = folder.file(&format!("guidance/digit_{digit}.png"))?;
        let x = Tensor::new([rows.len() * columns, 1, h, w], &of_digit.concat());
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
