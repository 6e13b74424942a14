//! How much memory there is, so that a program that asks for more can say so. Otherwise the system kills it.

use crate::Real;
use std::fs;
use std::sync::OnceLock;

/// Bytes that this process can still get: what the system has left (`MemAvailable` and `SwapFree`), and what the process
/// may have (`ulimit -v`). `None` if it cannot be known: only Linux tells, and not what a container may have.
pub fn available() -> Option<usize> {
    let of_system = kilobytes("/proc/meminfo", "MemAvailable:")? + kilobytes("/proc/meminfo", "SwapFree:")?;
    let taken = kilobytes("/proc/self/status", "VmSize:")?;
    let limit = number("/proc/self/limits", "Max address space").unwrap_or(usize::MAX); // else it says "unlimited"
    Some(of_system.min(limit.saturating_sub(taken)))
}

fn kilobytes(file: &str, name: &str) -> Option<usize> {
    Some(number(file, name)? << 10)
}

/// The first number after a name at the beginning of a line.
fn number(file: &str, name: &str) -> Option<usize> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

static HANDLER: OnceLock<fn(&str) -> !> = OnceLock::new();

/// Sets what happens where there is no memory for a tensor: the handler gets a sentence that says so. Without a handler it
/// is a panic. Only the first call counts.
pub fn on_out_of_memory(handler: fn(&str) -> !) {
    let _ = HANDLER.set(handler);
}

/// Of smaller buffers the system is asked only when it refuses one: to ask takes longer than to fill these.
const CHECKED: usize = 16 << 20;

/// So many zeros. Ends the work if there is no memory for them.
pub(crate) fn zeros(len: usize) -> Vec<Real> {
    let bytes = len.saturating_mul(size_of::<Real>());
    if bytes >= CHECKED {
        if available().is_some_and(|available| bytes > available) {
            refuse(bytes);
        }
        return vec![0.0; len]; // pages that the system has zeroed already
    }
    let mut zeros = Vec::new();
    if zeros.try_reserve_exact(len).is_err() {
        refuse(bytes);
    }
    zeros.resize(len, 0.0);
    zeros
}

fn refuse(bytes: usize) -> ! {
    let available = available().map_or(String::new(), |available| format!(", {} MB are available", available >> 20));
    let message = format!("out of memory: a tensor takes {} MB{available}", bytes >> 20);
    match HANDLER.get() {
        Some(handler) => handler(&message),
        None => panic!("{message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_tensor_that_no_memory_can_hold_is_refused() {
        assert!(available().expect("Linux tells") > CHECKED);
        assert_eq!(zeros(CHECKED / size_of::<Real>() + 1)[CHECKED / size_of::<Real>()], 0.0);
        let refused = std::panic::catch_unwind(|| zeros((1 << 60) / size_of::<Real>())).unwrap_err();
        let message = refused.downcast_ref::<String>().expect("a sentence");
        assert!(message.starts_with("out of memory: a tensor takes 1099511627776 MB, "), "{message}");
    }
}
