//! Between planes of pixels, channel by channel, and pixels of 16 channels each.

use super::product::BLOCK;
use crate::kernels::fast::simd::Simd;

/// Writes pixels of [`BLOCK`] channels: `to[pixel][c]` = number `c * stride + pixel` of `from`, for `pixels` pixels and
/// the first `channels` channels; the others are zero.
///
/// # Safety
/// The CPU has the instructions of `S`.
#[inline(always)]
pub unsafe fn to_pixels<S: Simd>(from: &[f32], stride: usize, channels: usize, pixels: usize, to: &mut [f32]) {
    assert!(channels > 0 && channels <= BLOCK && from.len() >= (channels - 1) * stride + pixels);
    assert!(to.len() >= pixels * BLOCK);
    if channels < BLOCK {
        to[..pixels * BLOCK].fill(0.0);
    }
    let squares = channels - channels % S::LANES;
    if pixels < S::LANES || squares < channels {
        let first = if pixels < S::LANES { 0 } else { squares };
        for (pixel, to) in to.chunks_exact_mut(BLOCK).take(pixels).enumerate() {
            for c in first..channels {
                to[c] = from[c * stride + pixel];
            }
        }
    }
    if pixels >= S::LANES {
        for c in (0..squares).step_by(S::LANES) {
            for pixel in (0..pixels).step_by(S::LANES) {
                let pixel = pixel.min(pixels - S::LANES); // the last square may overlap the one before
                // SAFETY: within both slices, as asserted.
                unsafe {
                    S::transpose(
                        from.as_ptr().add(c * stride + pixel),
                        stride,
                        to.as_mut_ptr().add(pixel * BLOCK + c),
                        BLOCK,
                    )
                };
            }
        }
    }
}

/// The way back: number `c * stride + pixel` of `to` = `from[pixel][c]`.
///
/// # Safety
/// The CPU has the instructions of `S`.
#[inline(always)]
pub unsafe fn from_pixels<S: Simd>(from: &[f32], stride: usize, channels: usize, pixels: usize, to: &mut [f32]) {
    assert!(channels > 0 && channels <= BLOCK && to.len() >= (channels - 1) * stride + pixels);
    assert!(from.len() >= pixels * BLOCK);
    let squares = channels - channels % S::LANES;
    if pixels < S::LANES || squares < channels {
        let first = if pixels < S::LANES { 0 } else { squares };
        for (pixel, from) in from.chunks_exact(BLOCK).take(pixels).enumerate() {
            for c in first..channels {
                to[c * stride + pixel] = from[c];
            }
        }
    }
    if pixels >= S::LANES {
        for c in (0..squares).step_by(S::LANES) {
            for pixel in (0..pixels).step_by(S::LANES) {
                let pixel = pixel.min(pixels - S::LANES);
                // SAFETY: within both slices, as asserted.
                unsafe {
                    S::transpose(
                        from.as_ptr().add(pixel * BLOCK + c),
                        BLOCK,
                        to.as_mut_ptr().add(c * stride + pixel),
                        stride,
                    )
                };
            }
        }
    }
}
