//! # Step 8: hierarchical latent variables, and the theory of diffusion
//!
//! The prior of step 7 is N(0, I). Here it becomes a model with latent variables of its own: a second level. A model with
//! many levels, whose encoder adds noise and is not trained, is a diffusion model (Ho et al., 2020; Luo, 2022; chapter 8
//! of the book).
//!
//! [`Hvae`] is the model with two levels; [`Schedule`] is the forward process, [`GaussianDiffusion`] a diffusion model of
//! one number whose ELBO is known. Programs: [`hvae`], [`forward_process`], [`elbo`].

pub mod elbo;
pub mod forward_process;
mod gaussian_diffusion;
pub mod hvae;
mod model;
mod schedule;

pub use gaussian_diffusion::GaussianDiffusion;
pub use model::{Hvae, HvaeLoss};
pub use schedule::{NoiseSchedule, Schedule, T};
