//! Two switches of the running thread: whether calculations are recorded, and whether layers train or evaluate.

use std::cell::Cell;
use std::thread::LocalKey;

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(true) };
    static TRAINING: Cell<bool> = const { Cell::new(true) };
}

/// Runs `work` without recording a graph: for sampling and measuring.
pub fn no_grad<T>(work: impl FnOnce() -> T) -> T {
    with(&RECORDING, false, work)
}

/// Runs `work` with layers in evaluation mode: batch norm uses its running statistics.
pub fn evaluating<T>(work: impl FnOnce() -> T) -> T {
    with(&TRAINING, false, work)
}

pub fn is_recording() -> bool {
    RECORDING.get()
}

pub fn is_training() -> bool {
    TRAINING.get()
}

pub(crate) fn recording<T>(on: bool, work: impl FnOnce() -> T) -> T {
    with(&RECORDING, on, work)
}

/// Sets the switch for the time of `work`, and back again even if `work` panics.
fn with<T>(switch: &'static LocalKey<Cell<bool>>, on: bool, work: impl FnOnce() -> T) -> T {
    struct Restore(&'static LocalKey<Cell<bool>>, bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            self.0.set(self.1);
        }
    }
    let _restore = Restore(switch, switch.replace(on));
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_restores_the_mode() {
        let _ = std::panic::catch_unwind(|| no_grad(|| panic!("inside no_grad")));
        assert!(is_recording());
    }
}
