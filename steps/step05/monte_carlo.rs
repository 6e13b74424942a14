//! The Monte Carlo method: an expectation as a mean over draws, and its error, which falls as 1 / sqrt(N).

use crate::common::cli::Common;
use crate::common::plot::{BLACK, BLUE, Chart, RGBColor, VERMILION};
use crate::step01::Normal;
use anyhow::Result;
use tsukuru::random::Rng;

/// Numbers of draws N, and how many estimates of each are made to measure their root mean square error.
const COUNTS: [usize; 8] = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000];
const REPEATS: usize = 100;

/// An expectation over p, and its exact value.
struct Expectation<'a> {
    name: &'a str,
    f: &'a dyn Fn(f64) -> f64,
    exact: f64,
    /// Standard deviation of f(x).
    std: f64,
    color: RGBColor,
}

/// The mean of f over `n` draws from p: an estimate of the expectation, which is the integral of p(x) f(x).
fn estimate(p: &Normal, f: &dyn Fn(f64) -> f64, n: usize, rng: &mut Rng) -> f64 {
    (0..n).map(|_| f(p.sample(rng))).sum::<f64>() / n as f64
}

/// Estimates two expectations from ever more draws. Prints estimate, root mean square error and standard error of each
/// number of draws, and draws `monte_carlo.svg`.
///
/// # Errors
/// If the figure cannot be written.
pub fn run(common: &Common) -> Result<()> {
    let (p, q) = (Normal::new(0.0, 1.0), Normal::new(1.0, 2.0));

    // E over p of x^2 = mu^2 + sigma^2 = 1; the variance of x^2 is 2.
    let f = |x: f64| x * x;
    let square = Expectation { name: "E[x²]", f: &f, exact: 1.0, std: 2f64.sqrt(), color: BLUE };

    // KL(p || q) = E over p of ln(p(x) / q(x)), which here is ln 2 + 1/8 - x/4 - 3 x^2 / 8. So the divergence is
    // ln 2 + 1/8 - 3/8, and the variance of the logarithm (1/4)^2 + 2 (3/8)^2.
    let f = |x: f64| p.log_pdf(x) - q.log_pdf(x);
    let (exact, variance) = (libm::log(2.0) - 0.25, 0.0625 + 0.28125);
    let divergence = Expectation { name: "KL(p || q)", f: &f, exact, std: f64::sqrt(variance), color: VERMILION };

    let mut rng = Rng::new(common.seed, "monte_carlo", 0);
    let mut chart = Chart::new("Error of the Monte Carlo method", "number of draws N", "root mean square error");
    for Expectation { name, f, exact, std, color } in [square, divergence] {
        println!("{name}: exactly {exact:.5}");
        println!("{:>8} {:>10} {:>14} {:>14}", "N", "estimate", "RMS error", "std / sqrt(N)");
        let (mut errors, mut theory) = (vec![], vec![]);
        for n in COUNTS {
            let estimates: Vec<f64> = (0..REPEATS).map(|_| estimate(&p, f, n, &mut rng)).collect();
            let squares = estimates.iter().map(|estimate| (estimate - exact) * (estimate - exact));
            let error = (squares.sum::<f64>() / REPEATS as f64).sqrt();
            // The standard error: the standard deviation of a mean of N independent numbers.
            let expected = std / (n as f64).sqrt();
            println!("{n:>8} {:>10.5} {error:>14.6} {expected:>14.6}", estimates[0]);
            errors.push((n as f64, error));
            theory.push((n as f64, expected));
        }
        chart = chart.dashes("", BLACK, theory).dots(name, color, 4.5, errors);
    }
    let chart = chart.dashes("std / √N", BLACK, []).log_x().log_y();
    common.figure("step05", "monte_carlo", "monte_carlo.svg", &[chart.into()])
}
