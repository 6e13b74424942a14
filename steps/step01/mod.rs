//! # Step 1: the normal distribution
//!
//! The density of the normal distribution, its parameters mu and sigma, and the central limit theorem: sums and means of
//! many independent numbers are nearly normal (chapter 1 of the book).
//!
//! [`Normal`] is the type that later steps use. Programs: [`norm_dist`], [`norm_param`], [`sample_avg`], [`sample_sum`].

pub mod norm_dist;
pub mod norm_param;
mod normal;
pub mod sample_avg;
pub mod sample_sum;

pub use normal::{FitError, Normal};
