//! `cargo run --release --bin step03`: all programs of the step; `-- PROGRAM` runs one.

use clap::{Parser, ValueEnum};
use steps::common::cli::{Common, PeopleArgs, parse};
use steps::step03::{array_basis, matrix, mle, plot_3d, plot_dataset, plot_norm};

/// Step 3: the multivariate normal distribution.
#[derive(Parser)]
#[command(name = "step03")]
struct Cli {
    /// The program to run; without one, all run in this order
    program: Option<Program>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    people: PeopleArgs,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Program {
    /// Vectors and matrices: elementwise operations and products
    ArrayBasis,
    /// Transpose, determinant, inverse, and the Cholesky factor
    Matrix,
    /// A function of two variables, as a surface and by its contours
    #[value(name = "plot_3d")]
    Plot3d,
    /// The density of a normal distribution in two dimensions
    PlotNorm,
    /// Heights and weights as a scatter plot
    PlotDataset,
    /// The normal distribution of maximum likelihood for heights and weights
    Mle,
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, people } = parse();
    common.run(program, |program| match program {
        Program::ArrayBasis => array_basis::run(&common),
        Program::Matrix => matrix::run(&common),
        Program::Plot3d => plot_3d::run(&common),
        Program::PlotNorm => plot_norm::run(&common),
        Program::PlotDataset => plot_dataset::run(&common, &people),
        Program::Mle => mle::run(&common, &people),
    })
}
