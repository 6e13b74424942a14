//! # Step 10: guidance
//!
//! A diffusion model that generates the digit that is asked for. It is conditioned on the label (chapter 10 of the book),
//! and then guided towards it: classifier-free, by the difference that the label makes to the predicted noise (Ho and
//! Salimans, 2022), or by a classifier of noisy images (Dhariwal and Nichol, 2021).
//!
//! A trained model also edits images: it fills what a mask hides, makes a digit of a drawing, and goes from one image to
//! another.
//!
//! The U-Net is that of step 9, which can be conditioned on a [`Label`]; [`NoisyClassifier`] is half of it.
//! Programs: [`conditional`], [`classifier_free_guidance`], [`classifier_guidance`], [`sample`], [`inpaint`],
//! [`sdedit`], [`interpolate`].

pub mod classifier_free_guidance;
pub mod classifier_guidance;
pub mod conditional;
mod editor;
mod find_model;
mod guidance_scales;
pub mod inpaint;
pub mod interpolate;
mod noisy_classifier;
mod repaint;
pub mod sample;
pub mod sdedit;

pub use classifier_free_guidance::{drop_labels, guided, guided_noise};
pub use editor::{Editor, EditorFlags};
pub use find_model::find_model;
pub use noisy_classifier::NoisyClassifier;
pub use sample::LabelFlags;

use crate::common::images::Captions;
use crate::step09::{COLUMNS, Label, SAMPLES};
use tsukuru::data::Dataset;

/// How many digits there are.
pub const DIGITS: usize = 10;

/// The labels of the images that a training generates after each epoch, the same in every row: the first ten, or all of them
/// again and again.
pub fn target_labels(dataset: &Dataset) -> Vec<Label> {
    (0..SAMPLES).map(|i| Some(i % COLUMNS % dataset.classes().len())).collect()
}

/// The names of [`target_labels`] above the first row.
pub fn target_captions(dataset: &Dataset) -> Captions {
    let names =
        target_labels(dataset).into_iter().take(COLUMNS).flatten().map(|label| dataset.classes()[label].clone());
    Captions::within(names, dataset.images().cols)
}
