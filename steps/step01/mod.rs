//! # Step 1: the normal distribution
//!
//! The bell curve: its density, what mu and sigma do to it, and why sums and means of almost anything end up under it
//! (chapter 1 of the book).
//!
//! [`Normal`] is the type that later steps use. Programs: [`norm_dist`], [`norm_param`], [`sample_avg`], [`sample_sum`].

pub mod norm_dist;
pub mod norm_param;
mod normal;
pub mod sample_avg;
pub mod sample_sum;

pub use normal::{FitError, Normal};
