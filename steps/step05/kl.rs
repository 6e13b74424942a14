//! The Kullback-Leibler divergence: how much a coin q differs from a coin p, in nats per toss.

use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, Corner, ORANGE, sampled};
use anyhow::Result;

/// KL(p || q) = sum over x of p(x) ln(p(x) / q(x)), in nats. It is 0 if q = p, positive otherwise, and infinite where q
/// rules out what p allows.
///
/// # Panics
/// If p and q have different lengths.
#[track_caller]
pub fn kl_divergence(p: &[f64], q: &[f64]) -> f64 {
    assert_eq!(p.len(), q.len(), "kl_divergence: p has {} outcomes, q has {}", p.len(), q.len());
    // 0 ln 0 is 0: what never happens adds nothing.
    let term = |(&p, &q): (&f64, &f64)| if p > 0.0 { p * libm::log(p / q) } else { 0.0 };
    p.iter().zip(q).map(term).sum()
}

pub fn run(common: &Common) -> Result<()> {
    let p = [0.7, 0.3];
    for q in [[0.6, 0.4], [0.2, 0.8], [0.7, 0.3]] {
        println!("KL(p || q) = {:.16} for p = {p:?}, q = {q:?}", kl_divergence(&p, &q));
    }

    // It is no distance: the way back is not as long.
    let coin = |heads: f64| [heads, 1.0 - heads];
    let chart = Chart::new("How far is a coin q from p = (0.7, 0.3)?", "q(heads)", "divergence [nats]")
        .line("KL(p || q)", BLUE, sampled(0.03, 0.99, |heads| kl_divergence(&p, &coin(heads))))
        .dashes("KL(q || p)", ORANGE, sampled(0.03, 0.99, |heads| kl_divergence(&coin(heads), &p)))
        .x_range(0.0, 1.0)
        .y_range(0.0, 2.0);
    common.figure("step05", "kl", "kl.svg", &[chart.legend(Corner::UpperRight).into()])
}
