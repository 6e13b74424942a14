//! The im2col matrix of a convolution: row (channel, tap), column (image, pixel of the output); the number is what the tap
//! sees of the channel when the kernel stands at the pixel, 0 in the padding. It never exists as a whole: [`Im2col`] packs
//! parts of it for the blocked product.
//!
//! 1. A vector of columns may reach over the end of a row of pixels or of an image, and some of what it should read is
//!    padding. So its lanes lie in a few *segments* that are contiguous in memory too. They are the same for every channel
//!    and every group of images, so they are found once per call, a row of pixels at a time ([`GatherMap`]); after that,
//!    to pack a vector is one masked load per segment:
//!
//!    ```text
//!    lanes of the vector      0 1 2 3 4 5 6 7        rows of 5 pixels, and a tap one to the right (padding: .)
//!    pixels, row after row    b c d e . g h i        a [b c d e] .
//!                                                    f [g h i] j .        two segments: b c d e, g h i
//!    ```
//!
//! 2. The number of segments per vector is the same for all of them and known when this is compiled: a 64-channel 3x3
//!    convolution took 7.1 ms on one core instead of 9.6.
//! 3. With a stride, what neighbouring pixels see lies apart. So the image is put into its *polyphase components* first:
//!
//!    ```text
//!    a b c d
//!    e f g h      a c i k | b d j l | e g m o | f h n p        with stride 2
//!    i j k l
//!    m n o p
//!    ```
//!
//!    Each tap sees one component, and within it the convolution has stride 1.
//! 4. Images are taken in groups whose pixels fill whole vectors: images of 7x7 are 49 columns of 64, nine of them 441 of
//!    448.

use super::chunks::rows_per_chunk;
use super::micro_kernel::Segment;
use super::pack::{Rows, check_room};
use super::simd::{Simd, lanes};
use crate::kernels::Conv;
use crate::pool::Buffer;
use rayon::prelude::*;
use std::ops::Range;

/// Columns that a group of images has at least, if there are so many.
const GROUP_COLUMNS: usize = 512;

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
        let chunks = components.par_chunks_mut(channels * self.channel()).zip(x.par_chunks(channels * plane));
        chunks.for_each(|(components, x)| {
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
        let chunks = x.par_chunks_mut(channels * plane).zip(components.par_chunks(channels * self.channel()));
        chunks.for_each(|(x, components)| {
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
    start: usize,
    h: usize,
    w: usize,
    row_stride: usize,
    row: isize,
    column: isize,
}

impl Tap {
    /// Along one axis, the pixels i of `pixels` for which i + offset lies within the plane.
    fn clip(offset: isize, plane: usize, pixels: usize) -> Range<usize> {
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

impl Tap {
    /// Height and width of the plane.
    pub fn size(&self) -> (usize, usize) {
        (self.h, self.w)
    }
}

/// For each row and each vector of columns, where its lanes lie in memory.
pub struct GatherMap {
    /// Segment s of vector v of row r is number (r * vectors + v) * slots + s.
    segments: Vec<Segment>,
    len: usize,
    vectors: usize,
    /// As many as the most scattered vector has; the others end with empty segments. So all are read by the same number
    /// of loads, and the CPU never mispredicts where a vector ends.
    slots: usize,
    end: usize,
}

impl GatherMap {
    /// The identity: one row of `len` numbers, one after the other.
    pub fn contiguous<S: Simd>(_: S, len: usize) -> GatherMap {
        let vector = |first: usize| Segment { at: index(first), lanes: lanes(0, S::LANES.min(len - first)) };
        let segments: Vec<Segment> = (0..len).step_by(S::LANES).map(vector).collect();
        GatherMap { len, vectors: segments.len(), segments, slots: 1, end: len }
    }

    /// For each tap, what it sees at each pixel (h, w) of `images` images that lie `image` numbers apart.
    fn new<S: Simd>(_: S, taps: &[Tap], (h, w): (usize, usize), images: usize, image: usize) -> GatherMap {
        let len = images * h * w;
        let vectors = len.div_ceil(S::LANES);
        let mut found = Vec::<Segment>::with_capacity(2 * taps.len() * vectors);
        let (mut counts, mut end) = (vec![0; taps.len() * vectors], 0);
        for (tap, counts) in taps.iter().zip(counts.chunks_mut(vectors.max(1))) {
            let (rows, columns) = (Tap::clip(tap.row, tap.h, h), Tap::clip(tap.column, tap.w, w));
            for (n, i) in (0..images).flat_map(|n| rows.clone().map(move |i| (n, i))) {
                let row = n * image + tap.start + i.wrapping_add_signed(tap.row) * tap.row_stride;
                let (mut first, mut at) =
                    ((n * h + i) * w + columns.start, row + columns.start.wrapping_add_signed(tap.column));
                let last = first + columns.len();
                end = end.max(at + columns.len());
                while first < last {
                    let (vector, lane) = (first / S::LANES, first % S::LANES);
                    let until = S::LANES.min(lane + last - first);
                    let segment = Segment { at: index(at) - lane as i32, lanes: lanes(lane, until) };
                    match found.last_mut().filter(|last| counts[vector] > 0 && last.at == segment.at) {
                        Some(last) => last.lanes |= segment.lanes,
                        None => {
                            counts[vector] += 1;
                            found.push(segment);
                        }
                    }
                    (first, at) = (first + until - lane, at + until - lane);
                }
            }
        }
        let slots = counts.iter().copied().max().unwrap_or(0).max(1);
        let mut segments = vec![Segment { at: 0, lanes: 0 }; counts.len() * slots];
        let mut found = found.into_iter();
        for (vector, count) in segments.chunks_exact_mut(slots).zip(counts) {
            vector[..count].fill_with(|| found.next().expect("counted"));
        }
        GatherMap { segments, len, vectors, slots, end }
    }

    /// Columns of a row.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Where the memory ends that the segments name.
    pub fn end(&self) -> usize {
        self.end
    }

    /// The segments of one vector of a row, the empty ones last; none, if the row has ended.
    #[inline(always)]
    pub fn vector(&self, row: usize, vector: usize) -> &[Segment] {
        match vector < self.vectors {
            true => self.vectors(row, vector..vector + 1),
            false => &[],
        }
    }

    #[inline(always)]
    fn vectors(&self, row: usize, vectors: Range<usize>) -> &[Segment] {
        &self.segments
            [(row * self.vectors + vectors.start) * self.slots..(row * self.vectors + vectors.end) * self.slots]
    }
}

fn index(place: usize) -> i32 {
    i32::try_from(place).expect("a group of images, or a row of a matrix, has fewer than 2^31 numbers")
}

/// `n` images in groups of equal size, but for the last, whose pixels fill their vectors best.
#[derive(Clone, Copy)]
pub struct Groups {
    n: usize,
    /// Images of a group.
    pub images: usize,
}

impl Groups {
    pub fn new<S: Simd>(_: S, n: usize, pixels: usize) -> Groups {
        let least = GROUP_COLUMNS.div_ceil(pixels.max(1));
        let waste =
            |images: usize| (images * pixels).next_multiple_of(S::LANES) as f64 / (images * pixels).max(1) as f64;
        let best = (least..=2 * least).min_by(|&a, &b| waste(a).total_cmp(&waste(b))).unwrap_or(least);
        let count = n.div_ceil(best).max(1);
        Groups { n, images: n.div_ceil(count).max(1) }
    }

    pub fn count(&self) -> usize {
        self.n.div_ceil(self.images)
    }

    /// The images of a group.
    pub fn range(&self, group: usize) -> Range<usize> {
        group * self.images..self.n.min((group + 1) * self.images)
    }

    /// The gather map of a group, and of the last one.
    pub fn maps<S: Simd>(&self, simd: S, taps: &[Tap], size: (usize, usize), layout: &Polyphase) -> [GatherMap; 2] {
        let last = self.n - (self.count().max(1) - 1) * self.images;
        [self.images, last].map(|images| GatherMap::new(simd, taps, size, images, layout.image()))
    }

    /// Which of these two maps is that of a group.
    pub fn map<'a>(&self, maps: &'a [GatherMap; 2], group: usize) -> &'a GatherMap {
        &maps[usize::from(group + 1 == self.count())]
    }
}

/// The im2col matrix of a group of images.
pub struct Im2col<'a> {
    data: &'a [f32],
    channels: usize,
    channel: usize,
    taps: usize,
    map: &'a GatherMap,
}

impl<'a> Im2col<'a> {
    /// The images begin with x; the gather map has a row for each tap.
    pub fn new(x: &'a [f32], layout: &Polyphase, taps: usize, map: &'a GatherMap) -> Im2col<'a> {
        let (channels, channel) = (layout.channels, layout.channel());
        let end = channels.saturating_sub(1) * channel + map.end;
        assert!(channels == 0 || end <= x.len(), "the images end at {end}, beyond {} numbers", x.len());
        Im2col { data: x, channels, channel, taps, map }
    }
}

impl Rows for Im2col<'_> {
    #[inline(always)]
    fn copy<S: Simd>(&self, simd: S, rows: Range<usize>, columns: Range<usize>, to: &mut [f32], stride: usize) {
        check_room::<S>(rows.len(), columns.len(), to, stride);
        assert!(rows.end <= self.channels * self.taps);
        assert!(columns.start.is_multiple_of(S::LANES), "columns are copied from the start of a vector");
        // SAFETY: `check_room` has made sure that `to` has room.
        unsafe {
            match self.map.slots {
                1 => self.gather::<S, 1>(simd, rows, columns, to, stride),
                2 => self.gather::<S, 2>(simd, rows, columns, to, stride),
                3 => self.gather::<S, 3>(simd, rows, columns, to, stride),
                4 => self.gather::<S, 4>(simd, rows, columns, to, stride),
                _ => self.gather::<S, 0>(simd, rows, columns, to, stride),
            }
        }
    }
}

impl Im2col<'_> {
    /// `SLOTS` is the number of segments per vector, if it is known when this is compiled, or 0.
    ///
    /// # Safety
    /// `to` has room for the rows, rounded up to whole vectors.
    #[inline(always)]
    unsafe fn gather<S: Simd, const SLOTS: usize>(
        &self,
        simd: S,
        rows: Range<usize>,
        columns: Range<usize>,
        to: &mut [f32],
        stride: usize,
    ) {
        let slots = if SLOTS > 0 { SLOTS } else { self.map.slots };
        let vectors = columns.start / S::LANES..columns.end.div_ceil(S::LANES);
        let (mut channel, mut tap) = (rows.start / self.taps.max(1), rows.start % self.taps.max(1));
        for r in 0..rows.len() {
            let channel_start = self.data.as_ptr().wrapping_add(channel * self.channel);
            let segments = self.map.vectors(tap, vectors.clone());
            for (v, segments) in segments.chunks_exact(slots).enumerate() {
                // SAFETY: `Im2col::new` made sure that all segments of all channels lie in the data; the caller, that `to`
                // has room.
                unsafe {
                    let mut vector = simd.splat(0.0);
                    for segment in segments {
                        let at = channel_start.wrapping_offset(segment.at as isize);
                        vector = simd.load_lanes(vector, at, segment.lanes);
                    }
                    simd.store(to.as_mut_ptr().add(r * stride + v * S::LANES), vector);
                }
            }
            tap += 1;
            if tap == self.taps {
                (channel, tap) = (channel + 1, 0);
            }
        }
    }
}
