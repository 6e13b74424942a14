//! The micro-kernel: the innermost loops of every matrix product and convolution. It computes a micro-tile, up to MR rows
//! and two vectors of C, whose sums stay in registers while k goes by.
//!
//! ```text
//!                 B: k rows, two vectors wide        for each of the k rows of B:
//!                ┌───────┬───────┐                       load its two vectors,
//!                │ b0    │ b1    │                       for each row of A:
//!                └───────┴───────┘                           broadcast one number a and
//!   A: MR rows   ┌───────┬───────┐                           c0 += a b0,  c1 += a b1
//!   ┌─ k ───┐    │ c0    │ c1    │
//!   │ a ... │    │  2 MR vectors │                   AVX-512 (MR = 14): 16 loads feed 28 multiply-adds, so the
//!   └───────┘    └───────┴───────┘                   two multipliers never wait; AVX2 (MR = 6): 8 feed 12.
//! ```
//!
//! What mattered: all loops over rows and vectors are unrolled (their numbers are const), so that the sums never leave
//! their registers; A lies at constant strides, so that one pointer and constant offsets reach all its rows; storing
//! straight from the registers, instead of adding what C holds to an array first, is worth 2 %.
//!
//! Every number of C is summed over k in the same order, whatever micro-tile it falls into.

use super::prefetch::Prefetch;
use super::simd::{Simd, vectorize};

/// Vectors side by side in a micro-tile: NR = `NR_VECTORS` * LANES columns.
pub const NR_VECTORS: usize = 2;
/// Steps of k from one request for cache lines to the next: some 450 cycles.
pub const FETCH_EVERY: usize = 16;

/// Neighbouring lanes of a vector that are neighbours in memory, too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Where lane 0 would be.
    pub at: i32,
    /// One bit per lane.
    pub lanes: u16,
}

/// How the product A B is written to C.
#[derive(Clone, Copy)]
pub enum Epilogue<'a> {
    /// C = A B
    Store,
    /// C = A B + C
    Accumulate,
    /// C = bias + A B, a number for each row: the sums begin with it.
    BiasPerRow(&'a [f32]),
    /// C = A B + bias, a number for each column.
    BiasPerColumn(&'a [f32]),
}

impl<'a> Epilogue<'a> {
    /// The epilogue of the rows from `row` on.
    pub fn of_rows_from(self, row: usize) -> Epilogue<'a> {
        match self {
            Epilogue::BiasPerRow(bias) => Epilogue::BiasPerRow(&bias[row..]),
            other => other,
        }
    }
}

/// One micro-tile's work: C = A B with an epilogue, at most MR rows and two vectors of columns. Number (i, l) of A is
/// `a[i * A_ROW + l * A_COLUMN]`.
#[derive(Clone, Copy)]
pub struct MicroTile<'a, const A_ROW: usize, const A_COLUMN: usize> {
    pub rows: usize,
    pub a: *const f32,
    /// k is `parts` parts of `part` numbers each, which lie `a_part` apart in A, and one after the other in B.
    pub parts: usize,
    pub part: usize,
    pub a_part: usize,
    /// The first vector of B's first row, the distance of its rows, and of a row's two vectors.
    pub b: *const f32,
    pub b_row: usize,
    pub b_vector: usize,
    /// Where C's first row begins, and the distance of its rows.
    pub c: *mut f32,
    pub c_row: usize,
    /// Where the lanes of each vector lie in a row of C: one vector, or two. Empty segments come last.
    pub columns: [&'a [Segment]; NR_VECTORS],
    pub epilogue: Epilogue<'a>,
}

/// Loop 1 of Winograd's products: cuts `rows` into micro-tiles of at most MR and nearly equal height, (first row, rows).
#[inline(always)]
pub fn split_rows<S: Simd>(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let tiles = rows.div_ceil(S::MR);
    (0..tiles).map(move |tile| (rows * tile / tiles, rows * (tile + 1) / tiles - rows * tile / tiles))
}

/// Makes a const of a number of rows: `$body` with `const $ROWS`.
macro_rules! with_const_rows {
    ($rows:expr, $ROWS:ident in [$($n:literal)*] => $body:expr) => {
        match $rows {
            $($n => { const $ROWS: usize = $n; $body })*
            rows => unreachable!("a micro-tile of {rows} rows"),
        }
    };
}

impl<const A_ROW: usize, const A_COLUMN: usize> MicroTile<'_, A_ROW, A_COLUMN> {
    /// [`MicroTile::compute`] for callers that are compiled without the vector instructions. They share one copy.
    ///
    /// # Safety
    /// As for [`MicroTile::compute`].
    #[inline(never)]
    pub unsafe fn compute_vectorized<S: Simd>(&self, simd: S, prefetch: &mut [Prefetch]) {
        // SAFETY: as the caller promises.
        vectorize!(simd, unsafe { self.compute::<S, 0>(simd, prefetch) });
    }

    /// Asks for more of the lines of `prefetch` every [`FETCH_EVERY`] steps of k. `OF` is the number of rows that
    /// [`split_rows`] cut, if it is known when this is compiled: then only the micro-kernels for its parts are made. Else
    /// it is 0.
    ///
    /// # Safety
    /// A (`rows`, `parts` of `part` columns), B (as many rows, the vectors of `columns`) and a bias per column can be read
    /// where the fields say; C's numbers that `rows` and `columns` name can be written, and nobody else uses these now.
    #[inline(always)]
    pub unsafe fn compute<S: Simd, const OF: usize>(&self, simd: S, prefetch: &mut [Prefetch]) {
        with_const_rows!(self.rows, ROWS in [1 2 3 4 5 6 7 8 9 10 11 12 13 14] => {
            // SAFETY: as the caller promises.
            unsafe {
                if self.columns[1].is_empty() {
                    self.micro_kernel::<S, OF, ROWS, 1>(simd, prefetch);
                } else {
                    self.micro_kernel::<S, OF, ROWS, 2>(simd, prefetch);
                }
            }
        })
    }

    /// # Safety
    /// As for [`MicroTile::compute`].
    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // i and j are rows and vectors
    unsafe fn micro_kernel<S: Simd, const OF: usize, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        prefetch: &mut [Prefetch],
    ) {
        // What is unreachable is not even compiled.
        if ROWS > S::MR {
            unreachable!("a micro-tile of {ROWS} rows needs more registers");
        }
        let parts = OF.div_ceil(S::MR);
        if OF > 0 && ROWS != OF / parts && ROWS != OF.div_ceil(parts) {
            unreachable!("{OF} rows are not cut into parts of {ROWS}");
        }
        let zero = simd.splat(0.0);
        let mut sums = [[zero; VECTORS]; ROWS];
        if let Epilogue::BiasPerRow(bias) = self.epilogue {
            let bias: &[f32; ROWS] = bias.first_chunk().expect("a number for each row");
            for i in 0..ROWS {
                sums[i] = [simd.splat(bias[i]); VECTORS];
            }
        }
        // SAFETY: A and B can be read, as the caller promises.
        unsafe {
            let mut b = [self.b; VECTORS];
            for j in 1..VECTORS {
                b[j] = self.b.add(self.b_vector);
            }
            for part in 0..self.parts {
                let mut a = self.a.add(part * self.a_part);
                let mut left = self.part;
                while left > 0 {
                    for lines in prefetch.iter_mut() {
                        lines.fetch(simd);
                    }
                    let some = left.min(FETCH_EVERY);
                    left -= some;
                    for _ in 0..some {
                        let mut row = [zero; VECTORS];
                        for j in 0..VECTORS {
                            row[j] = simd.load(b[j]);
                            b[j] = b[j].wrapping_add(self.b_row);
                        }
                        for i in 0..ROWS {
                            let number = simd.splat(*a.add(i * A_ROW));
                            for j in 0..VECTORS {
                                sums[i][j] = simd.mul_add(number, row[j], sums[i][j]);
                            }
                        }
                        a = a.wrapping_add(A_COLUMN);
                    }
                }
            }
        }
        // SAFETY: C, and a bias for each of its columns, can be read and written, as the caller promises.
        unsafe {
            let added = match self.epilogue {
                Epilogue::Store | Epilogue::BiasPerRow(_) => return self.store(simd, sums, None),
                Epilogue::Accumulate => (self.c.cast_const(), self.c_row),
                Epilogue::BiasPerColumn(bias) => (bias.as_ptr(), 0),
            };
            self.store(simd, sums, Some(added));
        }
    }

    /// Writes the sums to C, after adding rows that lie like C's: where they begin, and how far apart they are.
    ///
    /// # Safety
    /// C can be written, and the rows to be added can be read.
    #[inline(always)]
    unsafe fn store<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        sums: [[S::Vector; VECTORS]; ROWS],
        added: Option<(*const f32, usize)>,
    ) {
        for j in 0..VECTORS {
            for &Segment { at, lanes } in self.columns[j].iter().take_while(|segment| segment.lanes != 0) {
                let c = self.c.wrapping_offset(at as isize);
                let added = added.map(|(start, stride)| (start.wrapping_offset(at as isize), stride));
                for (i, sums) in sums.iter().enumerate() {
                    // SAFETY: as the caller promises.
                    unsafe {
                        let mut sum = sums[j];
                        if let Some((start, stride)) = added {
                            let row = start.wrapping_add(i * stride);
                            sum = simd.add(sum, simd.load_lanes(simd.splat(0.0), row, lanes));
                        }
                        simd.store_lanes(c.wrapping_add(i * self.c_row), sum, lanes);
                    }
                }
            }
        }
    }
}
