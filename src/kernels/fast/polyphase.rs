//! The polyphase components of images, and what each tap of a convolution's kernel sees of them.
//!
//! ```text
//! a b c d
//! e f g h      a c i k | b d j l | e g m o | f h n p        with stride 2
//! i j k l
//! m n o p
//! ```
//!
//! With a stride, a tap sees every stride-th pixel of every stride-th row: the pixels of one component, which lie side by
//! side here. So the convolution has stride 1 within it. Backward, all pixels of a component of x meet the same taps.

use super::chunks::{for_each_chunk, rows_per_chunk};
use crate::kernels::Conv;
use crate::pool::Buffer;
use std::ops::Range;

/// The layout of images (N, C, h, w): each channel in stride x stride polyphase components, one after the other. With
/// stride 1 that is the usual layout.
#[derive(Clone, Copy)]
pub struct Polyphase {
    pub channels: usize,
    pub h: usize,
    pub w: usize,
    pub stride: usize,
}

impl Polyphase {
    /// Numbers of an image.
    pub fn image(&self) -> usize {
        self.channels * self.channel()
    }

    /// Numbers of a channel.
    pub fn channel(&self) -> usize {
        self.stride.min(self.h) * self.stride.min(self.w) * self.component()
    }

    /// Numbers of the first and largest component: all have room for as many.
    fn component(&self) -> usize {
        self.h.div_ceil(self.stride) * self.w.div_ceil(self.stride)
    }

    /// What a tap sees that stands `row` and `column` pixels of the image below and beside the upper left one.
    fn tap(&self, row: isize, column: isize) -> Tap {
        let stride = self.stride as isize;
        let (phase_row, phase_column) = (row.rem_euclid(stride) as usize, column.rem_euclid(stride) as usize);
        Tap {
            start: (phase_row * self.stride.min(self.w) + phase_column) * self.component(),
            h: self.h.saturating_sub(phase_row).div_ceil(self.stride),
            w: self.w.saturating_sub(phase_column).div_ceil(self.stride),
            row_stride: self.w.div_ceil(self.stride),
            row: row.div_euclid(stride),
            column: column.div_euclid(stride),
        }
    }

    /// The components of images x (N, C, h, w); nothing, if that is the same.
    pub fn split(&self, x: &[f32]) -> Option<Buffer> {
        let plane = self.h * self.w;
        if self.stride == 1 || x.is_empty() {
            return None;
        }
        let mut components = Buffer::scratch(x.len() / plane * self.channel());
        let (channels, rows) = (rows_per_chunk(plane), self.rows());
        for_each_chunk(&mut components, channels * self.channel(), |start, components| {
            let x = &x[start / self.channel() * plane..];
            for (components, x) in components.chunks_exact_mut(self.channel()).zip(x.chunks_exact(plane)) {
                for (i, j, len) in &rows {
                    let x = x[*i..].iter().step_by(self.stride);
                    components[*j..][..*len].iter_mut().zip(x).for_each(|(to, x)| *to = *x);
                }
            }
        });
        Some(components)
    }

    /// The inverse of [`Polyphase::split`].
    pub fn merge(&self, components: &[f32], x: &mut [f32]) {
        let plane = self.h * self.w;
        if x.is_empty() {
            return;
        }
        let (channels, rows) = (rows_per_chunk(plane), self.rows());
        for_each_chunk(x, channels * plane, |start, x| {
            let components = &components[start / plane * self.channel()..];
            for (x, components) in x.chunks_exact_mut(plane).zip(components.chunks_exact(self.channel())) {
                for (i, j, len) in &rows {
                    let x = x[*i..].iter_mut().step_by(self.stride);
                    x.zip(&components[*j..][..*len]).for_each(|(x, from)| *x = *from);
                }
            }
        });
    }

    /// The rows of all components: where they begin in a plane and among its components, and how long they are.
    fn rows(&self) -> Vec<(usize, usize, usize)> {
        let starts = (0..self.h).flat_map(|row| (0..self.stride.min(self.w)).map(move |column| (row, column)));
        let row = |(row, column): (usize, usize)| {
            let tap = self.tap(row as isize, column as isize);
            (row * self.w + column, tap.start + tap.row as usize * tap.row_stride, tap.w)
        };
        starts.map(row).collect()
    }
}

/// What a tap of the kernel sees of a channel: for pixel (i, j), number (i + row, j + column) of a plane (h, w) which
/// begins at `start`; 0 outside of it.
#[derive(Clone, Copy)]
pub struct Tap {
    pub start: usize,
    pub h: usize,
    pub w: usize,
    pub row_stride: usize,
    pub row: isize,
    pub column: isize,
}

impl Tap {
    /// Height and width of the plane.
    pub fn size(&self) -> (usize, usize) {
        (self.h, self.w)
    }

    /// Along one axis, the pixels i of `pixels` for which i + offset lies within the plane.
    pub fn clip(offset: isize, plane: usize, pixels: usize) -> Range<usize> {
        let end = (plane as isize - offset).clamp(0, pixels as isize) as usize;
        (-offset).clamp(0, end as isize) as usize..end
    }
}

/// Forward: pixel (i, j) sees, through tap (di, dj), x at (i stride + di - padding, j stride + dj - padding).
pub fn forward_taps(size: &Conv, x: &Polyphase) -> Vec<Tap> {
    let offset = |d: usize| d as isize - size.padding as isize;
    let taps = (0..size.kh).flat_map(|di| (0..size.kw).map(move |dj| (di, dj)));
    taps.map(|(di, dj)| x.tap(offset(di), offset(dj))).collect()
}

/// Backward: pixel (i, j) of x has, through tap (di, dj), a share in pixel ((i + padding - di) / stride, ..) of y, if there
/// is no remainder. These are the same taps for all pixels of a polyphase component of x. For the component that begins at
/// pixel `phase`: the taps' places in the kernel, and what they see of gy.
pub fn backward_taps(size: &Conv, phase: (usize, usize), gy: &Polyphase) -> (Vec<usize>, Vec<Tap>) {
    let output = |i: usize, d: usize| {
        let place = (i + size.padding) as isize - d as isize;
        (place % size.stride as isize == 0).then_some(place / size.stride as isize)
    };
    let taps = (0..size.kh).flat_map(|di| (0..size.kw).map(move |dj| (di, dj)));
    taps.filter_map(|(di, dj)| Some((di * size.kw + dj, gy.tap(output(phase.0, di)?, output(phase.1, dj)?)))).unzip()
}

/// The pixels of one polyphase component of images, those from pixel `phase` on, as they lie in memory.
pub fn pixels(images: &Polyphase, phase: (usize, usize)) -> Tap {
    let tap = images.tap(phase.0 as isize, phase.1 as isize);
    Tap { row: 0, column: 0, ..tap }
}
