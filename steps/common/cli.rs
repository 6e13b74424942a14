//! Flags that programs have in common, and the end of a program that failed.

use super::plot::{self, Panel};
use anyhow::{Context, Result, ensure};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, value_parser};
use std::path::PathBuf;
use std::process::ExitCode;

/// Flags of every program.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// Folder that results go to
    #[arg(long, value_name = "DIR", default_value = "out", global = true)]
    pub out: PathBuf,
    /// Every random number follows from it
    #[arg(long, default_value_t = 0, global = true)]
    pub seed: u64,
    /// Threads to calculate with; all cores by default. The results are the same bits with any number
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024), global = true)]
    pub threads: Option<u16>,
    /// Do not show how far long work is
    #[arg(long, global = true)]
    pub quiet: bool,
}

/// The flag of programs that read images.
#[derive(Args, Clone, Debug)]
pub struct Mnist {
    /// Folder with MNIST's four files (or its parent); without it TSUKURU_DATA, datasets/mnist, then the built-in digits
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
}

/// The flag of programs that read heights or weights.
#[derive(Args, Clone, Debug)]
pub struct People {
    /// Folder with the book's height.txt and height_weight.txt; without it, the built-in heights and weights
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
}

/// Flags of every program that trains. What is not given comes from the program.
#[derive(Args, Clone, Debug, Default)]
pub struct TrainingFlags {
    /// How often to go through the data
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Images per step
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Learning rate
    #[arg(long, allow_negative_numbers = true)]
    pub lr: Option<f64>,
    /// Train on the first N images only
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// A preset that is done within five minutes on two cores
    #[arg(long)]
    pub quick: bool,
    /// Go on where an interrupted run stopped
    #[arg(long)]
    pub resume: bool,
}

impl TrainingFlags {
    /// The preset, and nothing else.
    pub fn quick() -> TrainingFlags {
        TrainingFlags { quick: true, ..TrainingFlags::default() }
    }

    /// What was given, or else a value of the full or of the quick form.
    pub fn or<T>(&self, given: Option<T>, full: T, quick: T) -> T {
        given.unwrap_or(if self.quick { quick } else { full })
    }

    /// The folder of a program's results: the quick form has its own.
    pub fn folder(&self, program: &str) -> String {
        format!("{program}{}", if self.quick { "_quick" } else { "" })
    }

    /// # Errors
    /// If a flag has a value that no training can use.
    pub fn check(&self) -> Result<()> {
        ensure!(self.epochs != Some(0), "--epochs 0: expected at least 1");
        ensure!(self.batch_size != Some(0), "--batch-size 0: expected at least 1");
        ensure!(self.limit != Some(0), "--limit 0: expected at least 1");
        if let Some(lr) = self.lr {
            ensure!(lr > 0.0 && lr.is_finite(), "--lr {lr}: expected a positive number");
        }
        Ok(())
    }
}

impl Common {
    /// The folder of a program that draws the same figures every time, made if it is not there.
    pub fn folder(&self, step: &str, program: &str) -> Result<PathBuf> {
        let path = self.out.join(step).join(program);
        std::fs::create_dir_all(&path).with_context(|| format!("{}: cannot make this folder", path.display()))?;
        Ok(path)
    }

    /// Writes a figure into the folder of its program, and says where it is.
    pub fn figure(&self, step: &str, program: &str, name: &str, panels: &[Panel]) -> Result<()> {
        let path = self.folder(step, program)?.join(name);
        plot::save(&path, panels)?;
        println!("{}", path.display());
        Ok(())
    }

    /// Prepares what all programs need: as many threads as `--threads` says.
    pub fn start(&self) -> Result<()> {
        tsukuru::kernels::check_choice().map_err(anyhow::Error::msg)?;
        tsukuru::threads::start(self.threads.map(usize::from)).context("--threads: the threads cannot be made")?;
        Ok(())
    }

    /// The whole of a step: runs `program`, or without one all programs of the step in order, up to the first error.
    pub fn run<P: ValueEnum + Copy>(&self, program: Option<P>, run: impl Fn(P) -> Result<()>) -> ExitCode {
        let programs = program.as_ref().map_or(P::value_variants(), std::slice::from_ref);
        exit(self.start().and_then(|()| programs.iter().try_for_each(|&program| run(program))))
    }
}

/// The flags that the program was called with. `--help` is answered, and a mistake explained, by clap; like every other
/// error, a mistake ends the program with exit code 1.
pub fn parse<Cli: Parser>() -> Cli {
    or_explain(Cli::try_parse())
}

fn or_explain<T>(parsed: clap::error::Result<T>) -> T {
    parsed.unwrap_or_else(|said| {
        let _ = said.print(); // nobody is left to tell if it fails
        std::process::exit(said.exit_code().min(1))
    })
}

/// The programs of a step, if they have flags of their own.
pub trait Programs: Subcommand {
    /// What runs, in this order, if no program is named.
    fn quick() -> Vec<Self>;

    fn run(&self, common: &Common, mnist: &Mnist) -> Result<()>;
}

/// The whole of such a step. Its name and what it is `about` are for the help.
pub fn run_step<P: Programs>(name: &'static str, about: &'static str) -> ExitCode {
    #[derive(Parser)]
    struct Cli<P: Subcommand> {
        #[command(subcommand)]
        program: Option<P>,
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        mnist: Mnist,
    }
    let parsed = Cli::<P>::command().name(name).about(about).try_get_matches();
    let Cli { program, common, mnist } = or_explain(parsed.and_then(|flags| Cli::<P>::from_arg_matches(&flags)));
    let programs = program.map_or_else(P::quick, |program| vec![program]);
    exit(common.start().and_then(|()| programs.iter().try_for_each(|program| program.run(&common, &mnist))))
}

/// Whether TSUKURU_SMOKE=1 asks every program to be a matter of seconds: few images, few steps, narrow models.
/// It is for tests that only want to see a command run.
pub fn smoke() -> bool {
    std::env::var_os("TSUKURU_SMOKE").is_some_and(|value| value == "1")
}

/// `value`, but at most `cap` under TSUKURU_SMOKE=1.
pub fn capped(value: usize, cap: usize) -> usize {
    if smoke() { value.min(cap) } else { value }
}

/// An error and its causes, without those that it already quotes.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.contains(&cause) {
        true => said,
        false if said.is_empty() => cause,
        false => format!("{said}: {cause}"),
    })
}

/// Ends a program: an error is printed with all its causes, and the exit code is 1.
pub fn exit(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}
