//! # Step 10: guidance
//!
//! A diffusion model that generates the digit that is asked for. It is conditioned on the label (chapter 10 of the book),
//! and then guided towards it: classifier-free, by the difference that the label makes to the predicted noise (Ho and
//! Salimans, 2022), or by a classifier of noisy images (Dhariwal and Nichol, 2021).
//!
//! The U-Net is that of step 9, which can be conditioned on a [`Label`]; [`NoisyClassifier`] is half of it.
//! Programs: [`conditional`], [`classifier_free_guidance`], [`classifier_guidance`], [`sample`].

pub mod classifier_free_guidance;
pub mod classifier_guidance;
pub mod conditional;
mod guidance_scales;
mod noisy_classifier;
pub mod sample;

pub use classifier_free_guidance::{drop_labels, guided};
pub use noisy_classifier::NoisyClassifier;
pub use sample::DigitFlags;

use crate::step09::{Label, SAMPLES};

/// How many digits there are.
pub const DIGITS: usize = 10;

/// The labels of the images that a training generates after each epoch: 0 to 9, and again.
fn target_labels() -> [Label; SAMPLES] {
    std::array::from_fn(|i| Some(i % DIGITS))
}
