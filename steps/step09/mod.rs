//! # Step 9: a diffusion model
//!
//! Noise is added to an image in T small steps (the forward process); a network learns to predict the noise that was
//! added, so that it can be removed again, step by step, from pure noise (the reverse process: Ho, Jain, Abbeel, 2020;
//! chapter 9 of the book).
//!
//! [`Diffuser`] has the noise schedule, [`UNet`] predicts the noise, given the time as a [`time_encoding`], and
//! [`Sampler`] is the reverse process.
//! Programs: [`gaussian_noise`], [`simple_unet`], [`diffusion_model`], [`sample`].

mod autoguidance;
mod config;
mod diffuser;
pub mod diffusion_model;
mod draw;
mod evaluation;
mod export;
pub mod gaussian_noise;
mod generate;
mod model_file;
pub mod sample;
mod sampler;
pub mod simple_unet;
mod unet;

pub use crate::step08::{NoiseSchedule, Schedule, T};
pub use autoguidance::Autoguidance;
pub use config::{Conditioning, DiffusionConfig, Flags, MAX_WIDTH, UNetConfig, UNetFlags, load_images};
pub use diffuser::{Diffuser, TimestepSampling};
pub use draw::{COLUMNS, SAMPLES, draw_results, draw_samples, sampling_seconds};
pub use evaluation::{EvaluatorFlag, print_metrics};
pub use export::Export;
pub use generate::{generate, in_batches, write_images};
pub use model_file::{TrainedUNet, build_unet, load_unet, read_unconditional, read_unet};
#[cfg(test)]
pub(crate) use sampler::tests::best_eps;
pub use sampler::{Sampler, SamplerFlags, SamplerKind};
pub use unet::{ConvBlock, Label, MidBlock, TIME_DIM, UNet, time_encoding};
