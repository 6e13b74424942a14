//! # Step 9: a diffusion model
//!
//! Noise is added to an image in T small steps; a network learns to see which noise was added, so that it can take it
//! away again, step by step, from an image that is nothing but noise (Ho, Jain, Abbeel, 2020; chapter 9 of the book).
//!
//! [`Diffuser`] knows the noise schedule, [`UNet`] guesses the noise, [`time_encoding`] tells it how much there is,
//! [`Sampler`] goes the way back.
//! Programs: [`gaussian_noise`], [`simple_unet`], [`diffusion_model`], [`sample`].

mod diffuser;
pub mod diffusion_model;
mod drawing;
pub mod gaussian_noise;
mod judging;
pub mod sample;
mod sampler;
pub mod simple_unet;
mod train;
mod unet;

pub use diffuser::{Diffuser, T};
pub use drawing::{Export, Stored, deliver, draw, read_unconditional, read_unet};
pub use judging::{JudgeFlag, report};
pub use sampler::{Kind, Sampler, SamplerFlags};
pub use train::{Flags, Lesson, TOLD_ALL, Trained, images};
pub use unet::{ConvBlock, Label, TIME_DIM, UNet, time_encoding};
