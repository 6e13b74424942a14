//! The density of a normal distribution in two dimensions, as a surface and by its contours.

use super::{Matrix, MultivariateNormal};
use crate::common::cli::Common;
use crate::common::plot::{Chart, Grid, Surface};
use anyhow::Result;

/// Prints the density of the book's example and draws `plot_norm.svg`.
///
/// # Errors
/// If the figure cannot be written.
pub fn run(common: &Common) -> Result<()> {
    // N(x; mu, Sigma) = 1 / sqrt((2 pi)^D det Sigma) exp(-(x - mu)^T Sigma^-1 (x - mu) / 2)
    let standard = MultivariateNormal::new(vec![1.0, 2.0], Matrix::identity(2))?;
    println!("At (0, 0), with mu = (1, 2) and Sigma = I: {:.8}", standard.pdf(&[0.0, 0.0]));

    // A positive covariance off the diagonal: x_1 and x_2 are positively correlated.
    let correlated = MultivariateNormal::new(vec![0.5, -0.2], Matrix::new(&[[2.0, 0.3], [0.3, 0.5]]))?;
    let grid = |steps| Grid::new((-4.0, 5.0), (-3.0, 3.0), steps, |x, y| correlated.pdf(&[x, y]));
    let surface = Surface::new("A normal density", ["x₁", "x₂", "density"], grid(30));
    let fine = grid(80);
    let contours = Chart::new("Its contours are ellipses", "x₁", "x₂")
        .contours(&fine, &fine.levels(6))
        .equal()
        .x_range(-4.0, 5.0)
        .y_range(-3.0, 3.0);
    common.figure("step03", "plot_norm", "plot_norm.svg", &[surface.into(), contours.into()])
}
