//! What every program shares and no lesson is about.

pub mod digits;
