//! # Step 10: guidance
//!
//! A diffusion model that draws the digit you ask for. It is told the label (chapter 10 of the book), and then led
//! towards it: by what it sees more with the label than without (Ho and Salimans, 2022), or by a classifier of noisy
//! images (Dhariwal and Nichol, 2021).
//!
//! The U-Net is that of step 9, which can be told a [`Label`](super::step09::Label); [`NoisyClassifier`] is half of it.
//! Programs: [`conditional`], [`classifier_free_guidance`], [`classifier_guidance`], [`sample`].

pub mod classifier_free_guidance;
pub mod classifier_guidance;
pub mod conditional;
mod gammas;
mod noisy_classifier;
pub mod sample;

pub use noisy_classifier::NoisyClassifier;

/// How many digits there are.
pub const DIGITS: usize = 10;
