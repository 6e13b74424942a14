//! Convolutions of stride 1 that make few channels (see `conv2d` and `conv2d_dx` in reference.rs): the gradient of a
//! grey image, or a last layer. Packing patches for a matrix product would not pay for so few rows.
//!
//! Each channel is copied once into a frame of zeros; then every tap is one long row of multiply-adds, since to move by
//! (di, dj) in the frame is to move by di times its width plus dj. 64 channels of 28x28 to one, 3x3, batch 128, take
//! 2 ms instead of 11.

use super::cpu::for_each_level;
use crate::kernels::Conv;
use crate::pool::Buffer;
use rayon::prelude::*;

/// From so many channels on, packing pays.
const CHANNELS: usize = 4;

/// Whether these sizes are narrow enough.
pub fn suits(size: &Conv) -> bool {
    size.stride == 1 && size.c_out < CHANNELS
}

/// Whether the derivative in x is: it sees gy in a frame of kernel - 1 - padding zeros, not fewer than none.
pub fn suits_dx(size: &Conv) -> bool {
    size.stride == 1 && size.c < CHANNELS && size.padding < size.kh.min(size.kw)
}

pub fn conv2d(size: &Conv, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    correlate(&Frame::new((size.h, size.w), (size.padding, size.padding), (size.kh, size.kw)), size.c, x, w, bias, y);
}

pub fn conv2d_dx(size: &Conv, gy: &[f32], w: &[f32], gx: &mut [f32]) {
    let taps = size.kh * size.kw;
    let mut turned = Buffer::scratch(w.len());
    for (i, w) in w.chunks_exact(taps).enumerate() {
        let (co, c) = (i / size.c, i % size.c);
        let turned = &mut turned[(c * size.c_out + co) * taps..][..taps];
        turned.iter_mut().zip(w.iter().rev()).for_each(|(to, &w)| *to = w);
    }
    let padding = (size.kh - 1 - size.padding, size.kw - 1 - size.padding);
    let frame = Frame::new((size.h_out(), size.w_out()), padding, (size.kh, size.kw));
    correlate(&frame, size.c_out, gy, &turned, None, gx);
}

/// An image with a margin of zeros.
struct Frame {
    h: usize,
    w: usize,
    padding: (usize, usize),
    kernel: (usize, usize),
    /// Numbers from row to row of the frame.
    width: usize,
    h_out: usize,
    w_out: usize,
}

impl Frame {
    fn new((h, w): (usize, usize), padding: (usize, usize), kernel: (usize, usize)) -> Frame {
        let (height, width) = (h + 2 * padding.0, w + 2 * padding.1);
        Frame { h, w, padding, kernel, width, h_out: height + 1 - kernel.0, w_out: width + 1 - kernel.1 }
    }

    /// Numbers of the result that lie as in the frame, with something useless between the rows.
    fn result_len(&self) -> usize {
        (self.h_out - 1) * self.width + self.w_out
    }
}

fn correlate(frame: &Frame, channels: usize, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    let (plane, taps) = (frame.h * frame.w, frame.kernel.0 * frame.kernel.1);
    let plane_out = frame.h_out * frame.w_out;
    let channels_out = w.len() / (channels * taps).max(1);
    if y.is_empty() || channels * plane == 0 {
        return y.chunks_mut(plane_out.max(1)).enumerate().for_each(|(i, y)| {
            y.fill(bias.map_or(0.0, |bias| bias[i % bias.len()]));
        });
    }
    y.par_chunks_exact_mut(channels_out * plane_out).zip(x.par_chunks_exact(channels * plane)).for_each(|(y, x)| {
        let mut framed = Buffer::scratch((frame.h + 2 * frame.padding.0) * frame.width);
        let mut sums = Buffer::scratch(channels_out * frame.result_len());
        framed.fill(0.0);
        for (co, sums) in sums.chunks_exact_mut(frame.result_len()).enumerate() {
            sums.fill(bias.map_or(0.0, |bias| bias[co]));
        }
        for (c, x) in x.chunks_exact(plane).enumerate() {
            for (i, row) in x.chunks_exact(frame.w).enumerate() {
                framed[(frame.padding.0 + i) * frame.width + frame.padding.1..][..frame.w].copy_from_slice(row);
            }
            for (co, sums) in sums.chunks_exact_mut(frame.result_len()).enumerate() {
                add_taps(&framed, &w[(co * channels + c) * taps..][..taps], frame.kernel.1, frame.width, sums);
            }
        }
        for (sums, y) in sums.chunks_exact(frame.result_len()).zip(y.chunks_exact_mut(plane_out)) {
            for (row, y) in sums.chunks(frame.width).zip(y.chunks_exact_mut(frame.w_out)) {
                y.copy_from_slice(&row[..frame.w_out]);
            }
        }
    });
}

for_each_level! {
    /// sums += each tap's weight times what it sees.
    fn add_taps(framed: &[f32], w: &[f32], kernel_width: usize, width: usize, sums: &mut [f32]) {
        for (tap, &w) in w.iter().enumerate() {
            let seen = &framed[tap / kernel_width * width + tap % kernel_width..][..sums.len()];
            sums.iter_mut().zip(seen).for_each(|(sum, &x)| *sum += w * x);
        }
    }
}
