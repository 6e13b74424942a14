//! Trains a U-Net that is told which digit it sees.

use super::DIGITS;
use crate::common::cli::{Common, Mnist};
use crate::step09::{Flags, Kind, Label, Lesson, TOLD_ALL};
use anyhow::Result;

pub fn run(common: &Common, mnist: &Mnist, flags: &Flags) -> Result<()> {
    let lesson = Lesson {
        place: ("step10", "conditional"),
        labels: DIGITS,
        told: &|labels, _| labels.iter().copied().map(Some).collect(),
        name_of_told: TOLD_ALL,
        asked: every_digit_twice(),
        eps: &|model, x, t, labels| model.noise(x, t, labels),
        sampler: Kind::Ddim,
    };
    lesson.train(common, mnist, flags)?;
    Ok(())
}

/// 0 to 9, and 0 to 9 again: two rows of a picture.
pub fn every_digit_twice() -> Vec<Label> {
    (0..2 * DIGITS).map(|i| Some(i % DIGITS)).collect()
}
