//! Two switches of the running thread: whether operations are recorded, and whether layers train or evaluate.

use std::cell::Cell;
use std::thread::LocalKey;

thread_local! {
    static GRAD_ENABLED: Cell<bool> = const { Cell::new(true) };
    static TRAINING: Cell<bool> = const { Cell::new(true) };
}

/// Runs `work` without recording a graph, for sampling and evaluation (`torch.no_grad()`).
pub fn no_grad<T>(work: impl FnOnce() -> T) -> T {
    with(&GRAD_ENABLED, false, work)
}

/// Runs `work` with all layers of this thread, not of one model, in evaluation mode (after `model.eval()` in PyTorch): batch norm uses its running statistics,
/// dropout drops nothing.
pub fn eval_mode<T>(work: impl FnOnce() -> T) -> T {
    with(&TRAINING, false, work)
}

/// Whether operations are recorded.
pub fn is_grad_enabled() -> bool {
    GRAD_ENABLED.get()
}

/// Whether layers are in training mode.
pub fn is_training() -> bool {
    TRAINING.get()
}

/// Runs `work` with recording on or off.
pub(crate) fn set_grad_enabled<T>(on: bool, work: impl FnOnce() -> T) -> T {
    with(&GRAD_ENABLED, on, work)
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
        assert!(is_grad_enabled());
    }
}
