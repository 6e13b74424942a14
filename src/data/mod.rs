//! Data: files of images and labels ([`idx`]), and the batches that a training loop asks for ([`Dataset`]).

mod dataset;
mod error;
mod gzip;
pub mod idx;

pub use dataset::{Batches, Dataset};
pub use error::DataError;
