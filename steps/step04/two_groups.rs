//! Joint, conditional and marginal probability: a mixture of the heights of women and men.

use crate::common::cli::Common;
use crate::common::plot::{BLACK, BLUE, Chart, VERMILION, sampled};
use crate::step01::Normal;
use anyhow::Result;

/// p(z): z = 0 stands for women, z = 1 for men.
const P_Z: [f64; 2] = [0.5, 0.5];
const NAMES: [&str; 2] = ["women", "men"];

/// Prints joint, marginal and conditional probability of some heights, and draws `two_groups.svg`.
///
/// # Errors
/// If the figure cannot be written.
pub fn run(common: &Common) -> Result<()> {
    // p(x | z), with x in cm
    let groups = [Normal::new(158.0, 5.5), Normal::new(171.0, 6.0)];
    let conditional = |x: f64, z: usize| groups[z].pdf(x);

    // p(x, z) = p(z) p(x | z)
    let joint = |x: f64, z: usize| P_Z[z] * conditional(x, z);

    // p(x) = sum over z of p(x, z)
    let marginal = |x: f64| joint(x, 0) + joint(x, 1);

    // p(z | x) = p(x, z) / p(x) (Bayes' theorem)
    let posterior = |x: f64, z: usize| joint(x, z) / marginal(x);

    println!("{:>8} {:>12} {:>12} {:>10} {:>14}", "x [cm]", "p(x, women)", "p(x, men)", "p(x)", "P(woman | x)");
    for x in [150.0, 155.0, 160.0, 165.0, 170.0, 175.0, 180.0] {
        let (p, woman) = (marginal(x), posterior(x, 0));
        println!("{x:>8} {:>12.6} {:>12.6} {p:>10.6} {woman:>14.4}", joint(x, 0), joint(x, 1));
    }

    // Between the means, where both groups have the same joint density: by bisection.
    let (mut below, mut above) = (groups[0].mu, groups[1].mu);
    for _ in 0..50 {
        let middle = (below + above) / 2.0;
        (below, above) = if posterior(middle, 0) > 0.5 { (middle, above) } else { (below, middle) };
    }
    println!("P(woman | x) = 0.5 at x = {below:.1} cm");
    let name = format!("{below:.1} cm");

    let (low, high) = (138.0, 193.0);
    let mut heights = Chart::new("Joint and marginal densities", "height x [cm]", "density [1/cm]");
    for (z, color) in [VERMILION, BLUE].into_iter().enumerate() {
        heights = heights.area(&format!("p(x, {})", NAMES[z]), color, sampled(low, high, |x| joint(x, z)));
    }
    heights = heights.line("p(x)", BLACK, sampled(low, high, marginal)).mark(&name, (below, joint(below, 0)));
    let guess = Chart::new("Conditional probability", "height x [cm]", "P(woman | x)");
    let guess = guess.line("", VERMILION, sampled(low, high, |x| posterior(x, 0))).mark(&name, (below, 0.5));
    common.figure("step04", "two_groups", "two_groups.svg", &[heights.into(), guess.into()])
}
