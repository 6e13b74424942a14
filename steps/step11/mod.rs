//! # Step 11: flow matching
//!
//! A flow carries noise to data along paths whose velocity a network has learned. Its training is a regression on straight
//! lines between noise and data (Lipman et al., 2023; Liu et al., 2023; Albergo and Vanden-Eijnden, 2023), and what steps 9
//! and 10 generate in a hundred steps, it generates in a few.
//!
//! [`Points`] are data in the plane, [`Velocity`] is a network for them, [`Solver`] integrates a flow, and
//! [`log_density`] is the density that a flow gives to points. Program: [`flow_2d`].

mod figures;
pub mod flow_2d;
mod log_density;
mod points;
mod solver;
mod velocity;

pub use log_density::log_density;
pub use points::{Points, energy_distance};
pub use solver::Solver;
pub use velocity::Velocity;
