//! `cargo run --release --bin step11`: all programs of the step, training in its quick form; `-- PROGRAM` runs one.

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use steps::common::cli::Common;
use steps::common::programs::{Programs, run_step};
use steps::step11::flow_2d;

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Program {
    /// A network learns how noise must move to become points in the plane: velocity, paths, density, and straighter paths
    #[command(name = "flow_2d")]
    Flow2d(flow_2d::Flags),
}

impl Programs for Program {
    type Data = ();
    const QUICK: &'static [&'static str] = &["flow_2d"];

    fn run(&self, common: &Common, (): &()) -> Result<()> {
        match self {
            Program::Flow2d(flags) => flow_2d::run(common, flags),
        }
    }
}

fn main() -> ExitCode {
    run_step::<Program>("step11", "Step 11: flow matching. Without a program, all run in their quick form")
}
