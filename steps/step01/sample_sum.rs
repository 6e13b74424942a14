//! Sums of five uniform numbers, and the normal density that approximates theirs.

use super::Normal;
use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, Histogram, VERMILION, sampled};
use anyhow::Result;
use tsukuru::random::Rng;

/// Uniform numbers in each sum.
const N: u32 = 5;
/// Number of sums.
const SUMS: usize = 10_000;

/// Prints mean and standard deviation of the sums, and draws `sample_sum.svg`.
///
/// # Errors
/// If the figure cannot be written.
pub fn run(common: &Common) -> Result<()> {
    let mut rng = Rng::new(common.seed, "sampling", 0);
    let sums: Vec<f64> = (0..SUMS).map(|_| (0..N).map(|_| rng.uniform()).sum()).collect();

    // The mean of a sum is the sum of the means, N/2; for independent numbers so is the variance, N/12.
    let limit = Normal::new(f64::from(N) / 2.0, (f64::from(N) / 12.0).sqrt());
    let fitted = Normal::fit(&sums)?;
    println!("Sums of {N} uniform numbers: mean {:.3}, std {:.3}", fitted.mu, fitted.sigma);
    println!("The normal distribution:    mu   {:.3}, sigma {:.3}", limit.mu, limit.sigma);

    let chart = Chart::new(&format!("{SUMS} sums of {N} uniform numbers"), "sum", "probability density")
        .histogram("sums", BLUE, &Histogram::auto(&sums))
        .line("N(x; μ = N/2, σ² = N/12)", VERMILION, sampled(0.0, f64::from(N), |x| limit.pdf(x)));
    common.figure("step01", "sample_sum", "sample_sum.svg", &[chart.into()])
}
