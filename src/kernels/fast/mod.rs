//! The fast storey: the same names as in [`super::reference`], parallel and vectorised.

pub mod cpu;

pub use super::reference::*;
