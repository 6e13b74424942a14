//! A line through points, by gradient descent on the mean squared error.

use super::data::{book_data, points};
use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, VERMILION};
use anyhow::Result;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

const LR: f64 = 0.1;
const ITERATIONS: usize = 100;

pub fn run(common: &Common) -> Result<()> {
    // y = 2 x + 5 and noise from 0 to 1
    let (x, y, _) = book_data("regression")?;
    let w = Variable::parameter(Tensor::zeros([1, 1]));
    let b = Variable::parameter(Tensor::zeros([1]));
    let predict = |x: &Variable| x.matmul(&w) + &b;

    println!("iteration   loss");
    for i in 0..ITERATIONS {
        let loss = (predict(&x) - &y).square().mean(..);
        loss.backward();
        for parameter in [&w, &b] {
            parameter.sgd_step(LR);
            parameter.zero_grad();
        }
        if i % 10 == 0 || i == ITERATIONS - 1 {
            println!("{i:>9}   {:.7}", loss.item());
        }
    }
    println!("W = {:.6}, b = {:.6}", w.item(), b.item());

    let (data, line) = (points(&x.value(), &y.value()), |x: f64| f64::from(w.item()) * x + f64::from(b.item()));
    let chart = Chart::new("A line through 100 points", "x", "y").dots("data", BLUE, 3.5, data);
    let name = format!("{:.2} x + {:.2}", w.item(), b.item());
    let chart = chart.line(&name, VERMILION, [0.0, 1.0].map(|x| (x, line(x))));
    common.figure("step06", "regression", "regression.svg", &[chart.into()])
}
