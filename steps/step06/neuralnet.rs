//! A sine through points, by a network with one hidden layer.

use super::data::{book_data, points};
use crate::common::cli::Common;
use crate::common::plot::{BLUE, Chart, ORANGE, VERMILION};
use anyhow::Result;
use tsukuru::Real;
use tsukuru::mode::no_grad;
use tsukuru::module;
use tsukuru::nn::{self, Linear, Module};
use tsukuru::ops::Reduction;
use tsukuru::optim::{Optimizer, Sgd};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

const LR: f64 = 0.2;
const ITERATIONS: usize = 10_000;
/// Width of the hidden layer.
const HIDDEN: usize = 10;

struct Model {
    linear1: Linear,
    linear2: Linear,
}

module!(Model { linear1, linear2 });

impl Model {
    fn new(inputs: usize, hidden: usize, outputs: usize, rng: &mut Rng) -> Model {
        Model { linear1: Linear::new(inputs, hidden, rng), linear2: Linear::new(hidden, outputs, rng) }
    }

    /// x (N, inputs) -> (N, outputs)
    fn forward(&self, x: &Variable) -> Variable {
        self.linear2.forward(&self.linear1.forward(x).sigmoid())
    }
}

pub fn run(common: &Common) -> Result<()> {
    // y = sin(2 pi x) and noise from 0 to 1
    let (x, y, first_weights) = book_data("neuralnet")?;
    let model = Model::new(1, HIDDEN, 1, &mut Rng::new(common.seed, "init", 0));
    nn::load_state_dict(&model, first_weights)?; // the book's initial weights
    let mut optimizer = Sgd::new(model.parameters(), LR);

    let (mut losses, mut curves) = (vec![], vec![]);
    println!("iteration   loss");
    for i in 0..ITERATIONS {
        if i == 1000 {
            curves.push(curve(&model));
        }
        let loss = model.forward(&x).mse_loss(&y, Reduction::Mean);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        if i % 1000 == 0 || i == ITERATIONS - 1 {
            println!("{i:>9}   {:.7}", loss.item());
        }
        if i < 100 || i % 20 == 0 {
            losses.push((i as f64 + 1.0, f64::from(loss.item())));
        }
    }
    curves.push(curve(&model));

    let mut fit = Chart::new("A sine, and the network's prediction", "x", "y");
    fit = fit.dots("data", BLUE, 3.0, points(&x.value(), &y.value()));
    let names = ["1000 iterations".to_string(), format!("{ITERATIONS}")];
    for ((curve, name), color) in curves.into_iter().zip(names).zip([ORANGE, VERMILION]) {
        fit = fit.line(&name, color, curve);
    }
    let descent = Chart::new("Mean squared error", "iteration", "loss").log_x().log_y().line("", BLUE, losses);
    common.figure("step06", "neuralnet", "neuralnet.svg", &[fit.into(), descent.into()])
}

/// The model's prediction from x = 0 to x = 1.
fn curve(model: &Model) -> Vec<(f64, f64)> {
    let x = Tensor::from_fn([201, 1], |i| i as Real / 200.0);
    points(&x, &no_grad(|| model.forward(&x.clone().into())).value())
}
