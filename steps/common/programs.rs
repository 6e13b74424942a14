//! [`run_step`]: a step and its programs, of which the named one runs, or all in their quick form.

use super::cli::{Common, exit, or_exit};
use super::command_line::CommandLine;
use anyhow::{Result, bail, ensure};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// The programs of a step.
pub trait Programs: Subcommand {
    /// The flag that says where the data are; `()` in a step that reads none.
    type Data: Args;
    /// What runs, in this order, if no program is named: the command line of each.
    const QUICK: &'static [&'static str];

    fn run(&self, common: &Common, data: &Self::Data) -> Result<()>;
}

/// For a program that has no use for some flags of its step: they are not in its help, and are refused. Without `data`, it
/// has none for the flags of [`MnistArgs`](super::cli::MnistArgs) either that say how data are read.
///
/// ```text
/// #[command(args = without(["data", "seed"]))]
/// SimpleUnet,
/// ```
pub fn without<const N: usize>(flags: [&'static str; N]) -> impl Iterator<Item = Arg> {
    let how = if flags.contains(&"data") { &["size", "colour"][..] } else { &[] };
    flags.into_iter().chain(how.iter().copied()).map(|flag| Arg::new(flag).long(flag).num_args(0..=1).hide(true))
}

/// The flags that some programs are [`without`], and why.
const REFUSED: [(&str, &str); 4] = [
    ("data", "reads no data"),
    ("size", "reads no pictures"),
    ("colour", "reads no pictures"),
    ("seed", "draws no random numbers"),
];

/// A command line of a step.
#[derive(Parser)]
pub struct Cli<P: Programs> {
    #[command(subcommand)]
    pub program: Option<P>,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub data: P::Data,
}

/// The whole of a step. Its name and what it is `about` are for the help.
pub fn run_step<P: Programs>(name: &'static str, about: &'static str) -> ExitCode {
    exit(run::<P>(name, about))
}

fn run<P: Programs>(name: &'static str, about: &'static str) -> Result<()> {
    let command = command::<P>(name, about);
    let Cli { program, common, data } = match parse::<P>(&command, &Vec::from_iter(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => or_exit(Err(error.downcast::<clap::Error>()?)),
    };
    common.start()?;
    if let Some(program) = program {
        return common.observe(|| program.run(&common, &data));
    }
    P::QUICK.iter().try_for_each(|line| {
        let parsed = Cli::<P>::try_parse_from([name].into_iter().chain(line.split(' ')));
        let program = parsed.ok().and_then(|cli| cli.program).expect("a command line of this step");
        let common = Common { command: common.command.with_program(line), ..common.clone() };
        common.observe(|| program.run(&common, &data))
    })
}

/// What the words ask for, of which the first is the program's own name.
///
/// # Errors
/// A [`clap::Error`] for `--help` and for what clap explains better.
pub fn parse<P: Programs>(command: &Command, words: &[OsString]) -> Result<Cli<P>> {
    let parsed = command.clone().try_get_matches_from(words);
    if let Some(hint) = parsed.as_ref().err().and_then(|error| hint(command, words, error)) {
        bail!(hint);
    }
    let matches = parsed?;
    let quick = || P::QUICK.iter().map(|line| line.split(' ').next().expect("a program"));
    refuse(command, &matches, &matches.subcommand_name().map_or_else(|| quick().collect(), |name| vec![name]))?;
    let mut cli = Cli::<P>::from_arg_matches(&matches)?;
    cli.common.resume = is_given(&matches, "resume");
    if let Some((program, _)) = matches.subcommand().filter(|_| cli.common.resume) {
        let resumable = command.find_subcommand(program).is_some_and(|program| takes(program, "resume"));
        ensure!(resumable, "{program} takes no --resume: it trains nothing");
        bail!("--resume: expected after the program, as in `{program} --resume`");
    }
    cli.common.command = CommandLine::new(command.get_name(), words, step_flags(command, &matches));
    Ok(cli)
}

/// The step as clap knows it. `--resume` is for all programs together, if there is one that can be resumed.
pub fn command<P: Programs>(name: &'static str, about: &'static str) -> Command {
    let mut command = Cli::<P>::command().name(name).about(about);
    if command.get_subcommands().any(|program| takes(program, "resume")) {
        let help = "Resume what an interrupted run without a program has left unfinished";
        command = command.arg(Arg::new("resume").long("resume").action(ArgAction::SetTrue).help(help));
    }
    for (flag, _) in REFUSED {
        if takes(&command, flag) && command.get_subcommands().all(|program| is_refused(program, flag)) {
            command = command.mut_arg(flag, |arg| arg.hide(true));
        }
    }
    command
}

fn takes(command: &Command, flag: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_long() == Some(flag) && !arg.is_hide_set())
}

fn is_refused(program: &Command, flag: &str) -> bool {
    program.get_arguments().any(|arg| arg.get_id() == flag && arg.is_hide_set())
}

fn is_given(matches: &ArgMatches, flag: &str) -> bool {
    matches.try_contains_id(flag).is_ok() && matches.value_source(flag) == Some(ValueSource::CommandLine)
}

/// An error if a flag was given that none of these programs has a use for.
fn refuse(command: &Command, matches: &ArgMatches, programs: &[&str]) -> Result<()> {
    for (flag, reason) in REFUSED {
        let refused = |name: &&str| command.find_subcommand(name).is_some_and(|program| is_refused(program, flag));
        if is_given(matches, flag) && programs.iter().all(refused) {
            let name = matches.subcommand_name().unwrap_or(command.get_name());
            bail!("{name} takes no --{flag}: it {reason}");
        }
    }
    Ok(())
}

/// The flags that were given and that every program of the step takes, as words.
fn step_flags(command: &Command, matches: &ArgMatches) -> Vec<String> {
    let mut words = vec![];
    for arg in command.get_arguments().filter(|arg| arg.is_global_set() && is_given(matches, arg.get_id().as_str())) {
        words.extend(arg.get_long().map(|long| format!("--{long}")));
        if arg.get_action().takes_values() {
            let values = matches.get_raw(arg.get_id().as_str()).into_iter().flatten();
            words.extend(values.map(|value| value.to_string_lossy().into_owned()));
        }
    }
    words
}

/// Which programs take the flags that were given without a program, or to another one.
fn hint(command: &Command, words: &[OsString], error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else { return None };
    let texts: Vec<String> = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let longs = texts.iter().filter_map(|word| word.strip_prefix("--")?.split('=').next());
    let first = unknown.strip_prefix("--").filter(|_| error.kind() == ErrorKind::UnknownArgument)?;
    let longs: Vec<&str> = longs.filter(|long| *long == first || !takes(command, long)).collect();
    let takers = |longs: &[&str]| -> Vec<&str> {
        let takes_all = |program: &&Command| longs.iter().all(|long| takes(program, long));
        command.get_subcommands().filter(takes_all).map(Command::get_name).collect()
    };
    let says = |takers: &[&str], flags: &str| {
        format!("{} {} {flags}", takers.join(", "), if takers.len() == 1 { "takes" } else { "take" })
    };
    let of_all = takers(&longs);
    let Some(program) = of_all.first() else {
        let each = longs.iter().map(|long| (long, takers(&[long]))).filter(|(_, takers)| !takers.is_empty());
        let each: Vec<String> = each.map(|(long, takers)| says(&takers, &format!("--{long}"))).collect();
        return (!takers(&[first]).is_empty()).then(|| each.join("; "));
    };
    let flag = says(&takers(&[first]), unknown);
    let named = command.clone().ignore_errors(true).try_get_matches_from(words).ok()?;
    let rest = texts.iter().filter(|word| Some(&word[..]) != named.subcommand_name()).cloned().collect();
    let example = CommandLine::new(command.get_name(), words, rest).with_program(program);
    Some(format!("{flag}: {example}"))
}
