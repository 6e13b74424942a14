//! # Step 5: the EM algorithm
//!
//! A mixture cannot be fitted by setting a derivative to 0, but if somebody told us which point belongs to which
//! component, it could; EM guesses that, fits, guesses better, and the likelihood never falls (chapter 5 of the book).
//!
//! [`fit_em`] fits any data, fast; [`book`] says the same in the formulas of the book. Programs: [`kl`],
//! [`monte_carlo`], [`em`], [`generate`].

pub mod book;
pub mod em;
mod exp;
mod fit_em;
pub mod generate;
pub mod kl;
pub mod monte_carlo;
mod pass;
mod start;

pub use fit_em::{EmError, EmFit, EmOptions, EmProgress, Repair, RepairKind, Stop, fit_em, fit_em_watched};
