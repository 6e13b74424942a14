//! Flags that programs have in common, and the end of a program that failed.

use super::command_line::CommandLine;
use super::data::Source;
use super::plot::{self, Panel};
use anyhow::{Context, Result, bail};
use clap::{Args, Parser, value_parser};
use std::path::PathBuf;
use std::process::ExitCode;
use tsukuru::anomaly::detect_anomaly;

/// Flags of every program.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// Output directory
    #[arg(long, value_name = "DIR", default_value = "out", global = true)]
    pub out: PathBuf,
    /// Random seed
    #[arg(long, default_value_t = 0, global = true)]
    pub seed: u64,
    /// Number of threads; all cores by default. The results are the same bits with any number
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024), global = true)]
    pub threads: Option<u16>,
    /// Hide the progress bar
    #[arg(long, global = true)]
    pub quiet: bool,
    /// Name the first operation that computes an Inf or NaN; takes a little longer
    #[arg(long, global = true)]
    pub detect_anomaly: bool,
    #[arg(skip = Limits::from_environment())]
    pub limits: Limits,
    /// What starts the program that runs.
    #[arg(skip)]
    pub command: CommandLine,
    /// Whether each training is resumed that has a checkpoint, because the whole step is.
    #[arg(skip)]
    pub resume: bool,
}

/// The largest sizes that programs use. Usually there are none; with TSUKURU_SMOKE=1, for tests that only check that
/// programs run, all work is a matter of seconds.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Images of each split of the data.
    pub images: usize,
    pub epochs: usize,
    pub batch_size: usize,
    /// Channels of a model at full resolution, or width of its hidden layers.
    pub width: usize,
    /// T of a noise schedule.
    pub num_timesteps: usize,
    /// Steps of a sampler that need not take all T.
    pub sample_steps: usize,
    /// Generated images of one label and one guidance scale.
    pub samples_per_label: usize,
    /// Steps of a training that draws its data as it goes, so that it has no epochs.
    pub train_steps: usize,
    /// Points of the plane.
    pub points: usize,
}

impl Limits {
    pub const NONE: Limits = Limits {
        images: usize::MAX,
        epochs: usize::MAX,
        batch_size: usize::MAX,
        width: usize::MAX,
        num_timesteps: usize::MAX,
        sample_steps: usize::MAX,
        samples_per_label: usize::MAX,
        train_steps: usize::MAX,
        points: usize::MAX,
    };
    const SMOKE: Limits = Limits {
        images: 64,
        epochs: 2,
        batch_size: 16,
        width: 4,
        num_timesteps: 10,
        sample_steps: 5,
        samples_per_label: 2,
        train_steps: 20,
        points: 100,
    };

    fn from_environment() -> Limits {
        let smoke = std::env::var_os("TSUKURU_SMOKE").is_some_and(|value| value == "1");
        if smoke { Limits::SMOKE } else { Limits::NONE }
    }
}

/// The flags of programs that read images.
#[derive(Args, Clone, Debug)]
pub struct MnistArgs {
    /// Folder with MNIST's four files (or its parent), CIFAR-10's, or PNG and JPEG files; without it TSUKURU_DATA, datasets/mnist, then the built-in digits
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// Pixels along the sides of a folder's pictures, which are cropped to squares [default: 32]
    #[arg(long, value_name = "N", global = true)]
    pub size: Option<usize>,
    /// Read a folder's pictures in colour; without it they are grey
    #[arg(long, global = true)]
    pub colour: bool,
    /// At most so many images of each split.
    #[arg(skip = Limits::from_environment().images)]
    pub limit: usize,
}

impl MnistArgs {
    /// Where the images come from.
    ///
    /// # Errors
    /// As [`Source::find`] and [`Source::with_format`].
    pub fn source(&self) -> Result<Source> {
        let source = Source::find(self.data.as_deref())?.with_format(self.size, self.colour)?;
        Ok(source.limited(self.limit))
    }
}

/// The flag of programs that read heights or weights.
#[derive(Args, Clone, Debug)]
pub struct PeopleArgs {
    /// Folder with the book's height.txt and height_weight.txt; without it, the built-in heights and weights
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
}

impl Common {
    /// The folder of a program that draws the same figures every time, made if it is not there.
    pub fn folder(&self, step: &str, program: &str) -> Result<PathBuf> {
        let path = self.out.join(step).join(program);
        std::fs::create_dir_all(&path).with_context(|| format!("{}: cannot make this folder", path.display()))?;
        Ok(path)
    }

    /// Writes a figure into the folder of its program, and prints its path.
    pub fn figure(&self, step: &str, program: &str, name: &str, panels: &[Panel]) -> Result<()> {
        let path = self.folder(step, program)?.join(name);
        plot::save(&path, panels)?;
        println!("{}", path.display());
        Ok(())
    }

    /// Runs a program; with `--detect-anomaly`, its error or its last line is about the first number that is not finite.
    pub fn observe(&self, program: impl FnOnce() -> Result<()>) -> Result<()> {
        if !self.detect_anomaly {
            return program();
        }
        match detect_anomaly(program) {
            (Err(error), Some(anomaly)) => bail!("{}; {anomaly}", format_error(&error)),
            (result, Some(anomaly)) => result.map(|()| println!("{anomaly}")),
            (result, None) => result,
        }
    }

    /// Prepares what all programs need: as many threads as `--threads` says, and a sentence where memory is short.
    pub fn start(&self) -> Result<()> {
        tsukuru::memory::on_out_of_memory(|message| {
            eprintln!("error: {message}: a smaller model or batch needs less");
            std::process::exit(1)
        });
        tsukuru::kernels::check_choice().map_err(anyhow::Error::msg)?;
        tsukuru::threads::start(self.threads.map(usize::from)).context("--threads: the threads cannot be made")?;
        Ok(())
    }
}

/// The flags that the program was called with. `--help` is answered, and a mistake explained, by clap; like every other
/// error, a mistake ends the program with exit code 1.
pub fn parse<Cli: Parser>() -> Cli {
    or_exit(Cli::try_parse())
}

/// What was parsed; else the program ends, see [`parse`].
pub fn or_exit<T>(parsed: clap::error::Result<T>) -> T {
    parsed.unwrap_or_else(|error| {
        let _ = error.print(); // if it fails, there is nobody to tell
        std::process::exit(error.exit_code().min(1))
    })
}

/// An error and its causes, without those that it already quotes.
fn format_error(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |message, cause| match message.contains(&cause) {
        true => message,
        false if message.is_empty() => cause,
        false => format!("{message}: {cause}"),
    })
}

/// Ends a program: an error is printed with all its causes, and the exit code is 1.
pub fn exit(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", format_error(&error));
            ExitCode::FAILURE
        }
    }
}
