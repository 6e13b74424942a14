//! `cargo run --release --bin step06`: all programs of the step, training in its quick form; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::{Common, MnistArgs};
use steps::common::programs::{Programs, run_step, without};
use steps::common::training::TrainingFlags;
use steps::step06::{classifier, gmm_by_gradient, gradient, higher_order, neuralnet, regression, tensor, vision};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// y = 3 x^2 and its derivative
    #[command(args = without(["data", "seed"]))]
    Tensor,
    /// Gradient descent on Rosenbrock's function
    #[command(args = without(["data", "seed"]))]
    Gradient,
    /// A line through points
    #[command(args = without(["data", "seed"]))]
    Regression,
    /// A sine through points, by a network with one hidden layer
    #[command(args = without(["data", "seed"]))]
    Neuralnet,
    /// Images as numbers, and batches of them
    Vision,
    /// Derivatives of derivatives: sin, Newton's method, the graph
    #[command(args = without(["data", "seed"]))]
    HigherOrder,
    /// The mixture of step 4, fitted by gradients and by EM
    #[command(args = without(["data", "seed"]))]
    GmmByGradient,
    /// Train a convolutional network to classify digits
    Classifier(TrainingFlags),
}

impl Programs for Program {
    type Data = MnistArgs;
    const QUICK: &'static [&'static str] = &[
        "tensor",
        "gradient",
        "regression",
        "neuralnet",
        "vision",
        "higher_order",
        "gmm_by_gradient",
        "classifier --quick",
    ];

    fn run(&self, common: &Common, mnist: &MnistArgs) -> Result<()> {
        match self {
            Program::Tensor => tensor::run(common),
            Program::Gradient => gradient::run(common),
            Program::Regression => regression::run(common),
            Program::Neuralnet => neuralnet::run(common),
            Program::Vision => vision::run(common, mnist),
            Program::HigherOrder => higher_order::run(common),
            Program::GmmByGradient => gmm_by_gradient::run(common),
            Program::Classifier(flags) => classifier::run(common, mnist, flags),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>(
        "step06",
        "Step 6: neural networks. Without a program, all run in this order, the last in its quick form",
    )
}
