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
//! 3. With a stride, what neighbouring pixels see lies apart. So the image is put into its polyphase components first
//!    (polyphase.rs); within one of them the convolution has stride 1.
//! 4. Images are taken in groups whose pixels fill whole vectors: images of 7x7 are 49 columns of 64, nine of them 441 of
//!    448.
//!
//! Tried without a map, each row of pixels copied by itself with its borders, by masked loads and stores: on one core with
//! AVX-512 the U-Net's first convolution (1 to 64 channels, batch 128) took 1.1 times as long, the gradient of its weights
//! 2.8 times, 64 to 64 channels with stride 2 took 1.2 to 1.5 times, 17 to 17 channels of 9x13, 5x5, 1.6 times.

use super::micro_kernel::Segment;
use super::pack::{Rows, check_room};
use super::polyphase::{Polyphase, Tap};
use super::simd::{MOST_LANES, Simd, lanes};
use std::ops::Range;

/// Columns that a group of images has at least, if there are so many.
const GROUP_COLUMNS: usize = 512;

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
    /// The same with any instruction set, for sums over pixels are made of sums over groups.
    pub fn new(n: usize, pixels: usize) -> Groups {
        let least = GROUP_COLUMNS.div_ceil(pixels.max(1));
        let waste =
            |images: usize| (images * pixels).next_multiple_of(MOST_LANES) as f64 / (images * pixels).max(1) as f64;
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
