//! How a kernel's work is cut into chunks for the threads. The cuts depend on the sizes alone, never on the number of
//! threads, and partial results are put together in order: the same bits with any number.

use rayon::prelude::*;

/// About how many numbers make a chunk, counting one that takes long as several: 256 KiB, so that an operand and a
/// result fit into a core's L2 cache. One chunk stays on the calling thread: one core adds its numbers in 7 us, and
/// handing work to another thread and waiting for it takes 5 to 20 us.
pub const CHUNK: usize = 64 * 1024;

/// How many rows of `len` numbers make a chunk: at least one.
pub fn rows_per_chunk(len: usize) -> usize {
    (CHUNK / len.max(1)).max(1)
}

/// Cuts `out` into chunks of `size` and calls `run(start, chunk)` for each, in parallel.
pub fn for_each_chunk<T: Send>(out: &mut [T], size: usize, run: impl Fn(usize, &mut [T]) + Sync) {
    in_chunks(out, size, &run);
}

/// `run` is a trait object, since rayon's functions are generic over what they run: compiled anew for each kernel and each
/// instruction set, they were a quarter of this library's code.
fn in_chunks<T: Send>(out: &mut [T], size: usize, run: &(dyn Fn(usize, &mut [T]) + Sync)) {
    if out.is_empty() {
        return;
    }
    if out.len() <= size {
        return run(0, out);
    }
    out.par_chunks_mut(size).enumerate().with_max_len(1).for_each(|(i, chunk)| run(i * size, chunk));
}

/// Calls `run` for each of `0..tasks`, in parallel. It is a trait object for the same reason.
pub fn for_each_task(tasks: usize, run: &(dyn Fn(usize) + Sync)) {
    (0..tasks).into_par_iter().with_max_len(1).for_each(run);
}
