//! The Kullback-Leibler divergence between the outcomes of two coins.

use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, ORANGE, sampled};
use anyhow::Result;

/// The Kullback-Leibler divergence KL(p || q) = sum over x of p(x) ln(p(x) / q(x)) of the probabilities p and q (both (X)
/// for X outcomes), in nats. It is 0 if q = p, positive otherwise, and infinite if q(x) = 0 where p(x) > 0 (Kullback and
/// Leibler, 1951).
///
/// # Panics
/// If p and q have different lengths.
#[track_caller]
pub fn kl_divergence(p: &[f64], q: &[f64]) -> f64 {
    assert_eq!(p.len(), q.len(), "kl_divergence: p has {} outcomes, q has {}", p.len(), q.len());
    // 0 ln 0 = 0: an outcome of probability 0 adds nothing.
    let term = |(&p, &q): (&f64, &f64)| if p > 0.0 { p * libm::log(p / q) } else { 0.0 };
    p.iter().zip(q).map(term).sum()
}

/// Prints the divergences of the book's example and draws `kl.svg`.
///
/// # Errors
/// If the figure cannot be written.
pub fn run(common: &Common) -> Result<()> {
    let p = [0.7, 0.3];
    for q in [[0.6, 0.4], [0.2, 0.8], [0.7, 0.3]] {
        println!("KL(p || q) = {:.16} for p = {p:?}, q = {q:?}", kl_divergence(&p, &q));
    }

    // It is not symmetric, so it is no distance.
    let coin = |heads: f64| [heads, 1.0 - heads];
    let chart = Chart::new("KL divergence of coins, p = (0.7, 0.3)", "q(heads)", "divergence [nats]")
        .line("KL(p || q)", BLUE, sampled(0.03, 0.99, |heads| kl_divergence(&p, &coin(heads))))
        .dashes("KL(q || p)", ORANGE, sampled(0.03, 0.99, |heads| kl_divergence(&coin(heads), &p)))
        .x_range(0.0, 1.0)
        .y_range(0.0, 2.0);
    common.figure("step05", "kl", "kl.svg", &[chart.into()])
}
