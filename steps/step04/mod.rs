//! # Step 4: the Gaussian mixture
//!
//! Data with two humps: first a component is drawn, then a point from its bell (chapter 4 of the book).
//!
//! [`GaussianMixture`] is the type that later steps use.

pub mod data;
mod gaussian_mixture;

pub use gaussian_mixture::{GaussianMixture, MixtureError, log_sum_exp};
