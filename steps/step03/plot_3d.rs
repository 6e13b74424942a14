//! A function of two variables, as a surface and by its contours.

use crate::common::cli::Common;
use crate::common::plot::{Chart, Grid, Surface};
use anyhow::Result;

/// Draws `plot_3d.svg`.
///
/// # Errors
/// If the figure cannot be written.
pub fn run(common: &Common) -> Result<()> {
    // z = x^2 + y^2 on a grid, a row for each y and a column for each x: coarse for the surface, fine for the contours.
    let grid = |steps| Grid::new((-2.0, 2.0), (-2.0, 2.0), steps, |x, y| x * x + y * y);

    let surface = Surface::new("z = x² + y²", ["x", "y", "z"], grid(28));
    // A contour joins the points of equal z. Here they are circles.
    let contours = Chart::new("Its contours", "x", "y")
        .contours(&grid(80), &[0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0].map(|z: f64| (z, z.to_string())))
        .equal()
        .x_range(-2.0, 2.0)
        .y_range(-2.0, 2.0);
    common.figure("step03", "plot_3d", "plot_3d.svg", &[surface.into(), contours.into()])
}
