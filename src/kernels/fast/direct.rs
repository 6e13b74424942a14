//! Direct convolution of stride 1 with fewer than 4 channels of output (see `conv2d` and `conv2d_dx` in reference/conv.rs): the
//! gradient of a grey image, or a last layer. Packing an im2col matrix would not pay for so few rows.
//!
//! 1. Each channel is copied once into a plane padded with zeros. There, to move by (di, dj) is to move by di times the
//!    width plus dj, so every tap is one long row of multiply-adds: 64 channels of 28x28 to one, 3x3, batch 128, take 2 ms
//!    instead of 11. (Between the rows of the output lie numbers that are not used.)
//! 2. The gradient in x is a convolution of gy with w rotated by 180 degrees and its channels exchanged.

use super::chunks::for_each_chunk;
use super::simd::{Simd, vectorize};
use crate::kernels::Conv;
use crate::pool::Buffer;

/// From so many channels of output on, packing pays.
const CHANNELS: usize = 4;

/// Whether this is a convolution for which packing does not pay.
pub fn supports(size: &Conv) -> bool {
    size.stride == 1 && size.c_out < CHANNELS
}

/// Whether its gradient in x is: gy is padded with kernel - 1 - padding zeros, at least none.
pub fn supports_dx(size: &Conv) -> bool {
    size.stride == 1 && size.c < CHANNELS && size.padding < size.kh.min(size.kw)
}

pub fn conv2d<S: Simd>(simd: S, size: &Conv, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    correlate(
        simd,
        &Padded::new((size.h, size.w), (size.padding, size.padding), (size.kh, size.kw)),
        size.c,
        x,
        w,
        bias,
        y,
    );
}

pub fn conv2d_dx<S: Simd>(simd: S, size: &Conv, gy: &[f32], w: &[f32], gx: &mut [f32]) {
    let taps = size.kh * size.kw;
    let mut rotated = Buffer::scratch(w.len());
    for (i, w) in w.chunks_exact(taps).enumerate() {
        let (co, c) = (i / size.c, i % size.c);
        let rotated = &mut rotated[(c * size.c_out + co) * taps..][..taps];
        rotated.iter_mut().zip(w.iter().rev()).for_each(|(to, &w)| *to = w);
    }
    let padding = (size.kh - 1 - size.padding, size.kw - 1 - size.padding);
    let padded = Padded::new((size.h_out(), size.w_out()), padding, (size.kh, size.kw));
    correlate(simd, &padded, size.c_out, gy, &rotated, None, gx);
}

/// The sizes of a plane with `padding` zeros above and below it, and beside it, and of the output.
struct Padded {
    h: usize,
    w: usize,
    padding: (usize, usize),
    kernel: (usize, usize),
    /// Numbers from row to row of the padded plane.
    width: usize,
    h_out: usize,
    w_out: usize,
}

impl Padded {
    fn new((h, w): (usize, usize), padding: (usize, usize), kernel: (usize, usize)) -> Padded {
        let (height, width) = (h + 2 * padding.0, w + 2 * padding.1);
        Padded { h, w, padding, kernel, width, h_out: height + 1 - kernel.0, w_out: width + 1 - kernel.1 }
    }

    /// Numbers of the output with rows as far apart as those of the padded plane.
    fn strided_output(&self) -> usize {
        (self.h_out - 1) * self.width + self.w_out
    }
}

fn correlate<S: Simd>(
    simd: S,
    size: &Padded,
    channels: usize,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let (plane, taps) = (size.h * size.w, size.kernel.0 * size.kernel.1);
    let plane_out = size.h_out * size.w_out;
    let channels_out = w.len() / (channels * taps).max(1);
    if y.is_empty() || channels * plane == 0 {
        return y.chunks_mut(plane_out.max(1)).enumerate().for_each(|(i, y)| {
            y.fill(bias.map_or(0.0, |bias| bias[i % bias.len()]));
        });
    }
    for_each_chunk(y, channels_out * plane_out, |start, y| {
        let x = &x[start / (channels_out * plane_out) * channels * plane..][..channels * plane];
        let mut padded = Buffer::scratch((size.h + 2 * size.padding.0) * size.width);
        let mut sums = Buffer::scratch(channels_out * size.strided_output());
        padded.fill(0.0);
        for (co, sums) in sums.chunks_exact_mut(size.strided_output()).enumerate() {
            sums.fill(bias.map_or(0.0, |bias| bias[co]));
        }
        for (c, x) in x.chunks_exact(plane).enumerate() {
            for (i, row) in x.chunks_exact(size.w).enumerate() {
                padded[(size.padding.0 + i) * size.width + size.padding.1..][..size.w].copy_from_slice(row);
            }
            for (co, sums) in sums.chunks_exact_mut(size.strided_output()).enumerate() {
                let w = &w[(co * channels + c) * taps..][..taps];
                vectorize!(simd, add_taps(&padded, w, size.kernel.1, size.width, sums));
            }
        }
        for (sums, y) in sums.chunks_exact(size.strided_output()).zip(y.chunks_exact_mut(plane_out)) {
            for (row, y) in sums.chunks(size.width).zip(y.chunks_exact_mut(size.w_out)) {
                y.copy_from_slice(&row[..size.w_out]);
            }
        }
    });
}

/// sums += w * the padded plane, tap by tap.
#[inline(always)]
fn add_taps(padded: &[f32], w: &[f32], kernel_width: usize, width: usize, sums: &mut [f32]) {
    for (tap, &w) in w.iter().enumerate() {
        let input = &padded[tap / kernel_width * width + tap % kernel_width..][..sums.len()];
        sums.iter_mut().zip(input).for_each(|(sum, &x)| *sum += w * x);
    }
}
