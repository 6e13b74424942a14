//! # Step 4: the Gaussian mixture
//!
//! A Gaussian mixture model (GMM) describes data with several clusters by a latent variable z: first z is drawn, which
//! chooses a component, then the point x from the normal distribution of that component (chapter 4 of the book).
//!
//! [`GaussianMixture`] is the type that later steps use. Programs: [`old_faithful`], [`gmm`], [`gmm_sampling`],
//! [`two_groups`].

mod data;
mod gaussian_mixture;
pub mod gmm;
pub mod gmm_sampling;
pub mod old_faithful;
pub mod two_groups;

pub use data::OldFaithfulArgs;
pub use gaussian_mixture::{GaussianMixture, MixtureError, log_sum_exp};
