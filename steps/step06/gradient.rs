//! Gradient descent in Rosenbrock's valley: always straight downhill, and yet a long way.

use crate::common::cli::Common;
use crate::common::plot::{BLACK, Chart, Grid, VERMILION};
use anyhow::Result;
use tsukuru::Real;
use tsukuru::variable::Variable;

const LR: f64 = 0.001;
const ITERATIONS: usize = 10_000;
/// Where the descent begins.
pub const START: [Real; 2] = [0.0, 2.0];

/// y = 100 (x1 - x0^2)^2 + (x0 - 1)^2 (Rosenbrock, 1960): a bent valley that falls gently to y = 0 at (1, 1).
pub fn rosenbrock(x0: &Variable, x1: &Variable) -> Variable {
    100.0 * (x1 - x0.square()).square() + (x0 - 1.0).square()
}

/// y at a place.
pub fn height(x0: f64, x1: f64) -> f64 {
    rosenbrock(&(x0 as Real).into(), &(x1 as Real).into()).item().into()
}

/// The points on the way downhill from (x0, x1), the first and the last included.
pub fn gradient_descent(x0: &Variable, x1: &Variable, iterations: usize) -> Vec<(f64, f64)> {
    let place = || (f64::from(x0.item()), f64::from(x1.item()));
    let mut path = vec![place()];
    for _ in 0..iterations {
        rosenbrock(x0, x1).backward();
        for x in [x0, x1] {
            x.sgd_step(LR);
            x.zero_grad();
        }
        path.push(place());
    }
    path
}

/// The valley from above, with a way down it. Of a long way, where all points lie close together, it draws few.
pub fn map(title: &str, path: &[(f64, f64)]) -> Chart {
    let (across, up) = ((-1.0, 1.5), (-0.5, 2.5));
    let valley = Grid::new(across, up, 200, height);
    let levels: Vec<f64> = (-1..=6).map(|i| libm::pow(10.0, f64::from(i) / 2.0)).collect();
    let ends = [path[0], path[path.len() - 1], (1.0, 1.0)];
    let few = path.iter().enumerate().filter(|(i, _)| *i < 100 || i % 20 == 0).map(|(_, place)| *place);
    let chart = Chart::new(title, "x₀", "x₁").contours(&valley, &levels).line("", VERMILION, few);
    chart.dots("", BLACK, 4.0, ends).x_range(across.0, across.1).y_range(up.0, up.1)
}

pub fn run(common: &Common) -> Result<()> {
    let [x0, x1] = START.map(Variable::parameter);
    rosenbrock(&x0, &x1).backward();
    let slope = |x: &Variable| x.grad().item();
    println!("dy/dx0 = {}, dy/dx1 = {} at ({}, {})", slope(&x0), slope(&x1), x0.item(), x1.item());

    // The book does not clear this gradient, so that the first step is twice as long as it should be. Neither do we.
    let path = gradient_descent(&x0, &x1, ITERATIONS);
    println!("iteration        x0        x1");
    for (i, (x0, x1)) in path.iter().enumerate().step_by(1000) {
        println!("{i:>9}  {x0:.6}  {x1:.6}");
    }
    let title = format!("Gradient descent, {ITERATIONS} iterations");
    let chart = map(&title, &path);
    common.figure("step06", "gradient", "gradient.svg", &[chart.into()])
}
