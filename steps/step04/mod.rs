//! # Step 4: the Gaussian mixture
//!
//! Data with two humps: first a component is drawn, then a point from its bell (chapter 4 of the book).
//!
//! [`GaussianMixture`] is the type that later steps use. Programs: [`old_faithful`], [`gmm`], [`gmm_sampling`],
//! [`two_groups`].

mod data;
mod gaussian_mixture;
pub mod gmm;
pub mod gmm_sampling;
pub mod old_faithful;
pub mod two_groups;

pub use data::Geyser;
pub use gaussian_mixture::{GaussianMixture, MixtureError, log_sum_exp};
