//! # Step 2: maximum likelihood
//!
//! Which normal distribution fits given numbers best? The one under which they are most probable: its mean is theirs,
//! and so is its variance (chapter 2 of the book). Once it is known, it answers questions and makes new data.
//!
//! Programs: [`hist`], [`fit`], [`generate`], [`prob`].

pub mod fit;
pub mod generate;
pub mod hist;
pub mod prob;
