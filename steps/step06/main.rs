//! `cargo run --release --bin step06`: all programs of the step, training in its quick form; `-- PROGRAM` runs one.

use clap::{Parser, ValueEnum};
use steps::common::cli::{Common, Mnist, TrainingFlags, parse};
use steps::step06::{classifier, gmm_by_gradient, gradient, higher_order, neuralnet, regression, tensor, vision};

/// Step 6: neural networks.
#[derive(Parser)]
#[command(name = "step06")]
struct Cli {
    /// The program to run; without one, all run in this order, the last in its quick form
    program: Option<Program>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    mnist: Mnist,
    #[command(flatten, next_help_heading = "Flags of classifier")]
    training: TrainingFlags,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Program {
    /// y = 3 x^2 and its derivative
    Tensor,
    /// Down Rosenbrock's valley, always against the gradient
    Gradient,
    /// A line through points
    Regression,
    /// A sine through points, by a network with one hidden layer
    Neuralnet,
    /// Images as numbers, and batches of them
    Vision,
    /// Derivatives of derivatives: sin, Newton's method, the graph
    HigherOrder,
    /// The mixture of step 4, fitted by gradients and by EM
    GmmByGradient,
    /// Train a convolutional network to read digits
    Classifier,
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, mnist, mut training } = parse();
    training.quick |= program.is_none();
    common.run(program, |program| match program {
        Program::Tensor => tensor::run(&common),
        Program::Gradient => gradient::run(&common),
        Program::Regression => regression::run(&common),
        Program::Neuralnet => neuralnet::run(&common),
        Program::Vision => vision::run(&common, &mnist),
        Program::HigherOrder => higher_order::run(&common),
        Program::GmmByGradient => gmm_by_gradient::run(&common),
        Program::Classifier => classifier::run(&common, &mnist, &training),
    })
}
