//! `cargo run --release --bin step11`: all programs of the step, training in its quick form; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::{Common, MnistArgs};
use steps::common::programs::{Programs, run_step, without};
use steps::step11::{flow, flow_2d, objectives, sample, transformer};

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// A network learns how noise must move to become points in the plane: velocity, paths, density, and straighter paths
    #[command(name = "flow_2d", args = without(["data"]))]
    Flow2d(flow_2d::Flags),
    /// Train the U-Net to predict the velocity of a flow from noise to digits
    Flow(flow::Flags),
    /// Train one network for several objectives, and compare what they generate with few evaluations
    Objectives(objectives::Flags),
    /// Train a diffusion transformer, to predict the velocity or the noise
    Transformer(transformer::Flags),
    /// Generate the digits that you ask for
    Sample(sample::Flags),
}

impl Programs for Program {
    type Data = MnistArgs;
    const QUICK: &'static [&'static str] = &["flow_2d", "flow --quick", "transformer --quick"];

    fn run(&self, common: &Common, mnist: &MnistArgs) -> Result<()> {
        match self {
            Program::Flow2d(flags) => flow_2d::run(common, flags),
            Program::Flow(flags) => flow::run(common, mnist, flags),
            Program::Objectives(flags) => objectives::run(common, mnist, flags),
            Program::Transformer(flags) => transformer::run(common, mnist, flags),
            Program::Sample(flags) => sample::run(common, mnist, flags),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>(
        "step11",
        "Step 11: flow matching. Without a program, flow_2d, flow and transformer run in their quick form",
    )
}
