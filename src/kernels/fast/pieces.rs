//! How a kernel's work is cut into pieces for the threads. The cuts depend on the sizes alone, never on the number of
//! threads, and partial results are put together in order: the same bits on every machine.

use rayon::prelude::*;

/// Less work than this many numbers stays on the calling thread: handing it to another one and waiting for the answer
/// takes 5 to 20 us, in which one core does 16 to 64 Ki additions.
pub const ALONE: usize = 32 * 1024;

/// About how many numbers make a piece: 256 KiB, so that two operands and a result fit into a core's L2 cache, and
/// the largest tensors here (10 million numbers) give over 100 pieces.
pub const PIECE: usize = 64 * 1024;

/// How many rows of `len` numbers make a piece: at least one.
pub fn rows_per_piece(len: usize) -> usize {
    (PIECE / len.max(1)).max(1)
}

/// Cuts `out` into pieces of `size` and calls `run(start, piece)` for each, in parallel if there are at least
/// [`ALONE`] numbers of `work`.
pub fn pieces<T: Send>(out: &mut [T], size: usize, work: usize, run: impl Fn(usize, &mut [T]) + Sync) {
    if work < ALONE || out.len() <= size {
        out.chunks_mut(size.max(1)).enumerate().for_each(|(i, piece)| run(i * size, piece));
    } else {
        out.par_chunks_mut(size).enumerate().for_each(|(i, piece)| run(i * size, piece));
    }
}
