//! The course: numbered steps, and what they share.

pub mod common;
