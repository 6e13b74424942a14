//! # Step 8: a hierarchy of hidden numbers, and the theory of diffusion
//!
//! The prior of step 7 is a plain N(0, I). Here it becomes a model of its own, with hidden numbers of its own: a second
//! storey. Storeys upon storeys, whose upward way adds noise and learns nothing, are a diffusion model (Ho et al.,
//! 2020; Luo, 2022; chapter 8 of the book).
//!
//! [`Hvae`] is the model of two storeys; [`Schedule`] says how noise is added, [`GaussianDiffusion`] is a diffusion model
//! of one number whose ELBO is known. Programs: [`hvae`], [`forward_process`], [`elbo`].

pub mod elbo;
pub mod forward_process;
mod gaussian_diffusion;
pub mod hvae;
mod model;
mod schedule;

pub use gaussian_diffusion::GaussianDiffusion;
pub use model::{Hvae, HvaeLoss};
pub use schedule::Schedule;
