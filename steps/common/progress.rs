//! [`Progress`]: a bar on a terminal, plain lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Shows how far some long work is, how fast it goes and when it will end.
pub struct Progress {
    name: String,
    total: u64,
    done: u64,
    /// When the last plain line was printed.
    last: Instant,
    display: Display,
}

enum Display {
    Bar(ProgressBar),
    Lines,
    Quiet,
}

/// Plain lines come this often.
const INTERVAL: Duration = Duration::from_secs(10);

impl Progress {
    /// For `total` steps of work called `name`, of which `done` were done before.
    pub fn new(name: &str, total: usize, done: usize, quiet: bool) -> Progress {
        let style = "{prefix} [{bar:30}] {pos}/{len} {msg} {per_sec}, {eta} left";
        let display = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Display::Quiet,
            (false, false) => Display::Lines,
            (false, true) => {
                let bar = ProgressBar::new(total as u64).with_position(done as u64).with_prefix(name.to_string());
                bar.set_style(ProgressStyle::with_template(style).expect("a valid template").progress_chars("=> "));
                bar.reset_eta();
                Display::Bar(bar)
            }
        };
        Progress { name: name.to_string(), total: total as u64, done: done as u64, last: Instant::now(), display }
    }

    /// One step is done; `message` is what to say about it.
    pub fn step(&mut self, message: impl FnOnce() -> String) {
        self.done += 1;
        match &self.display {
            Display::Quiet => (),
            Display::Bar(bar) => {
                bar.set_message(message());
                bar.inc(1);
            }
            Display::Lines if self.last.elapsed() >= INTERVAL => {
                self.last = Instant::now();
                println!("{} {}/{} {}", self.name, self.done, self.total, message());
            }
            Display::Lines => (),
        }
    }

    /// Prints a line without disturbing the bar.
    pub fn print(&self, line: &str) {
        match &self.display {
            Display::Bar(bar) => bar.suspend(|| println!("{line}")),
            Display::Lines | Display::Quiet => println!("{line}"),
        }
    }

    /// Removes the bar, so that what is printed next has a line of its own.
    pub fn finish(self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }
}

/// `3 h 20 min`, `4 min 10 s`, `12.3 s`
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s >= 3600.0 => format!("{:.0} h {:.0} min", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
        s if s >= 60.0 => format!("{:.0} min {:.0} s", (s / 60.0).floor(), (s % 60.0).floor()),
        s => format!("{s:.1} s"),
    }
}
