//! Derivatives of derivatives: sin to the fourth order, Newton's method, and the graph that makes them possible.

use super::data::points;
use super::gradient::{START, contours, gradient_descent, rosenbrock, value};
use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, GREEN, ORANGE, PURPLE, VERMILION};
use crate::step03::Matrix;
use anyhow::{Context, Result};
use std::f64::consts::{FRAC_PI_2, PI};
use std::path::Path;
use std::process::Command;
use tsukuru::Real;
use tsukuru::backward::grad;
use tsukuru::files::write_whole;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

const ORDERS: usize = 4;
/// Newton's method has converged by then.
const NEWTON_ITERATIONS: usize = 7;

pub fn run(common: &Common) -> Result<()> {
    sines(common)?;
    newton_and_gradient_descent(common)?;
    graphs(&common.folder("step06", "higher_order")?)
}

/// sin, cos, -sin, -cos, sin
fn sines(common: &Common) -> Result<()> {
    let x_at = |i: usize| PI * (i as f64 / 100.0 - 1.0);
    let x = Variable::parameter(Tensor::from_fn([201], |i| x_at(i) as Real));
    let mut y = x.sin();
    let mut chart = Chart::new("sin and its derivatives of orders 1 to 4, computed by the engine", "x", "");
    for (order, color) in [BLUE, ORANGE, GREEN, VERMILION, PURPLE].into_iter().enumerate() {
        if order > 0 {
            [y] = grad(&y, [&x], true);
            // The n-th derivative of sin x is sin(x + n pi / 2).
            let exact = |i: usize| libm::sin(x_at(i) + order as f64 * FRAC_PI_2);
            let error = |(i, y): (usize, &Real)| (f64::from(*y) - exact(i)).abs();
            let error = y.value().data().iter().enumerate().map(error).fold(0.0, f64::max);
            println!("derivative {order} of sin: error {error:.1e} at most");
        }
        let formula = ["sin x", "cos x", "-sin x", "-cos x", "sin x"][order];
        let (name, points) = (format!("{order}: {formula}"), points(&x.value(), &y.value()));
        // The last covers the first.
        chart = if order < ORDERS { chart.line(&name, color, points) } else { chart.dashes(&name, color, points) };
    }
    common.figure("step06", "higher_order", "sines.svg", &[chart.into()])
}

/// The points of Newton's method from (x0, x1): each step goes to the minimum of the quadratic approximation of f,
/// x -= H^-1 g, with the gradient g and the Hessian H.
fn newton(x0: &Variable, x1: &Variable, iterations: usize) -> Result<Vec<(f64, f64)>> {
    let numbers = |xs: [Variable; 2]| xs.map(|x| f64::from(x.item()));
    let point = || (f64::from(x0.item()), f64::from(x1.item()));
    let mut path = vec![point()];
    for _ in 0..iterations {
        let g = grad(&rosenbrock(x0, x1), [x0, x1], true);
        let h = [0, 1].map(|i| numbers(grad(&g[i], [x0, x1], false))); // row i: the derivatives of g_i
        let step = Matrix::new(&h).inverse()?.dot(&Matrix::from_data(2, 1, numbers(g).to_vec()));
        x0.update(|x| x.data_mut()[0] -= step[(0, 0)] as Real);
        x1.update(|x| x.data_mut()[0] -= step[(1, 0)] as Real);
        path.push(point());
    }
    Ok(path)
}

fn newton_and_gradient_descent(common: &Common) -> Result<()> {
    let [x0, x1] = START.map(Variable::parameter);
    let newton = newton(&x0, &x1, NEWTON_ITERATIONS)?;
    let [x0, x1] = START.map(Variable::parameter);
    let descent = gradient_descent(&x0, &x1, 10_000);

    println!("iteration   Newton: x0        x1         y   gradient descent: y");
    for (i, &(x0, x1)) in newton.iter().enumerate() {
        let (y, other) = (value(x0, x1), value(descent[i].0, descent[i].1));
        println!("{i:>9}     {x0:>8.5} {x1:>9.5} {y:>9.1e}   {other:>19.1e}");
    }
    let (x0, x1) = descent[descent.len() - 1];
    println!("{:>9}     {:>8} {:>9} {:>9}   {:>19.1e}", descent.len() - 1, "", "", "", value(x0, x1));

    let titles =
        [format!("Newton, {NEWTON_ITERATIONS} steps"), format!("Gradient descent, {} steps", descent.len() - 1)];
    let newton = contours(&titles[0], &newton).dots("", VERMILION, 4.0, newton);
    let descent = contours(&titles[1], &descent);
    common.figure("step06", "higher_order", "newton.svg", &[newton.into(), descent.into()])
}

/// The graphs of Rosenbrock's function and of its derivative with respect to x0.
fn graphs(folder: &Path) -> Result<()> {
    let [x0, x1] = START.map(Variable::parameter);
    let y = rosenbrock(&x0, &x1);
    let names = [(&x0, "x₀"), (&x1, "x₁")];
    draw(&y, &names, &folder.join("rosenbrock.dot"))?;
    draw(&grad(&y, [&x0], true)[0], &names, &folder.join("derivative.dot"))
}

/// Writes the graph of y in Graphviz' language, and as a picture if the program `dot` is there.
fn draw(y: &Variable, names: &[(&Variable, &str)], path: &Path) -> Result<()> {
    let dot = y.to_dot(names);
    write_whole(path, |file| file.write_all(dot.as_bytes()))
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    println!("{}", path.display());
    let picture = path.with_extension("svg");
    match Command::new("dot").arg("-Tsvg").arg(path).arg("-o").arg(&picture).status() {
        Ok(status) if status.success() => println!("{}", picture.display()),
        Ok(status) => println!("no {}: dot ended with {status}", picture.display()),
        Err(_) => println!("no {}: Graphviz, which has the program dot, is not installed", picture.display()),
    }
    Ok(())
}
