//! Convolution and its two derivatives (see `conv_products`, `conv2d`, `conv2d_dx` and `conv2d_dw` in reference.rs).
//! Three ways lead there, and the first that suits the sizes is taken:
//!
//! 1. [`winograd`]: 3x3, stride 1, 16 channels or more on both sides: a quarter of the multiplications;
//! 2. [`narrow`]: stride 1 and few channels to be made: no packing;
//! 3. below, for all others: matrix products, one of whose factors is made of patches of images.
//!
//! | | C | A | B |
//! |---|---|---|---|
//! | [`conv2d`]    | y (C_out, pixels of y)    | w (C_out, taps)            | patches of x (taps, pixels of y)  |
//! | [`conv2d_dx`] | gx (C, pixels of x)       | w turned (C, taps of gy)   | patches of gy (taps, pixels of x) |
//! | [`conv2d_dw`] | gw turned (taps, C_out)   | patches of x (taps, pixels)| gy turned (pixels, C_out)         |
//!
//! Taps are (channel, row and column of the kernel). Pixels are those of a *group* of images, so that small images fill
//! whole vectors too; for each group there is one product. Of x, every stride-th pixel met the same taps, so its gradient
//! is stride x stride products. Where all of these lie, grid.rs knows.

use super::blocked::{Output, Plus, block, for_each_block};
use super::grid::{Grid, Groups, Lattice, Taps};
use super::pack::{Matrix, Operand, Patches};
use super::pieces::{pieces, rows_per_piece};
use super::runs::Runs;
use super::simd::geometry;
use super::{narrow, winograd};
use crate::kernels::{Conv, reference};
use crate::pool::Buffer;
use rayon::prelude::*;

/// Partial sums of the gradient of the weights: they are folded in order, so their number may depend on sizes only.
const DW_CHUNKS: usize = 8;

pub fn conv2d(size: &Conv, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    if winograd::suits(size) {
        let mut prepared = Buffer::scratch(winograd::weights_len(size));
        winograd::prepare_weights(size, w, &mut prepared);
        return winograd::conv2d(size, x, &prepared, bias, y);
    }
    if narrow::suits(size) {
        return narrow::conv2d(size, x, w, bias, y);
    }
    let plus = bias.map_or(Plus::Nothing, Plus::Rows);
    let [seen, made] = grids(size);
    let apart = seen.apart(x);
    let x = apart.as_deref().unwrap_or(x);
    weights_times_patches(w, (&seen, x), &Taps::all(size), seen_by(size), plus, (&made, &made.all(), y));
}

pub fn conv2d_prepared_len(size: &Conv) -> usize {
    if winograd::suits(size) { winograd::weights_len(size) } else { reference::conv2d_prepared_len(size) }
}

pub fn conv2d_prepare(size: &Conv, w: &[f32], prepared: &mut [f32]) {
    if winograd::suits(size) {
        winograd::prepare_weights(size, w, prepared);
    } else {
        reference::conv2d_prepare(size, w, prepared);
    }
}

pub fn conv2d_prepared(size: &Conv, x: &[f32], prepared: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    if winograd::suits(size) {
        winograd::conv2d(size, x, prepared, bias, y);
    } else {
        conv2d(size, x, prepared, bias, y);
    }
}

pub fn conv2d_dx(size: &Conv, gy: &[f32], w: &[f32], gx: &mut [f32]) {
    if winograd::suits(size) {
        return winograd::conv2d_dx(size, gy, w, gx);
    }
    if narrow::suits_dx(size) {
        return narrow::conv2d_dx(size, gy, w, gx);
    }
    let [made, seen] = grids(size);
    let mut apart = (size.stride > 1).then(|| Buffer::scratch(size.n * made.image()));
    // Pixel i of x met tap d in pixel p of y if i + padding = p stride + d.
    let place =
        |i: usize, d: usize, len: usize| Some((i + size.padding).checked_sub(d)? / size.stride).filter(|&p| p < len);
    // Every stride-th pixel of x met the same taps.
    for (i, j) in (0..size.stride.min(size.h)).flat_map(|i| (0..size.stride.min(size.w)).map(move |j| (i, j))) {
        let met =
            |i: usize, taps: usize| (0..taps).filter(move |d| (i + size.padding) % size.stride == d % size.stride);
        let taps = Taps { rows: met(i, size.kh).collect(), columns: met(j, size.kw).collect() };
        let turned = turn(size, w, &taps);
        let (some, to) = (made.every(size.stride, (i, j)), apart.as_deref_mut().unwrap_or(gx));
        weights_times_patches(&turned, (&seen, gy), &taps, place, Plus::Nothing, (&made, &some, to));
    }
    if let Some(apart) = apart {
        made.together(&apart, gx);
    }
}

/// Some taps of w (C_out, C, taps) as (C, C_out, some): channel by channel, the larger ones in parallel. Place by place
/// on one thread, this took as long as the rest of the gradient of an image of 256 channels of 7x7.
fn turn(size: &Conv, w: &[f32], taps: &Taps) -> Buffer {
    let (all, some): (usize, Vec<usize>) = (size.kh * size.kw, taps.places(size.kw).collect());
    let row = size.c_out * some.len();
    let mut turned = Buffer::scratch(size.c * row);
    pieces(&mut turned, rows_per_piece(row) * row, |start, turned| {
        for (i, turned) in turned.chunks_exact_mut(some.len()).enumerate() {
            let (c, co) = (start / row + i / size.c_out, i % size.c_out);
            let w = &w[(co * size.c + c) * all..][..all];
            turned.iter_mut().zip(&some).for_each(|(turned, tap)| *turned = w[*tap]);
        }
    });
    turned
}

/// The images x and y.
fn grids(size: &Conv) -> [Grid; 2] {
    let x = Grid { h: size.h, w: size.w, channels: size.c, step: size.stride };
    [x, Grid { h: size.h_out(), w: size.w_out(), channels: size.c_out, step: 1 }]
}

/// Pixel i of y sees, through tap d, pixel p = i stride + d - padding of x.
fn seen_by(size: &Conv) -> impl Fn(usize, usize, usize) -> Option<usize> {
    let Conv { stride, padding, .. } = *size;
    move |i, d, len| (i * stride + d).checked_sub(padding).filter(|&p| p < len)
}

/// The `pixels` of y = w (channels of y, channels of x and taps) times what the taps see of x.
fn weights_times_patches(
    w: &[f32],
    (from, x): (&Grid, &[f32]),
    taps: &Taps,
    place: impl Fn(usize, usize, usize) -> Option<usize>,
    plus: Plus,
    (to, pixels, y): (&Grid, &Lattice, &mut [f32]),
) {
    let n = y.len() / to.image().max(1);
    let groups = Groups::new(n, pixels.count());
    let patches = groups.prepare(|images| from.patches(taps, pixels, images, &place));
    let lying = groups.prepare(|images| to.pixels(pixels, images));
    let k = from.channels * taps.count();
    let w = Operand { rows: Matrix { data: w, width: k }, transposed: false };
    let y = Output::new(y);
    for_each_block(groups.count(), (to.channels, groups.each * pixels.count(), k), |group, rows, columns| {
        let images = groups.images(group);
        let columns = columns.start..columns.end.min(images.len() * pixels.count());
        if columns.is_empty() {
            return;
        }
        let x = &x[images.start * from.image()..];
        let patches = Patches::new(x, from.channels, from.plane(), taps.count(), groups.prepared(&patches, group));
        let patches = Operand { rows: patches, transposed: false };
        let y = y.at(images.start * to.image(), to.channels, to.plane(), groups.prepared(&lying, group));
        // SAFETY: every block of each group's product is given out once.
        unsafe { block(&w, &patches, k, plus, &y, rows, columns) }
    });
}

pub fn conv2d_dw(size: &Conv, x: &[f32], gy: &[f32], gw: &mut [f32]) {
    if winograd::suits(size) {
        return winograd::conv2d_dw(size, x, gy, gw);
    }
    let taps = size.kh * size.kw;
    let [from, to] = grids(size);
    let apart = from.apart(x);
    let x = apart.as_deref().unwrap_or(x);
    let groups = Groups::new(size.n, to.plane());
    let (taps_seen, all) = (Taps::all(size), to.all());
    let patches = groups.prepare(|images| from.patches(&taps_seen, &all, images, seen_by(size)));
    let pixels = groups.prepare(|images| to.pixels(&all, images));

    let chunks = groups.count().min(DW_CHUNKS);
    let in_chunk = |chunk: usize| groups.count() * chunk / chunks..groups.count() * (chunk + 1) / chunks;
    let (rows, columns) = (size.c * taps, Runs::contiguous(geometry().0, size.c_out));
    let mut partial = Buffer::scratch(chunks * rows * size.c_out);
    let sums = Output::new(&mut partial);
    let pixels_in_chunk = size.n * to.plane() / chunks.max(1);
    for_each_block(chunks, (rows, size.c_out, pixels_in_chunk), |chunk, some_rows, some_columns| {
        for group in in_chunk(chunk) {
            let images = groups.images(group);
            let (x, gy) = (&x[images.start * from.image()..], &gy[images.start * to.image()..]);
            let patches = Patches::new(x, from.channels, from.plane(), taps, groups.prepared(&patches, group));
            let gy = Patches::new(gy, to.channels, to.plane(), 1, groups.prepared(&pixels, group));
            let (a, b) = (Operand { rows: patches, transposed: false }, Operand { rows: gy, transposed: true });
            let plus = if group == in_chunk(chunk).start { Plus::Nothing } else { Plus::Itself };
            let c = sums.at(chunk * rows * size.c_out, rows, size.c_out, &columns);
            let k = images.len() * to.plane();
            // SAFETY: every block of each chunk's sums is given out once.
            unsafe { block(&a, &b, k, plus, &c, some_rows.clone(), some_columns.clone()) }
        }
    });
    fold_turned(&partial, rows, size.c_out, gw);
}

/// gw (C_out, taps) = the sum of the partial sums (chunks, taps, C_out), in their order.
fn fold_turned(partial: &[f32], taps: usize, c_out: usize, gw: &mut [f32]) {
    const TOGETHER: usize = 16;
    if taps * c_out == 0 {
        return;
    }
    gw.par_chunks_mut(TOGETHER * taps).enumerate().for_each(|(part, gw)| {
        let width = gw.len() / taps;
        for tap in 0..taps {
            let mut sums = [0.0; TOGETHER];
            for partial in partial.chunks_exact(taps * c_out) {
                let partial = &partial[tap * c_out + part * TOGETHER..][..width];
                sums.iter_mut().zip(partial).for_each(|(sum, x)| *sum += x);
            }
            for (co, sum) in sums[..width].iter().enumerate() {
                gw[co * taps + tap] = *sum;
            }
        }
    });
}
