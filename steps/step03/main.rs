//! `cargo run --release --bin step03`: all programs of the step; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::{Common, PeopleArgs};
use steps::common::programs::{Programs, run_step, without};
use steps::step03::{array_basis, matrix, mle, plot_3d, plot_dataset, plot_norm};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// Vectors and matrices: elementwise operations and products
    #[command(args = without(["data", "seed"]))]
    ArrayBasis,
    /// Transpose, determinant, inverse, and the Cholesky factor
    #[command(args = without(["data", "seed"]))]
    Matrix,
    /// A function of two variables, as a surface and by its contours
    #[command(name = "plot_3d", args = without(["data", "seed"]))]
    Plot3d,
    /// The density of a normal distribution in two dimensions
    #[command(args = without(["data", "seed"]))]
    PlotNorm,
    /// Heights and weights as a scatter plot
    #[command(args = without(["seed"]))]
    PlotDataset,
    /// The normal distribution of maximum likelihood for heights and weights
    #[command(args = without(["seed"]))]
    Mle,
}

impl Programs for Program {
    type Data = PeopleArgs;
    const QUICK: &'static [&'static str] = &["array_basis", "matrix", "plot_3d", "plot_norm", "plot_dataset", "mle"];

    fn run(&self, common: &Common, people: &PeopleArgs) -> Result<()> {
        match self {
            Program::ArrayBasis => array_basis::run(common),
            Program::Matrix => matrix::run(common),
            Program::Plot3d => plot_3d::run(common),
            Program::PlotNorm => plot_norm::run(common),
            Program::PlotDataset => plot_dataset::run(common, people),
            Program::Mle => mle::run(common, people),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>(
        "step03",
        "Step 3: the multivariate normal distribution. Without a program, all run in this order",
    )
}
