//! Ctrl-C, SIGTERM and SIGHUP during a training. The step under way is finished and saved; if everything is saved
//! already, as while samples are drawn, the program ends at once; so it does at a second Ctrl-C.

use std::process::exit;
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

/// What would be lost if the program ended now.
enum State {
    /// Nothing: no training is under way.
    Idle,
    /// The steps since the last checkpoint.
    Unsaved,
    /// As before, and a signal has come: the training is to save and to stop.
    Stopping,
    /// Nothing: the checkpoint holds all steps. This is what to say about it.
    Saved(String),
}

static STATE: Mutex<State> = Mutex::new(State::Idle);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From its return on, signals are answered as the state says.
pub(super) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The thread lets go of `registering` when it has its handler, or none.
        let (registering, registered) = mpsc::channel();
        drop(thread::Builder::new().spawn(move || answer_signals(registering)));
        let _ = registered.recv();
    });
}

/// Without a handler, if there can be none, a signal ends the program as it ends any other.
#[cfg(unix)]
fn answer_signals(registering: Sender<()>) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let signals = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| signal != SIGHUP || !ignored(SIGHUP));
    let Ok(mut signals) = signal_hook::iterator::Signals::new(signals) else { return };
    drop(registering);
    for signal in signals.forever() {
        // A terminal that is closed sends SIGHUP twice, and a system that shuts down may send SIGTERM with it: they only ask.
        answer(128 + signal, signal == SIGINT);
    }
}

#[cfg(windows)]
fn answer_signals(_registering: Sender<()>) {
    let _ = ctrlc::set_handler(|| answer(130, true));
}

/// Elsewhere there are no signals.
#[cfg(not(any(unix, windows)))]
fn answer_signals(_registering: Sender<()>) {}

/// Whether a signal was ignored when the program started, as SIGHUP is under `nohup`. Only Linux tells.
#[cfg(unix)]
pub fn ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// `code` is the exit code where there is nothing to say; `insists`, whether a training that is to stop already ends at
/// once.
#[cfg(any(unix, windows))]
fn answer(code: i32, insists: bool) {
    let mut state = state();
    match &*state {
        State::Idle => exit(code),
        State::Unsaved => {
            *state = State::Stopping;
            drop(state);
            eprintln!("\nfinishing the step under way; one more Ctrl-C stops at once");
        }
        State::Stopping if insists => exit(code),
        State::Stopping => (),
        State::Saved(message) => {
            eprintln!("\nerror: {message}");
            exit(1)
        }
    }
}

/// Begins a step, unless a signal has come.
pub(super) fn begin_step() -> bool {
    let mut state = state();
    let go_on = !matches!(*state, State::Stopping);
    if go_on {
        *state = State::Unsaved;
    }
    go_on
}

/// All steps are saved. If a signal has come, the training is to stop: the result is false.
pub(super) fn saved(message: String) -> bool {
    !matches!(std::mem::replace(&mut *state(), State::Saved(message)), State::Stopping)
}

/// The training is over.
pub(super) fn end() {
    *state() = State::Idle;
}
