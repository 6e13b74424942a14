//! The density of a mixture of two components, and the responsibilities.

use super::GaussianMixture;
use crate::common::cli::Common;
use crate::common::plot::{Chart, Grid, Surface};
use crate::step03::{Matrix, MultivariateNormal};
use anyhow::Result;

/// The book's mixture, with its numbers: short and long eruptions of Old Faithful, duration and waiting time in min.
pub fn old_faithful_mixture() -> GaussianMixture {
    let component = |mu: [f64; 2], sigma: [[f64; 2]; 2]| {
        MultivariateNormal::new(mu.to_vec(), Matrix::new(&sigma)).expect("Sigma is positive definite")
    };
    let short = component([2.0, 54.5], [[0.07, 0.44], [0.44, 33.7]]);
    let long = component([4.3, 80.0], [[0.17, 0.94], [0.94, 36.0]]);
    GaussianMixture::new(vec![0.35, 0.65], vec![short, long]).expect("the weights sum to 1")
}

/// Prints density and responsibilities of some points, and draws `gmm.svg`.
///
/// # Errors
/// If the figure cannot be written.
pub fn run(common: &Common) -> Result<()> {
    let mixture = old_faithful_mixture();

    // p(x) = sum over k of phi_k N(x; mu_k, Sigma_k)
    println!("p(x) and p(z = k | x) on the way from one mean to the other");
    println!("{:>14}   {:>7}   {:>7} {:>7}", "x", "p(x)", "k = 0", "k = 1");
    for x in [[2.0, 54.5], [2.5, 60.0], [3.0, 65.0], [3.5, 70.0], [4.3, 80.0]] {
        let q = mixture.responsibilities(&x);
        println!("({:>3.1}, {:>4.1}) min   {:>7.5}   {:>7.5} {:>7.5}", x[0], x[1], mixture.pdf(&x), q[0], q[1]);
    }

    let grid = |steps: usize| Grid::new((1.0, 6.0), (36.0, 104.0), steps, |x, y| mixture.pdf(&[x, y]));
    let (coarse, fine) = (grid(48), grid(120));
    let surface = Surface::new("The density", ["eruption [min]", "wait [min]", "p(x) [1/min²]"], coarse);
    let contours = Chart::new("Its contours [1/min²]", "eruption [min]", "wait for the next [min]");
    let contours = contours.contours(&fine, &fine.levels(6)).x_range(1.0, 6.0).y_range(36.0, 104.0);
    common.figure("step04", "gmm", "gmm.svg", &[surface.into(), contours.into()])
}
