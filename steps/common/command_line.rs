//! [`CommandLine`]: how a program was started, to say how it is resumed.

use std::ffi::OsString;
use std::fmt;

/// A command line that starts a program of a step. Printed, it can be pasted into a shell.
#[derive(Clone, Debug, Default)]
pub struct CommandLine {
    /// What starts the step: `cargo run --release --bin step09 --`, or the path of the binary.
    step: Vec<String>,
    /// The program and its flags.
    program: Vec<String>,
    /// The flags of the step that were given, such as `--seed 3`.
    step_flags: Vec<String>,
}

impl CommandLine {
    /// The command line of these words, of which the first is the binary, without `--resume`. `step_flags` are those of
    /// its words that every program of the step takes.
    pub fn new(step: &str, words: &[OsString], step_flags: Vec<String>) -> CommandLine {
        let mut words = words.iter().map(|word| word.to_string_lossy().into_owned());
        let binary = words.next().unwrap_or_default();
        // cargo sets this variable for what it runs.
        let by_cargo = std::env::var_os("CARGO").is_some();
        let cargo = ["cargo", "run", "--release", "--bin", step, "--"].map(String::from);
        let step = if by_cargo { cargo.to_vec() } else { vec![binary] };
        CommandLine { step, program: words.filter(|word| word != "--resume").collect(), step_flags }
    }

    /// The same step with another program: `program` is its name and flags, such as `vae --quick`.
    pub fn with_program(&self, program: &str) -> CommandLine {
        let words = program.split(' ').map(String::from);
        CommandLine { program: words.chain(self.step_flags.iter().cloned()).collect(), ..self.clone() }
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let words = self.step.iter().chain(&self.program);
        f.write_str(&words.map(|word| quoted(word)).collect::<Vec<String>>().join(" "))
    }
}

/// A word as a POSIX shell takes it: as it is if it has none of the shell's characters, else in quotes.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("--lr=1e-3"), "--lr=1e-3");
        assert_eq!(quoted("out/Größe_2"), "out/Größe_2");
        assert_eq!(quoted("my results"), "'my results'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn another_program_keeps_the_flags_of_the_step() {
        let words = |line: &str| line.split(' ').map(String::from).collect::<Vec<String>>();
        let evaluate = CommandLine {
            step: words("step07"),
            program: words("evaluate --images 9 --seed 3"),
            step_flags: words("--seed 3"),
        };
        assert_eq!(evaluate.to_string(), "step07 evaluate --images 9 --seed 3");
        assert_eq!(evaluate.with_program("vae --quick").to_string(), "step07 vae --quick --seed 3");
    }
}
