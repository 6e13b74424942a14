//! Command lines, a word in each line.
#![no_main]

#[path = "../../steps/tests/hostile/every_flag.rs"]
mod every_flag;

use clap::Command;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static COMMAND: LazyLock<Command> = LazyLock::new(every_flag::command);

fuzz_target!(|words: &[u8]| {
    if let Err(said) = every_flag::parse(&COMMAND, words) {
        assert!(!said.is_empty());
    }
});
