//! Short rows, and even and odd columns: what kernels on images share.
//!
//! 1. A row of an image is short: 14 or 7 numbers. It is done in blocks of 16, 8 or 4, the last of which overlaps the
//!    one before instead of leaving a rest. A block is an array, so its loops become a few vector instructions.
//! 2. Even and odd columns are deinterleaved, or interleaved, in one long loop. What follows has its operands side by side
//!    in memory.

/// Runs `$row::<B>` with the largest block that fits into a row of `$n`.
macro_rules! in_blocks {
    ($n:expr, $row:ident($($arg:expr),*)) => {
        match $n {
            16.. => $row::<16>($($arg),*),
            8.. => $row::<8>($($arg),*),
            4.. => $row::<4>($($arg),*),
            _ => $row::<1>($($arg),*),
        }
    };
}
pub(super) use in_blocks;

/// Where blocks of B begin in a row of n >= B.
#[inline(always)]
pub fn blocks<const B: usize>(n: usize) -> impl Iterator<Item = usize> {
    (0..n).step_by(B).map(move |start| start.min(n - B))
}

#[inline(always)]
pub fn block<const B: usize>(x: &[f32], start: usize) -> &[f32; B] {
    x[start..].first_chunk().expect("a whole block")
}

#[inline(always)]
pub fn block_mut<const B: usize>(x: &mut [f32], start: usize) -> &mut [f32; B] {
    x[start..].first_chunk_mut().expect("a whole block")
}

/// even and odd = the numbers at even and odd places of x.
#[inline(always)]
pub fn deinterleave(x: &[f32], even: &mut [f32], odd: &mut [f32]) {
    for ((even, odd), pair) in even.iter_mut().zip(odd).zip(x.as_chunks::<2>().0) {
        (*even, *odd) = (pair[0], pair[1]);
    }
}

/// The inverse of [`deinterleave`].
#[inline(always)]
pub fn interleave(even: &[f32], odd: &[f32], x: &mut [f32]) {
    for ((even, odd), pair) in even.iter().zip(odd).zip(x.as_chunks_mut::<2>().0) {
        *pair = [*even, *odd];
    }
}
