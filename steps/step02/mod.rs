//! # Step 2: maximum likelihood
//!
//! Maximum likelihood estimation (MLE) chooses the parameters under which the data have the highest density; for a normal
//! distribution these are the mean and the variance of the data. The fitted distribution is a first generative model: it
//! gives probabilities, and new data (chapter 2 of the book).
//!
//! Programs: [`hist`], [`fit`], [`generate`], [`prob`].

pub mod fit;
pub mod generate;
pub mod hist;
pub mod prob;
