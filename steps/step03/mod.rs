//! # Step 3: the multivariate normal distribution
//!
//! The bell curve in more than one dimension: a mean vector says where it stands, a covariance matrix how wide it is
//! and which way it leans (chapter 3 of the book).
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
