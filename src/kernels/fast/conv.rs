//! Convolution and its two derivatives (see `conv_products`, `conv2d`, `conv2d_dx` and `conv2d_dw` in reference/conv.rs, 45
//! lines). There are three algorithms, and the first that supports the sizes is taken:
//!
//! 1. [`winograd`]: 3x3, stride 1, padding up to 2, 16 channels or more on both sides and 256 pixels of y or more: a quarter
//!    of the multiplications;
//! 2. [`direct`]: stride 1 and fewer than 4 channels to be computed: no packing;
//! 3. below, for all others: matrix products (gemm.rs), one factor of which is an im2col matrix (im2col.rs).
//!
//! | | C | A | B |
//! |---|---|---|---|
//! | [`conv2d`]    | y (C_out, pixels of y)      | w (C_out, C taps)               | im2col of x (C taps, pixels of y)      |
//! | [`conv2d_dx`] | gx (C, pixels of x)         | w transposed (C, C_out taps)    | im2col of gy (C_out taps, pixels of x) |
//! | [`conv2d_dw`] | gw transposed (C taps, C_out) | im2col of x (C taps, pixels of y) | gy transposed (pixels of y, C_out)   |
//!
//! Pixels are those of a group of images; there is one product for each group. With a stride, the gradient in x is one
//! product for each polyphase component of x.

use super::chunks::{for_each_chunk, rows_per_chunk};
use super::gemm::{Output, Product, gemm};
use super::im2col::{GatherMap, Groups, Im2col};
use super::micro_kernel::Epilogue;
use super::pack::{Matrix, Operand};
use super::polyphase::{Polyphase, Tap, backward_taps, forward_taps, pixels};
use super::simd::Simd;
use super::{direct, winograd};
use crate::kernels::{Conv, reference};
use crate::pool::Buffer;
use std::iter::once;

/// Partial sums of the gradient of the weights: they are added in order, so their number may depend on sizes only.
const DW_CHUNKS: usize = 8;

pub fn conv2d<S: Simd>(simd: S, size: &Conv, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    if winograd::supports(size) {
        let mut prepared = Buffer::scratch(winograd::weights_len(size));
        winograd::prepare_weights(simd, size, w, &mut prepared);
        return winograd::conv2d(simd, size, x, &prepared, bias, y);
    }
    if direct::supports(size) {
        return direct::conv2d(simd, size, x, w, bias, y);
    }
    let (x_layout, y_layout) = layouts(size);
    let components = x_layout.split(x);
    let x = (components.as_deref().unwrap_or(x), &x_layout);
    let epilogue = bias.map_or(Epilogue::Store, Epilogue::BiasPerRow);
    multiply_im2col(simd, w, &forward_taps(size, &x_layout), x, (y, &y_layout), pixels(&y_layout, (0, 0)), epilogue);
}

pub fn conv2d_prepared_len<S: Simd>(_: S, size: &Conv) -> usize {
    if winograd::supports(size) { winograd::weights_len(size) } else { reference::conv2d_prepared_len(size) }
}

pub fn conv2d_prepare<S: Simd>(simd: S, size: &Conv, w: &[f32], prepared: &mut [f32]) {
    if winograd::supports(size) {
        winograd::prepare_weights(simd, size, w, prepared);
    } else {
        reference::conv2d_prepare(size, w, prepared);
    }
}

pub fn conv2d_prepared<S: Simd>(
    simd: S,
    size: &Conv,
    x: &[f32],
    prepared: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    if winograd::supports(size) {
        winograd::conv2d(simd, size, x, prepared, bias, y);
    } else {
        conv2d(simd, size, x, prepared, bias, y);
    }
}

pub fn conv2d_dx<S: Simd>(simd: S, size: &Conv, gy: &[f32], w: &[f32], gx: &mut [f32]) {
    if winograd::supports(size) {
        return winograd::conv2d_dx(simd, size, gy, w, gx);
    }
    if direct::supports_dx(size) {
        return direct::conv2d_dx(simd, size, gy, w, gx);
    }
    let (x_layout, y_layout) = layouts(size);
    let mut components = (size.stride > 1).then(|| Buffer::scratch(size.n * x_layout.image()));
    for (i, j) in (0..size.stride.min(size.h)).flat_map(|i| (0..size.stride.min(size.w)).map(move |j| (i, j))) {
        let (places, taps) = backward_taps(size, (i, j), &y_layout);
        let w = transpose_weights(size, w, &places);
        let gx = (components.as_deref_mut().unwrap_or(gx), &x_layout);
        multiply_im2col(simd, &w, &taps, (gy, &y_layout), gx, pixels(&x_layout, (i, j)), Epilogue::Store);
    }
    if let Some(components) = components {
        x_layout.merge(&components, gx);
    }
}

/// Some taps of w (C_out, C, taps) as (C, C_out, some): channel by channel, the larger ones in parallel. Number by number
/// on one thread, this took as long as the rest of the gradient of an image of 256 channels of 7x7.
fn transpose_weights(size: &Conv, w: &[f32], some: &[usize]) -> Buffer {
    let (taps, row) = (size.kh * size.kw, size.c_out * some.len());
    let mut transposed = Buffer::scratch(size.c * row);
    for_each_chunk(&mut transposed, rows_per_chunk(row) * row, |start, transposed| {
        for (i, transposed) in transposed.chunks_exact_mut(some.len()).enumerate() {
            let (c, co) = (start / row + i / size.c_out, i % size.c_out);
            let w = &w[(co * size.c + c) * taps..][..taps];
            transposed.iter_mut().zip(some).for_each(|(to, tap)| *to = w[*tap]);
        }
    });
    transposed
}

/// How the images x and y are laid out.
fn layouts(size: &Conv) -> (Polyphase, Polyphase) {
    let x = Polyphase { channels: size.c, h: size.h, w: size.w, stride: size.stride };
    (x, Polyphase { channels: size.c_out, h: size.h_out(), w: size.w_out(), stride: 1 })
}

/// y at `pixels` = w (channels of y, channels of x and taps) times the im2col matrix of x.
fn multiply_im2col<S: Simd>(
    simd: S,
    w: &[f32],
    taps: &[Tap],
    (x, x_layout): (&[f32], &Polyphase),
    (y, y_layout): (&mut [f32], &Polyphase),
    pixels: Tap,
    epilogue: Epilogue,
) {
    let (h, width) = pixels.size();
    let groups = Groups::new(y.len() / y_layout.image().max(1), h * width);
    let x_maps = groups.maps(simd, taps, (h, width), x_layout);
    let y_maps = groups.maps(simd, &[pixels], (h, width), y_layout);
    let y = Output::new(y);
    let k = x_layout.channels * taps.len();
    let product = |group: usize| {
        let first = groups.range(group).start;
        let x = Im2col::new(&x[first * x_layout.image()..], x_layout, taps.len(), groups.map(&x_maps, group));
        let (start, columns) = (first * y_layout.image(), groups.map(&y_maps, group));
        once(Product {
            a: Operand { rows: Matrix { data: w, width: k }, transposed: false },
            b: Operand { rows: x, transposed: false },
            k,
            c: y.matrix(start, y_layout.channels, y_layout.channel(), columns),
            epilogue,
        })
    };
    // SAFETY: no two groups have an image in common.
    unsafe { gemm(simd, (groups.count(), y_layout.channels, groups.images * h * width, k), product) }
}

pub fn conv2d_dw<S: Simd>(simd: S, size: &Conv, x: &[f32], gy: &[f32], gw: &mut [f32]) {
    if winograd::supports(size) {
        return winograd::conv2d_dw(simd, size, x, gy, gw);
    }
    let (x_layout, y_layout) = layouts(size);
    let components = x_layout.split(x);
    let x = components.as_deref().unwrap_or(x);
    let plane = y_layout.channel();
    let groups = Groups::new(size.n, plane);
    let taps = forward_taps(size, &x_layout);
    let x_maps = groups.maps(simd, &taps, (y_layout.h, y_layout.w), &x_layout);
    let y_maps = groups.maps(simd, &[pixels(&y_layout, (0, 0))], (y_layout.h, y_layout.w), &y_layout);

    let chunks = groups.count().min(DW_CHUNKS);
    let (m, n) = (size.c * taps.len(), size.c_out);
    let mut partial = Buffer::scratch(chunks * m * n);
    let (sums, columns) = (Output::new(&mut partial), GatherMap::contiguous(simd, n));
    let product = |chunk: usize, group: usize, epilogue: Epilogue<'static>| {
        let images = groups.range(group);
        let (x, gy) = (&x[images.start * x_layout.image()..], &gy[images.start * y_layout.image()..]);
        let x = Im2col::new(x, &x_layout, taps.len(), groups.map(&x_maps, group));
        let gy = Im2col::new(gy, &y_layout, 1, groups.map(&y_maps, group));
        Product {
            a: Operand { rows: x, transposed: false },
            b: Operand { rows: gy, transposed: true },
            k: images.len() * plane,
            c: sums.matrix(chunk * m * n, m, n, &columns),
            epilogue,
        }
    };
    let products = |chunk: usize| {
        let first = groups.count() * chunk / chunks;
        let epilogue = move |group| if group == first { Epilogue::Store } else { Epilogue::Accumulate };
        let (product, end) = (&product, groups.count() * (chunk + 1) / chunks);
        (first..end).map(move |group| product(chunk, group, epilogue(group)))
    };
    // SAFETY: each chunk has its own sums.
    unsafe { gemm(simd, (chunks, m, n, size.n * plane / chunks.max(1)), products) }
    add_transposed(&partial, m, n, gw);
}

/// gw (C_out, C taps) = the sum of the partial sums (chunks, C taps, C_out), in their order.
fn add_transposed(partial: &[f32], rows: usize, c_out: usize, gw: &mut [f32]) {
    const TOGETHER: usize = 16;
    if rows * c_out == 0 {
        return;
    }
    for_each_chunk(gw, TOGETHER * rows, |start, gw| {
        let (first, width) = (start / rows, gw.len() / rows);
        for row in 0..rows {
            let mut sums = [0.0; TOGETHER];
            for partial in partial.chunks_exact(rows * c_out) {
                let partial = &partial[row * c_out + first..][..width];
                sums.iter_mut().zip(partial).for_each(|(sum, x)| *sum += x);
            }
            for (co, sum) in sums[..width].iter().enumerate() {
                gw[co * rows + row] = *sum;
            }
        }
    });
}
