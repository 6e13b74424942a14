//! # Step 12: one scale of nats
//!
//! How probable does a model find data that it has not seen? The models of the course answer in different ways: a mixture
//! exactly, autoencoders and diffusion models by a bound, flows by an integral. This step brings all answers to one scale,
//! nats per image of the same dequantised data, each with its standard error.
//!
//! [`bounds`] are those of a [`Hierarchy`] of latent variables, [`diffusion_elbo`] and [`log_density`] those of a [`Denoiser`],
//! which a network of step 11 is, whatever it predicts. Programs: [`gaussian`], [`vae`], [`unet`], [`likelihoods`].

mod denoiser;
mod diffusion_elbo;
pub mod gaussian;
mod hierarchy;
pub mod likelihoods;
pub mod linear;
mod model;
mod model_file;
mod nats;
mod probability_flow;
pub mod unet;
pub mod vae;

pub use denoiser::{Denoiser, NetworkDenoiser};
pub use diffusion_elbo::{LEVELS, diffusion_elbo};
pub use hierarchy::{Hierarchy, bounds, log_weight};
pub use model::Vae;
pub use nats::{Estimate, bits_per_dim, dequantize};
pub use probability_flow::{Trace, generate, log_density};
