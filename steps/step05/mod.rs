//! # Step 5: the EM algorithm
//!
//! Maximum likelihood has no closed-form solution for a Gaussian mixture. The EM algorithm reaches a local maximum by
//! iteration: the E-step computes the responsibilities, the M-step maximises the evidence lower bound (ELBO) for them, and
//! the likelihood never falls (chapter 5 of the book).
//!
//! [`book`] holds the formulas of both steps, [`em`](mod@em) the loop. Programs: [`kl`], [`monte_carlo`], [`em`](mod@em),
//! [`generate`]. Later steps fit mixtures with the fast and general [`em::fit_em`](crate::em::fit_em).

pub mod book;
pub mod em;
pub mod generate;
pub mod kl;
pub mod monte_carlo;
