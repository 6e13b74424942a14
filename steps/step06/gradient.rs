//! Gradient descent on Rosenbrock's function: small steps against the gradient, and many of them.

use crate::common::cli::Common;
use crate::common::plot::{Chart, Grid, VERMILION};
use anyhow::Result;
use tsukuru::Real;
use tsukuru::variable::Variable;

const LR: f64 = 0.001;
const ITERATIONS: usize = 10_000;
/// Where gradient descent starts.
pub const START: [Real; 2] = [0.0, 2.0];

/// y = 100 (x1 - x0^2)^2 + (x0 - 1)^2 (Rosenbrock, 1960), whose minimum y = 0 lies at (1, 1) in a curved valley.
pub fn rosenbrock(x0: &Variable, x1: &Variable) -> Variable {
    100.0 * (x1 - x0.square()).square() + (x0 - 1.0).square()
}

/// y at a point.
pub fn value(x0: f64, x1: f64) -> f64 {
    rosenbrock(&(x0 as Real).into(), &(x1 as Real).into()).item().into()
}

/// The points of gradient descent from (x0, x1), the first and the last included.
pub fn gradient_descent(x0: &Variable, x1: &Variable, iterations: usize) -> Vec<(f64, f64)> {
    let point = || (f64::from(x0.item()), f64::from(x1.item()));
    let mut path = vec![point()];
    for _ in 0..iterations {
        rosenbrock(x0, x1).backward();
        for x in [x0, x1] {
            x.sgd_step(LR);
            x.zero_grad();
        }
        path.push(point());
    }
    path
}

/// Contours of Rosenbrock's function, and the points of a descent; after the first hundred, every twentieth.
pub fn contours(title: &str, path: &[(f64, f64)]) -> Chart {
    let (x_range, y_range) = ((-1.0, 1.5), (-0.5, 2.5));
    let grid = Grid::new(x_range, y_range, 200, value);
    let levels = [0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0].map(|y: f64| (y, y.to_string()));
    let few = path.iter().enumerate().filter(|(i, _)| *i < 100 || i % 20 == 0).map(|(_, point)| *point);
    let chart = Chart::new(title, "x₀", "x₁").contours(&grid, &levels).line("", VERMILION, few);
    let chart = chart.mark("start", path[0]).mark("minimum", (1.0, 1.0)).equal();
    chart.x_range(x_range.0, x_range.1).y_range(y_range.0, y_range.1)
}

pub fn run(common: &Common) -> Result<()> {
    let [x0, x1] = START.map(Variable::parameter);
    rosenbrock(&x0, &x1).backward();
    let dx = |x: &Variable| x.grad().item();
    println!("dy/dx0 = {}, dy/dx1 = {} at ({}, {})", dx(&x0), dx(&x1), x0.item(), x1.item());

    // As in the book, this gradient is not cleared, so the first step is twice as long as it should be.
    let path = gradient_descent(&x0, &x1, ITERATIONS);
    println!("iteration        x0        x1");
    for (i, (x0, x1)) in path.iter().enumerate().step_by(1000) {
        println!("{i:>9}  {x0:.6}  {x1:.6}");
    }
    let title = format!("Gradient descent, {ITERATIONS} iterations");
    let chart = contours(&title, &path);
    common.figure("step06", "gradient", "gradient.svg", &[chart.into()])
}
