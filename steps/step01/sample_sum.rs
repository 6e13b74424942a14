//! Sums of only five uniform numbers, and the normal density that they almost have.

use super::Normal;
use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, Histogram, VERMILION, sampled};
use anyhow::Result;
use tsukuru::random::Rng;

/// Uniform numbers in each sum.
const N: u32 = 5;
const SUMS: usize = 10_000;

pub fn run(common: &Common) -> Result<()> {
    let mut rng = Rng::new(common.seed, "sampling", 0);
    let sums: Vec<f64> = (0..SUMS).map(|_| (0..N).map(|_| rng.uniform()).sum()).collect();

    // Means and variances add up: N of 1/2 and 1/12 make N/2 and N/12.
    let limit = Normal::new(f64::from(N) / 2.0, (f64::from(N) / 12.0).sqrt());
    let found = Normal::fit(&sums)?;
    println!("Sums of {N} uniform numbers: mean {:.3}, std {:.3}", found.mu, found.sigma);
    println!("The normal distribution:    mu   {:.3}, sigma {:.3}", limit.mu, limit.sigma);

    let chart = Chart::new(&format!("{SUMS} sums of {N} uniform numbers"), "sum", "probability density")
        .histogram("sums", BLUE, &Histogram::auto(&sums))
        .line("N(x; μ = N/2, σ² = N/12)", VERMILION, sampled(0.0, f64::from(N), |x| limit.pdf(x)));
    common.figure("step01", "sample_sum", "sample_sum.svg", &[chart.into()])
}
