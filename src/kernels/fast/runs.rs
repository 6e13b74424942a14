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

/// Neighbouring lanes of a vector that are neighbours in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Where lane 0 would be.
    pub at: i32,
    /// One bit per lane.
    pub lanes: u16,
}

/// The runs of all vectors of one or several rows of numbers.
pub struct Runs {
    runs: Vec<Run>,
    /// Vector v of row r is made of runs[starts[r * vectors + v]..starts[r * vectors + v + 1]].
    starts: Vec<u32>,
    /// Vectors in a row.
    vectors: usize,
    /// Where the memory that they name ends.
    end: usize,
}

impl Runs {
    /// Rows of numbers, of which number i of row r is at `place(r, i)` in memory, or nowhere.
    pub fn new(lane_count: usize, rows: usize, len: usize, place: impl Fn(usize, usize) -> Option<usize>) -> Runs {
        let vectors = len.div_ceil(lane_count);
        let mut found = Runs { runs: Vec::new(), starts: vec![0], vectors, end: 0 };
        for row in 0..rows {
            for first in (0..len).step_by(lane_count) {
                found.push_vector((0..lane_count.min(len - first)).map(|lane| place(row, first + lane)));
            }
        }
        found
    }

    /// One row of `len` numbers, one after the other.
    pub fn contiguous(lane_count: usize, len: usize) -> Runs {
        let vector = |first: usize| Run { at: index(first) as i32, lanes: lanes(0, lane_count.min(len - first)) };
        let runs: Vec<Run> = (0..len).step_by(lane_count).map(vector).collect();
        Runs { starts: (0..=runs.len() as u32).collect(), vectors: runs.len(), runs, end: len }
    }

    fn push_vector(&mut self, places: impl Iterator<Item = Option<usize>>) {
        let mut previous = None;
        for (lane, place) in places.enumerate() {
            let Some(place) = place else {
                previous = None;
                continue;
            };
            let at = index(place) as i32 - lane as i32;
            match self.runs.last_mut() {
                Some(run) if previous == Some(at) => run.lanes |= lanes(lane, lane + 1),
                _ => self.runs.push(Run { at, lanes: lanes(lane, lane + 1) }),
            }
            previous = Some(at);
            self.end = self.end.max(place + 1);
        }
        self.starts.push(self.runs.len() as u32);
    }

    /// The runs of one vector of a row; none, if the row has ended.
    #[inline(always)]
    pub fn vector(&self, row: usize, vector: usize) -> &[Run] {
        if vector >= self.vectors {
            return &[];
        }
        let v = row * self.vectors + vector;
        &self.runs[self.starts[v] as usize..self.starts[v + 1] as usize]
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
