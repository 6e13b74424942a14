//! [`Progress`]: a bar on a terminal, plain lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Shows how far some long work is, how fast it goes and when it will end.
pub struct Progress {
    name: String,
    total: u64,
    done: u64,
    /// When it began, and how many steps were done before: they say nothing about the speed.
    start: Instant,
    done_before: u64,
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
        let style = "{prefix} [{bar:20}] {pos}/{len} {msg}";
        let display = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Display::Quiet,
            (false, false) => Display::Lines,
            (false, true) => {
                let bar = ProgressBar::new(total as u64).with_position(done as u64).with_prefix(name.to_string());
                bar.set_style(ProgressStyle::with_template(style).expect("a valid template").progress_chars("=> "));
                Display::Bar(bar)
            }
        };
        let (total, done, now) = (total as u64, done as u64, Instant::now());
        Progress { name: name.to_string(), total, done, start: now, done_before: done, last: now, display }
    }

    /// One step is done; `message` is what to say about it.
    pub fn step(&mut self, message: impl FnOnce() -> String) {
        self.done += 1;
        match &self.display {
            Display::Quiet => (),
            Display::Bar(bar) => {
                bar.set_message(self.text(message()));
                bar.inc(1);
            }
            Display::Lines if self.last.elapsed() >= INTERVAL => {
                self.last = Instant::now();
                println!("{} {}/{} {}", self.name, self.done, self.total, self.text(message()));
            }
            Display::Lines => (),
        }
    }

    fn text(&self, message: String) -> String {
        let separator = if message.is_empty() { "" } else { ", " };
        format!("{message}{separator}{}", self.speed(self.start.elapsed()))
    }

    /// How fast the steps since the beginning were, which took so long, and how long those that are left will take.
    fn speed(&self, elapsed: Duration) -> String {
        let per_second = (self.done - self.done_before) as f64 / elapsed.as_secs_f64();
        format!("{per_second:.1}/s, {} left", duration((self.total - self.done) as f64 / per_second))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 steps in a second, of 469, of which an earlier run has done 195.
    #[test]
    fn the_speed_is_that_of_this_run() {
        let mut progress = Progress::new("epoch 1/10", 469, 195, true);
        (0..20).for_each(|_| progress.step(String::new));
        assert_eq!(progress.speed(Duration::from_secs(1)), "20.0/s, 12.7 s left");
        assert_eq!(progress.speed(Duration::from_secs(40)), "0.5/s, 8 min 28 s left");
    }
}
