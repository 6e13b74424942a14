//! # Step 3: the multivariate normal distribution
//!
//! The normal distribution of a vector x (D) has a mean vector mu (D) and a covariance matrix Sigma (D, D); its maximum
//! likelihood estimates are the mean and the covariance of the data (chapter 3 of the book).
//!
//! [`Matrix`] holds the linear algebra, [`MultivariateNormal`] is the type that later steps use. Programs:
//! [`array_basis`], [`matrix`](mod@matrix), [`plot_3d`], [`plot_norm`], [`plot_dataset`], [`mle`].

pub mod array_basis;
mod eigen;
mod linear_algebra;
pub mod matrix;
pub mod mle;
mod multivariate_normal;
pub mod plot_3d;
pub mod plot_dataset;
pub mod plot_norm;

pub use linear_algebra::{Matrix, MatrixError};
pub use multivariate_normal::{MultivariateNormal, MultivariateNormalError, moments};
