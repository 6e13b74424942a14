//! `cargo run --release --bin step03`: all programs of the step; `-- PROGRAM` runs one.

use clap::{Parser, Subcommand};
use steps::common::cli::{Common, People, exit, parse};
use steps::step03::{array_basis, matrix, mle, plot_3d, plot_dataset, plot_norm};

/// Step 3: the multivariate normal distribution. Without a program, all run in order.
#[derive(Parser)]
#[command(name = "step03")]
struct Cli {
    #[command(subcommand)]
    program: Option<Program>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    people: People,
}

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// Vectors and matrices, number by number and as products
    ArrayBasis,
    /// Transpose, determinant, inverse, and Cholesky's factor
    Matrix,
    /// A function of two variables, as a surface and by its contours
    #[command(name = "plot_3d")]
    Plot3d,
    /// The normal density in two dimensions
    PlotNorm,
    /// Heights and weights
    PlotDataset,
    /// The normal distribution that fits heights and weights best
    Mle,
}

fn main() -> std::process::ExitCode {
    let Cli { program, common, people } = parse();
    let run = || match program {
        None => {
            array_basis::run(&common)?;
            matrix::run(&common)?;
            plot_3d::run(&common)?;
            plot_norm::run(&common)?;
            plot_dataset::run(&common, &people)?;
            mle::run(&common, &people)
        }
        Some(Program::ArrayBasis) => array_basis::run(&common),
        Some(Program::Matrix) => matrix::run(&common),
        Some(Program::Plot3d) => plot_3d::run(&common),
        Some(Program::PlotNorm) => plot_norm::run(&common),
        Some(Program::PlotDataset) => plot_dataset::run(&common, &people),
        Some(Program::Mle) => mle::run(&common, &people),
    };
    exit(common.start().and_then(|()| run()))
}
