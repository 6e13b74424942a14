//! The same digits with more and more guidance.

use super::DIGITS;
use crate::common::cli::{Common, capped};
use crate::common::images::save_grid;
use crate::common::run::RunFolder;
use crate::step06::Judge;
use crate::step09::{Diffuser, Label, Sampler, draw, report};
use anyhow::{Result, ensure};
use tsukuru::Real;
use tsukuru::tensor::Tensor;

/// The rows of a picture.
const GAMMAS: [f64; 4] = [0.0, 1.0, 3.0, 7.0];
/// Its columns.
const COLUMNS: usize = 10;

/// The `--gamma` that was given, or the book's.
///
/// # Errors
/// If it is no number that guidance can have.
pub fn check(gamma: Option<f64>) -> Result<f64> {
    let gamma = gamma.unwrap_or(3.0);
    ensure!((-100.0..=100.0).contains(&gamma), "--gamma {gamma}: expected -100 to 100");
    Ok(gamma)
}

/// One picture for each digit: a row for each gamma, and in a column what became of the same noise.
/// `eps(x, t, labels, gamma)` is the noise in a batch of images at time t that are to show `labels`; the `judge` sees
/// each gamma's.
pub fn draw_grids(
    common: &Common,
    run: &RunFolder,
    diffuser: &Diffuser,
    sampler: Sampler,
    [h, w]: [usize; 2],
    judge: Option<&Judge>,
    eps: impl Fn(&Tensor, usize, &[Label], f64) -> Tensor,
) -> Result<()> {
    let columns = capped(COLUMNS, 2);
    let labels: Vec<Label> = (0..DIGITS * columns).map(|i| Some(i / columns)).collect();
    let mut rows = Vec::with_capacity(GAMMAS.len());
    for gamma in GAMMAS {
        println!("every digit with gamma = {gamma}");
        let x = draw(common, diffuser, sampler, [h, w], &labels, |x, t, labels| eps(x, t, labels, gamma))?;
        judge.map_or(Ok(()), |judge| report(judge, &x, &labels))?;
        rows.push(x);
    }
    let pixels = columns * h * w;
    for digit in 0..DIGITS {
        let of_digit: Vec<&[Real]> = rows.iter().map(|row| &row.data()[digit * pixels..][..pixels]).collect();
        let path = run.file(&format!("guidance/digit_{digit}.png"))?;
        save_grid(&path, &Tensor::new([GAMMAS.len() * columns, 1, h, w], &of_digit.concat()), columns)?;
        println!("{}", path.display());
    }
    Ok(())
}
