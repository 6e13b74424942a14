//! Recycled buffers. A fresh buffer of 77 MB costs more time in page faults than most kernels take to fill it,
//! so a buffer that is dropped is kept for the next tensor of about its size (a free list per length).

use crate::{Real, memory};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Numbers that start on a cache line, and go back to the pool when dropped.
pub struct Buffer {
    storage: Vec<Real>,
    start: usize,
    len: usize,
}

/// A cache line, in bytes.
const LINE: usize = 64;
const LINE_NUMBERS: usize = LINE / size_of::<Real>();
/// Free buffers take at most this many bytes; beyond it a dropped buffer goes back to the system.
const CAP: usize = 4 << 30;

/// Free buffers, by their length.
struct FreeLists {
    by_len: BTreeMap<usize, Vec<Vec<Real>>>,
    statistics: Statistics,
}

/// What the pool has done since the program began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Requests served by a free buffer.
    pub hits: u64,
    /// Requests that needed fresh memory.
    pub misses: u64,
    /// Bytes in free buffers now.
    pub free_bytes: usize,
}

static POOL: Mutex<FreeLists> =
    Mutex::new(FreeLists { by_len: BTreeMap::new(), statistics: Statistics { hits: 0, misses: 0, free_bytes: 0 } });

fn pool() -> std::sync::MutexGuard<'static, FreeLists> {
    POOL.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What the pool has done since the program began.
pub fn statistics() -> Statistics {
    pool().statistics
}

/// Gives all free buffers back to the system.
pub fn clear() {
    let mut pool = pool();
    pool.by_len.clear();
    pool.statistics.free_bytes = 0;
}

impl Buffer {
    /// A buffer whose numbers are whatever the last user left: for results that are written whole. Where there is no memory
    /// for it, see [`memory::on_out_of_memory`].
    pub fn scratch(len: usize) -> Buffer {
        let wanted = len.next_multiple_of(LINE_NUMBERS) + LINE_NUMBERS;
        let storage = take_free(wanted).unwrap_or_else(|| memory::zeros(wanted));
        let start = storage.as_ptr().align_offset(LINE).min(LINE_NUMBERS);
        Buffer { storage, start, len }
    }
}

/// The smallest free buffer that fits without wasting more than a third of it: the last batch of an epoch, which is
/// smaller, shall find the buffers of the others.
fn take_free(wanted: usize) -> Option<Vec<Real>> {
    let mut pool = pool();
    let found = pool.by_len.range_mut(wanted..=wanted + wanted / 2).find_map(|(_, free)| free.pop());
    match &found {
        Some(storage) => {
            pool.statistics.hits += 1;
            pool.statistics.free_bytes -= size_of_val(&storage[..]);
        }
        None => pool.statistics.misses += 1,
    }
    found
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let storage = std::mem::take(&mut self.storage);
        let bytes = size_of_val(&storage[..]);
        let mut pool = pool();
        if pool.statistics.free_bytes + bytes <= CAP {
            pool.statistics.free_bytes += bytes;
            pool.by_len.entry(storage.len()).or_default().push(storage);
        }
    }
}

impl std::ops::Deref for Buffer {
    type Target = [Real];
    fn deref(&self) -> &[Real] {
        &self.storage[self.start..self.start + self.len]
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [Real] {
        &mut self.storage[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_used_again_and_starts_on_a_cache_line() {
        let len = 1_234_567; // a size that no other test uses
        let first = Buffer::scratch(len);
        let address = first.as_ptr();
        drop(first);
        let second = Buffer::scratch(len - 7);
        assert_eq!((second.as_ptr(), second.len(), address as usize % LINE), (address, len - 7, 0));
        let third = Buffer::scratch(len);
        assert_ne!(third.as_ptr(), address);
    }
}
