//! How an image is cut into tiles of 4 and 3 outputs a side, and where their pixels lie.

use super::points::{LEFT_OUT, POINTS};
use std::ops::Range;

/// The tiles of an image of outputs.
///
/// A side of 28 is seven tiles of 4; 14 is 4 + 4 + 3 + 3, which takes a sixth less work than four tiles of 4. A tile
/// that is less than four high does without the points (-q, any), one less than four wide without (any, -q). The four
/// kinds are ordered so that the tiles that use a point are neighbours.
pub struct Tiling {
    /// For each kind, the first row and column of each tile.
    kinds: [Vec<(usize, usize)>; 4],
}

/// For each kind of tile and each tile, the pixels of its square; those outside the image are one behind its last.
pub type Squares<const N: usize> = [Vec<[[u32; N]; N]>; 4];

impl Tiling {
    pub fn new(h: usize, w: usize) -> Tiling {
        let ([rows4, rows3], [columns4, columns3]) = (cut(h), cut(w));
        let kind = |rows: &[usize], columns: &[usize]| {
            rows.iter().flat_map(|&i| columns.iter().map(move |&j| (i, j))).collect()
        };
        let kinds =
            [kind(&rows4, &columns3), kind(&rows4, &columns4), kind(&rows3, &columns4), kind(&rows3, &columns3)];
        Tiling { kinds }
    }

    /// Tiles of an image.
    pub fn count(&self) -> usize {
        self.kinds.iter().map(Vec::len).sum()
    }

    /// The number of the first tile of a kind, among the tiles of `images` images.
    pub fn start(&self, kind: usize, images: usize) -> usize {
        self.kinds[..kind].iter().map(Vec::len).sum::<usize>() * images
    }

    /// The tiles of `images` images that use point (i, j).
    pub fn using(&self, (i, j): (usize, usize), images: usize) -> Range<usize> {
        let kinds = match (i == LEFT_OUT, j == LEFT_OUT) {
            (false, false) => 0..4,
            (true, false) => 0..2,
            (false, true) => 1..3,
            (true, true) => 1..2,
        };
        self.start(kinds.start, images)..self.start(kinds.end, images)
    }

    /// For each kind and each of its tiles, the pixels of the square of N x N that begins `before` rows and columns
    /// before its corner, in a plane (h, w); those outside are pixel h w.
    pub fn pixels<const N: usize>(&self, before: usize, h: usize, w: usize) -> Squares<N> {
        let place = |i: usize, d: usize, len: usize| (i + d).checked_sub(before).filter(|&p| p < len);
        let pixel = |i, j, (di, dj)| match (place(i, di, h), place(j, dj, w)) {
            (Some(row), Some(column)) => row * w + column,
            _ => h * w,
        };
        let square =
            |&(i, j): &(usize, usize)| std::array::from_fn(|di| std::array::from_fn(|dj| pixel(i, j, (di, dj)) as u32));
        std::array::from_fn(|kind| self.kinds[kind].iter().map(square).collect())
    }
}

/// Where the tiles of 4 and those of 3 begin along a side: as few tiles as cover it, and the smaller ones if they do.
fn cut(len: usize) -> [Vec<usize>; 2] {
    let tiles = len.div_ceil(4);
    let threes = tiles.min(4 * tiles - len);
    let fours = tiles - threes;
    [(0..fours).map(|i| 4 * i).collect(), (0..threes).map(|i| 4 * fours + 3 * i).collect()]
}

/// All points (i, j), row by row.
pub fn points() -> impl Iterator<Item = (usize, usize)> {
    (0..POINTS * POINTS).map(|p| (p / POINTS, p % POINTS))
}
