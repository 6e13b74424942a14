//! The course: numbered steps of *Deep Learning from scratch 5: generative models*, and what they share.
//!
//! A step may use any earlier step, never a later one.

pub mod common;
pub mod step01;
pub mod step02;
pub mod step03;
pub mod step04;
pub mod step05;
pub mod step09;
