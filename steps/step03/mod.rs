//! # Step 3: the multivariate normal distribution
//!
//! The bell curve in more than one dimension: a mean vector says where it stands, a covariance matrix how wide it is
//! and which way it leans (chapter 3 of the book).
//!
//! [`Matrix`] holds the linear algebra, [`MultivariateNormal`] is the type that later steps use.

mod matrix;
mod multivariate_normal;

pub use matrix::{Matrix, MatrixError};
pub use multivariate_normal::{MultivariateNormal, MultivariateNormalError};
