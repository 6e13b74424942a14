//! The fast storey: the same names as in [`super::reference`], parallel and vectorised.

mod blocked;
mod conv;
pub mod cpu;
mod gemv;
mod matmul;
mod pack;
mod runs;
mod simd;
mod tile;

pub use super::reference::*;
pub use conv::{conv2d, conv2d_dw, conv2d_dx};
pub use matmul::matmul;
