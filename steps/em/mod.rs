//! # A fast EM algorithm for Gaussian mixtures of any size
//!
//! [`fit_em`] fits a mixture of K components to N points of D coordinates (Dempster, Laird and Rubin, 1977). It
//! maximises the same likelihood as the plain loop of [`step05`](crate::step05), and a test compares the two. It adds what
//! that loop leaves out: several k-means++ initialisations (`init.rs`), a floor under the variances and a report on
//! degenerate components (`m_step.rs`), and an E-step whose memory does not grow with K and which runs in parallel on
//! vector instructions (`e_step.rs`, `exp.rs`).

mod e_step;
mod error;
mod exp;
mod fit;
mod init;
mod m_step;

pub use error::EmError;
pub use fit::{EmFit, EmOptions, EmProgress, StopReason, fit_em, fit_em_with};
pub use m_step::{Repair, RepairKind};
