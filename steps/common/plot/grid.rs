//! [`Grid`]: a function of x and y on a grid, for surfaces and contours.

use super::axis::Axis;
use std::collections::BTreeMap;

/// Values z of a function at crossings of a grid.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The places along x (columns).
    pub xs: Vec<f64>,
    /// The places along y (rows).
    pub ys: Vec<f64>,
    /// (rows, columns): `z[i * columns + j]` belongs to `ys[i]`, `xs[j]`.
    pub z: Vec<f64>,
}

/// A side of a cell: its row and column, and whether it is the left one or the lower one.
type Side = (usize, usize, bool);

impl Grid {
    /// f(x, y) at `steps` + 1 places each between the ends of `x` and `y`.
    pub fn new(x: (f64, f64), y: (f64, f64), steps: usize, f: impl Fn(f64, f64) -> f64) -> Grid {
        let places = |(low, high): (f64, f64)| -> Vec<f64> {
            (0..=steps).map(|i| low + (high - low) * i as f64 / steps as f64).collect()
        };
        let (xs, ys) = (places(x), places(y));
        let z = ys.iter().flat_map(|&y| xs.iter().map(move |&x| (x, y))).map(|(x, y)| f(x, y)).collect();
        Grid { xs, ys, z }
    }

    pub(super) fn at(&self, i: usize, j: usize) -> f64 {
        self.z[i * self.xs.len() + j]
    }

    /// The smallest and the largest value.
    pub fn extent(&self) -> (f64, f64) {
        let finite = self.z.iter().filter(|z| z.is_finite());
        finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &z| (low.min(z), high.max(z)))
    }

    /// How many values are not finite.
    pub(super) fn not_finite(&self) -> usize {
        self.z.iter().filter(|z| !z.is_finite()).count()
    }

    /// Round levels between the smallest and the largest value, `count` at most, and their labels.
    pub fn levels(&self, count: usize) -> Vec<(f64, String)> {
        let (low, high) = self.extent();
        let scale = Axis::new("").scale([low, high].into_iter(), (0.0, 0.0), count);
        scale.ticks().iter().filter(|(level, _)| low < *level && *level < high).cloned().collect()
    }

    /// The lines z = `level` (marching squares): where two neighbours on the grid lie on different sides of the level, the
    /// line crosses between them, at a place found linearly; within a cell crossings are joined by straight lines, and
    /// from cell to cell into long ones. A closed line ends where it began.
    pub fn contour(&self, level: f64) -> Vec<Vec<(f64, f64)>> {
        let mut neighbours: BTreeMap<Side, Vec<Side>> = BTreeMap::new();
        for i in 0..self.ys.len() - 1 {
            for j in 0..self.xs.len() - 1 {
                for (from, to) in self.pieces(level, i, j) {
                    neighbours.entry(from).or_default().push(to);
                    neighbours.entry(to).or_default().push(from);
                }
            }
        }
        let mut lines = vec![];
        // Open lines from one of their ends first; what is left is closed.
        let ends: Vec<Side> = neighbours.iter().filter(|(_, to)| to.len() == 1).map(|(&side, _)| side).collect();
        let all: Vec<Side> = neighbours.keys().copied().collect();
        for start in ends.into_iter().chain(all) {
            let (mut side, mut line) = (start, vec![self.crossing(level, start)]);
            while let Some(next) = neighbours.get_mut(&side).and_then(Vec::pop) {
                if let Some(back) = neighbours.get_mut(&next) {
                    let here = back.iter().position(|&s| s == side);
                    here.map(|i| back.remove(i));
                }
                line.push(self.crossing(level, next));
                side = next;
            }
            lines.extend((line.len() > 1).then_some(line));
        }
        lines
    }

    /// The straight lines within cell (i, j), from side to side.
    fn pieces(&self, level: f64, i: usize, j: usize) -> Vec<(Side, Side)> {
        let corners = [self.at(i, j), self.at(i, j + 1), self.at(i + 1, j + 1), self.at(i + 1, j)];
        if corners.iter().any(|z| !z.is_finite()) {
            return vec![];
        }
        let above = corners.map(|z| z >= level);
        // Side k leads from corner k to the next, counter-clockwise from below.
        let sides: [Side; 4] = [(i, j, false), (i, j + 1, true), (i + 1, j, false), (i, j, true)];
        let crossed: Vec<usize> = (0..4).filter(|&k| above[k] != above[(k + 1) % 4]).collect();
        match crossed[..] {
            [a, b] => vec![(sides[a], sides[b])],
            // A saddle: the middle decides which two opposite corners are connected.
            [_, _, _, _] => {
                let middle = corners.iter().sum::<f64>() / 4.0 >= level;
                let around_corner = |k: usize| (sides[(k + 3) % 4], sides[k]);
                if middle == above[0] {
                    vec![around_corner(1), around_corner(3)]
                } else {
                    vec![around_corner(0), around_corner(2)]
                }
            }
            _ => vec![],
        }
    }

    /// Where a side crosses the level.
    fn crossing(&self, level: f64, (i, j, upright): Side) -> (f64, f64) {
        let (z0, z1) = (self.at(i, j), if upright { self.at(i + 1, j) } else { self.at(i, j + 1) });
        let t = (level - z0) / (z1 - z0);
        let between = |from: f64, to: f64| from + t * (to - from);
        if upright {
            (self.xs[j], between(self.ys[i], self.ys[i + 1]))
        } else {
            (between(self.xs[j], self.xs[j + 1]), self.ys[i])
        }
    }
}
