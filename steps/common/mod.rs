//! What every program shares and no lesson is about.

pub mod data;
pub mod digits;
pub mod fetch;
