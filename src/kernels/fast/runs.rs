//! Where the lanes of a vector lie in memory, when they are not simply one after the other.
//!
//! The columns of a convolution's matrix are pixels, one after the other, image after image. A vector of them may reach
//! over the end of a row of pixels or of an image, and some of what it should read is padding. So it lies in a few
//! *runs*: lanes that are neighbours in memory too. The runs are the same for every channel and every group of images,
//! so they are found once per call; after that, a vector is one masked load or store per run:
//!
//! ```text
//! lanes of the vector      0 1 2 3 4 5 6 7        rows of 5 pixels, seen from one to the right (padding: .)
//! pixels, row after row    b c d e . g h i        a [b c d e] .
//!                                                 f [g h i] j .        two runs: b c d e, g h i
//! ```

use super::simd::lanes;
use std::ops::Range;

/// Neighbouring lanes of a vector that are neighbours in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Where lane 0 would be.
    pub at: i32,
    /// One bit per lane.
    pub lanes: u16,
}

/// Numbers of a row that are neighbours in memory: `len` of them, of which number `first` lies `at`.
pub struct Stretch {
    pub first: usize,
    pub at: usize,
    pub len: usize,
}

/// The runs of all vectors of one or several rows of numbers.
pub struct Runs {
    /// Run s of vector v of row r is number (r * vectors + v) * slots + s.
    runs: Vec<Run>,
    /// Vectors in a row.
    vectors: usize,
    /// As many runs as the most scattered vector has; the others end with empty runs. So all are read by the same
    /// number of loads, and the CPU never guesses wrong when a vector ends.
    slots: usize,
    /// Where the memory that they name ends.
    end: usize,
}

impl Runs {
    /// Rows of `len` numbers, of which some lie in memory: those of each row, in order.
    pub fn new<S: Iterator<Item = Stretch>>(
        lane_count: usize,
        rows: usize,
        len: usize,
        stretches: impl Fn(usize) -> S,
    ) -> Runs {
        let vectors = len.div_ceil(lane_count);
        let (mut found, mut counts) = (Vec::<Run>::with_capacity(2 * rows * vectors), vec![0; rows * vectors]);
        let mut end = 0;
        for (row, counts) in counts.chunks_mut(vectors.max(1)).enumerate() {
            for Stretch { first, at, len } in stretches(row) {
                end = end.max(at + len);
                let mut done = 0;
                while done < len {
                    let (vector, lane) = ((first + done) / lane_count, (first + done) % lane_count);
                    let until = lane_count.min(lane + len - done);
                    let run = Run { at: index(at + done) as i32 - lane as i32, lanes: lanes(lane, until) };
                    match found.last_mut().filter(|last| counts[vector] > 0 && last.at == run.at) {
                        Some(last) => last.lanes |= run.lanes,
                        None => {
                            counts[vector] += 1;
                            found.push(run);
                        }
                    }
                    done += until - lane;
                }
            }
        }
        let slots = counts.iter().copied().max().unwrap_or(0).max(1);
        let mut runs = vec![Run { at: 0, lanes: 0 }; counts.len() * slots];
        let mut found = found.into_iter();
        for (vector, count) in runs.chunks_exact_mut(slots).zip(counts) {
            vector[..count].fill_with(|| found.next().expect("counted"));
        }
        Runs { runs, vectors, slots, end }
    }

    /// One row of `len` numbers, one after the other.
    pub fn contiguous(lane_count: usize, len: usize) -> Runs {
        let vector = |first: usize| Run { at: index(first) as i32, lanes: lanes(0, lane_count.min(len - first)) };
        let runs: Vec<Run> = (0..len).step_by(lane_count).map(vector).collect();
        Runs { vectors: runs.len(), runs, slots: 1, end: len }
    }

    /// The runs of one vector of a row, the empty ones last; none, if the row has ended.
    #[inline(always)]
    pub fn vector(&self, row: usize, vector: usize) -> &[Run] {
        if vector >= self.vectors {
            return &[];
        }
        &self.runs[(row * self.vectors + vector) * self.slots..][..self.slots]
    }

    /// The runs of some vectors of a row, [`Runs::slots`] for each.
    #[inline(always)]
    pub fn vectors(&self, row: usize, vectors: Range<usize>) -> &[Run] {
        &self.runs[(row * self.vectors + vectors.start) * self.slots..(row * self.vectors + vectors.end) * self.slots]
    }

    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Where the memory that the runs name ends.
    pub fn end(&self) -> usize {
        self.end
    }
}

fn index(place: usize) -> u32 {
    assert!(place < 1 << 31, "a group of images, or a row of a matrix, of more than 2^31 numbers");
    place as u32
}
