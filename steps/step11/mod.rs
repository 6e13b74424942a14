//! # Step 11: flow matching
//!
//! A flow carries noise to data along paths whose velocity a network has learned. Its training is a regression on straight
//! lines between noise and data (Lipman et al., 2023; Liu et al., 2023; Albergo and Vanden-Eijnden, 2023), and what steps 9
//! and 10 generate in a hundred steps, it generates in a few.
//!
//! In the plane: [`Points`] are data, [`Velocity`] is a network for them, [`Solver`] integrates a flow, and [`log_density`]
//! is the density that a flow gives to points. Program: [`flow_2d`].
//!
//! With images: a [`Network`], the U-Net of step 9 or a transformer ([`Dit`]), predicts what its [`Objective`] says of noisy
//! images on a [`Path`], and a [`Sampler`] generates images with it. Programs: [`flow`], [`objectives`], [`transformer`],
//! [`sample`].

mod comparison;
mod dit;
mod draw;
mod figures;
pub mod flow;
pub mod flow_2d;
mod log_density;
mod model_file;
mod network;
mod objective;
pub mod objectives;
mod path;
mod points;
pub mod sample;
mod sampler;
mod solver;
pub mod transformer;
mod velocity;

pub use dit::{Dit, DitBlock, DitSize};
pub use log_density::log_density;
pub use model_file::{Trained, read as read_network};
pub use network::Network;
pub use objective::Objective;
pub use path::{Path, from_signed, to_signed};
pub use points::{Points, energy_distance};
pub use sampler::{Model, Sampler};
pub use solver::Solver;
pub use velocity::Velocity;
