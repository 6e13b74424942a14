//! The course: numbered steps of *Deep Learning from scratch 5: generative models*, two steps beyond it (flow
//! matching, and likelihoods on one scale), and what they share.
//!
//! A step may use any earlier step, never a later one. [`common`] holds what programs share and no lesson is about, [`em`]
//! the fast EM algorithm for mixtures of any size, whose lesson is step 5.

#![warn(clippy::disallowed_methods)]

// Programs print with these, and do not panic where nobody reads.
#[macro_use(print, println, eprintln)]
extern crate tsukuru;

pub mod common;
pub mod em;
pub mod step01;
pub mod step02;
pub mod step03;
pub mod step04;
pub mod step05;
pub mod step06;
pub mod step07;
pub mod step08;
pub mod step09;
pub mod step10;
pub mod step11;
pub mod step12;
