//! What [`flow_2d`](super::flow_2d) draws of a flow in the plane.

use super::flow_2d::Curve;
use super::points::rows;
use super::{Solver, Velocity, log_density};
use crate::common::cli::Common;
use crate::common::plot::{self, BLACK, BLUE, Chart, GREEN, Grid, ORANGE, PURPLE, Panel, SKY, VERMILION};
use anyhow::Result;
use tsukuru::Real;
use tsukuru::tensor::Tensor;

/// The part of the plane that is seen: as far to each side.
const EXTENT: f64 = 2.5;
/// Arrows in a row.
const ARROWS: usize = 14;
/// Cells of the heat map in a row, at most.
const CELLS: usize = 100;
/// Points of the data, beside arrows, as paths, and in the animation.
const DATA: usize = 1000;
const DOTS: usize = 400;
const PATHS: usize = 50;
const PARTICLES: usize = 600;
/// Steps of the animation.
const FRAMES: usize = 20;

/// Draws the velocity, the density, the paths, the distances and the animation of a flow and of the one that reflow has made
/// straighter. `noise` and `data` are (N, 2); paths are followed in `steps` steps.
///
/// # Errors
/// If a file cannot be written.
pub fn draw(
    common: &Common,
    models: &[(&str, &Velocity); 2],
    noise: Tensor,
    data: &Tensor,
    curves: Vec<Curve>,
    steps: usize,
) -> Result<()> {
    let figure = |name: &str, panels: &[Panel]| common.figure("step11", "flow_2d", name, panels);
    let flow = models[0].1;
    figure("velocity.svg", &[0.0, 0.4, 0.7, 0.95].map(|t| velocity_panel(flow, &first(&noise, DOTS), t, steps)))?;
    let cells = CELLS.min(common.limits.points.isqrt());
    figure("density.svg", &density_panels(flow, &first(data, DATA), cells, steps))?;
    figure("paths.svg", &models.map(|(name, model)| paths_panel(name, model, &first(&noise, PATHS), steps)))?;
    figure("evaluations.svg", &[evaluations_panel(curves)])?;
    let path = common.folder("step11", "flow_2d")?.join("particles.gif");
    plot::gif(&path, &frames(models, &first(&noise, PARTICLES), FRAMES.min(steps)), 120)?;
    println!("{}", path.display());
    Ok(())
}

/// The first `n` rows of x (N, 2).
fn first(x: &Tensor, n: usize) -> Tensor {
    let n = n.min(x.shape()[0]);
    Tensor::new([n, 2], &x.data()[..2 * n])
}

/// A chart of the part of the plane that all figures show.
fn plane(title: &str) -> Chart {
    Chart::new(title, "x", "y").x_range(-EXTENT, EXTENT).y_range(-EXTENT, EXTENT).equal()
}

/// Where the points are at time t, and with which velocity they would move from each place.
fn velocity_panel(model: &Velocity, noise: &Tensor, t: f64, steps: usize) -> Panel {
    let x = Solver::Heun.solve(model.field(), noise.clone(), (0.0, t), steps);
    // The middles of equal squares.
    let place = |i: usize| (EXTENT * ((2 * i + 1) as f64 / ARROWS as f64 - 1.0)) as Real;
    let from = Tensor::from_fn([ARROWS * ARROWS, 2], |i| place([i / 2 % ARROWS, i / 2 / ARROWS][i % 2]));
    let v = model.field()(&from, t);
    let arrows = rows(&from).zip(rows(&v)).map(|((x, y), (vx, vy))| ((x, y), (x + vx / 8.0, y + vy / 8.0)));
    plane(&format!("t = {t}")).dots("", SKY, 1.8, rows(&x)).arrows("", VERMILION, arrows).into()
}

/// The data, and the density that the flow gives to each place. Prints the integral of what is seen.
fn density_panels(model: &Velocity, data: &Tensor, cells: usize, steps: usize) -> [Panel; 2] {
    let mut grid = Grid::new((-EXTENT, EXTENT), (-EXTENT, EXTENT), cells, |_, _| 0.0);
    let places: Vec<Real> =
        grid.ys.iter().flat_map(|&y| grid.xs.iter().flat_map(move |&x| [x as Real, y as Real])).collect();
    let places = Tensor::new([grid.z.len(), 2], &places);
    let log_p = log_density(|x, t| model.at(x, t), &places, Solver::Heun, steps);
    grid.z = log_p.into_iter().map(libm::exp).collect();
    let area = (2.0 * EXTENT / cells as f64) * (2.0 * EXTENT / cells as f64);
    println!(
        "the integral of the flow's density, from -{EXTENT} to {EXTENT}: {:.3}",
        grid.z.iter().sum::<f64>() * area
    );
    let name = format!("0 to {:.2}", grid.extent().1);
    [
        plane("The data").dots("", BLUE, 1.5, rows(data)).into(),
        plane("The density of the flow").heat(&name, &grid).into(),
    ]
}

/// From the noise to the data, point by point.
fn paths_panel(name: &str, model: &Velocity, noise: &Tensor, steps: usize) -> Panel {
    let mut paths = vec![vec![]; noise.shape()[0]];
    let mut end = noise.clone();
    for (_, x) in Solver::Heun.trajectory(model.field(), noise.clone(), (0.0, 1.0), steps) {
        paths.iter_mut().zip(rows(&x)).for_each(|(path, point)| path.push(point));
        end = x;
    }
    let chart = paths.into_iter().fold(plane(name), |chart, path| chart.line("", SKY, path));
    chart.dots("t = 0", BLUE, 2.5, rows(noise)).dots("t = 1", VERMILION, 2.5, rows(&end)).into()
}

fn evaluations_panel(curves: Vec<Curve>) -> Panel {
    let chart =
        Chart::new("How far generated points are from the data", "evaluations of the network", "energy distance");
    let colors = [BLUE, GREEN, VERMILION].into_iter().cycle();
    let curves = curves.into_iter().enumerate().zip(colors);
    let chart = curves.fold(chart.log_x().log_y(), |chart, ((i, Curve { name, points }), color)| match i {
        0..3 => chart.line(&name, color, points.clone()).dots("", color, 3.5, points),
        3..6 => chart.dashes(&name, color, points),
        _ => chart.dashes(&name, BLACK, points),
    });
    chart.into()
}

/// The points on their way, a frame for each step, in the colour of the quadrant that they come from.
fn frames(models: &[(&str, &Velocity); 2], noise: &Tensor, steps: usize) -> Vec<Vec<Panel>> {
    let quadrant: Vec<usize> = rows(noise).map(|(x, y)| usize::from(x < 0.0) + 2 * usize::from(y < 0.0)).collect();
    let panel = |name: &str, t: f64, x: &Tensor| -> Panel {
        let colors = [BLUE, ORANGE, GREEN, PURPLE].into_iter().enumerate();
        let chart = colors.fold(plane(&format!("{name}, t = {t:.2}")), |chart, (k, color)| {
            let own = rows(x).zip(&quadrant).filter(|(_, quadrant)| **quadrant == k).map(|(point, _)| point);
            chart.dots("", color, 1.8, own)
        });
        chart.into()
    };
    let [a, b] = models.map(|(name, model)| {
        let path = Solver::Heun.trajectory(model.field(), noise.clone(), (0.0, 1.0), steps);
        path.map(|(t, x)| panel(name, t, &x)).collect::<Vec<_>>()
    });
    a.into_iter().zip(b).map(|(a, b)| vec![a, b]).collect()
}
