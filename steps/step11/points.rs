//! [`Points`]: data in the plane, and how far two sets of points are apart.

use crate::common::table;
use crate::step01::Normal;
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use std::f64::consts::{PI, TAU};
use std::path::Path;
use tsukuru::Real;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// A distribution of points (x, y); each coordinate has mean 0 and variance 1 or so.
#[derive(Clone, Debug, PartialEq, ValueEnum)]
pub enum Points {
    /// Two half-circles that reach into each other, as scikit-learn's
    Moons,
    /// Every other square of a board of 4 x 4
    Checkerboard,
    /// Eight small Gaussians on a circle
    Gaussians,
    /// The rows of a file: those that are learned, and every fifth, which is kept out.
    #[value(skip)]
    File { learned: Vec<[f64; 2]>, held_out: Vec<[f64; 2]> },
}

/// Standard deviation around a moon, and around the middle of a small Gaussian.
const MOON: f64 = 0.08;
const GAUSSIAN: f64 = 0.1;
/// Side of a square of the board.
const SQUARE: f64 = 0.85;

impl Points {
    /// The rows of a CSV file with the header `x,y`, shifted and scaled so that each coordinate has mean 0 and variance 1.
    ///
    /// # Errors
    /// As [`table::read`], or if there are fewer than ten rows, or a coordinate is the same in all of them.
    pub fn read(path: &Path) -> Result<Points> {
        let mut rows = table::read::<2>(path, Some("x,y"), "two numbers like 0.5,-1.2")?;
        ensure!(rows.len() >= 10, "{}: expected at least 10 points, found {}", path.display(), rows.len());
        for (axis, name) in ["x", "y"].into_iter().enumerate() {
            let column: Vec<f64> = rows.iter().map(|row| row[axis]).collect();
            let Normal { mu, sigma } = Normal::fit(&column).with_context(|| format!("{}: {name}", path.display()))?;
            rows.iter_mut().for_each(|row| row[axis] = (row[axis] - mu) / sigma);
        }
        let part = |held_out: bool| rows.iter().enumerate().filter(move |(i, _)| (i % 5 == 4) == held_out);
        let [learned, held_out] = [false, true].map(|held_out| part(held_out).map(|(_, row)| *row).collect());
        Ok(Points::File { learned, held_out })
    }

    /// x (n, 2), independent points to learn from.
    pub fn sample(&self, n: usize, rng: &mut Rng) -> Tensor {
        tensor((0..n).map(|_| self.point(rng)))
    }

    /// x (n, 2) that are not learned; of a file all that there are.
    pub fn held_out(&self, n: usize, rng: &mut Rng) -> Tensor {
        match self {
            Points::File { held_out, .. } => tensor(held_out.iter().copied()),
            _ => self.sample(n, rng),
        }
    }

    fn point(&self, rng: &mut Rng) -> [f64; 2] {
        let around = |[x, y]: [f64; 2], std: f64, rng: &mut Rng| [x + std * rng.normal(), y + std * rng.normal()];
        match self {
            Points::Moons => around(on_moon(rng.below(2), rng.uniform()), MOON, rng),
            Points::Gaussians => around(on_circle(rng.below(8)), GAUSSIAN, rng),
            Points::Checkerboard => {
                let row = rng.below(4);
                let column = 2 * rng.below(2) + row % 2;
                [column, row].map(|i| (i as f64 + rng.uniform() - 2.0) * SQUARE)
            }
            Points::File { learned, .. } => learned[rng.below(learned.len())],
        }
    }

    /// ln p of the distribution itself at (x, y), in nats; that of a file is not known.
    pub fn log_pdf(&self, x: f64, y: f64) -> Option<f64> {
        /// Of equally many points around each of these.
        fn mixture(centers: impl ExactSizeIterator<Item = [f64; 2]>, std: f64, x: f64, y: f64) -> f64 {
            let scale = 2.0 * std * std;
            let n = centers.len() as f64;
            let exponents: Vec<f64> = centers.map(|[a, b]| -((x - a) * (x - a) + (y - b) * (y - b)) / scale).collect();
            let largest = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = exponents.iter().map(|exponent| libm::exp(exponent - largest)).sum();
            largest + libm::log(sum / (n * PI * scale))
        }
        // So many Gaussians along each moon overlap so much that they are as good as infinitely many.
        const ALONG: usize = 400;
        match self {
            Points::Moons => {
                let along = |i: usize| on_moon(i / ALONG, ((i % ALONG) as f64 + 0.5) / ALONG as f64);
                Some(mixture((0..2 * ALONG).map(along), MOON, x, y))
            }
            Points::Gaussians => Some(mixture((0..8).map(on_circle), GAUSSIAN, x, y)),
            Points::Checkerboard => {
                let [column, row] = [x, y].map(|x| (x / SQUARE + 2.0).floor());
                let inside = (0.0..4.0).contains(&column) && (0.0..4.0).contains(&row) && (column + row) % 2.0 == 0.0;
                Some(if inside { -libm::log(8.0 * SQUARE * SQUARE) } else { f64::NEG_INFINITY })
            }
            Points::File { .. } => None,
        }
    }
}

/// The place on the middle line of a moon at this share of its length.
fn on_moon(moon: usize, share: f64) -> [f64; 2] {
    let (x, y) = (libm::cos(PI * share), libm::sin(PI * share));
    let [x, y] = if moon == 0 { [x, y] } else { [1.0 - x, 0.5 - y] };
    [(x - 0.5) / 0.87, (y - 0.25) / 0.5] // from their mean, over their standard deviation
}

/// The middle of Gaussian k of eight.
fn on_circle(k: usize) -> [f64; 2] {
    let angle = TAU * k as f64 / 8.0;
    [libm::cos(angle), libm::sin(angle)].map(|x| 1.4 * x)
}

/// (N, 2)
fn tensor(points: impl Iterator<Item = [f64; 2]>) -> Tensor {
    let points: Vec<[Real; 2]> = points.map(|point| point.map(|x| x as Real)).collect();
    Tensor::new([points.len(), 2], points.as_flattened())
}

/// The rows of x (N, 2), each as (x, y).
pub fn rows(x: &Tensor) -> impl Iterator<Item = (f64, f64)> + Clone {
    x.data().chunks(2).map(|row| (row[0].into(), row[1].into()))
}

/// The energy distance of points x (N, 2) and y (M, 2), 2 E|x - y| - E|x - x'| - E|y - y'|, each E a mean over all pairs
/// (Székely and Rizzo, "Energy statistics", 2013). It is never negative. Of two samples of one distribution it falls to 0
/// as they grow, and of two distributions to a positive number.
pub fn energy_distance(x: &Tensor, y: &Tensor) -> f64 {
    let distance = |(a, b): (f64, f64), (c, d): (f64, f64)| ((a - c) * (a - c) + (b - d) * (b - d)).sqrt();
    let mean = |a: &Tensor, b: &Tensor| {
        let sum: f64 = rows(a).map(|p| rows(b).map(|q| distance(p, q)).sum::<f64>()).sum();
        sum / (a.shape()[0] * b.shape()[0]) as f64
    };
    2.0 * mean(x, y) - mean(x, x) - mean(y, y)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Points; 3] = [Points::Moons, Points::Checkerboard, Points::Gaussians];

    #[test]
    fn the_coordinates_have_mean_0_and_variance_1_or_so() {
        for points in KNOWN {
            let x = points.sample(20_000, &mut Rng::new(0, "test", 0));
            for axis in 0..2 {
                let numbers: Vec<f64> = x.data().iter().skip(axis).step_by(2).map(|&x| f64::from(x)).collect();
                let Normal { mu, sigma } = Normal::fit(&numbers).unwrap();
                assert!(mu.abs() < 0.03 && (sigma - 1.0).abs() < 0.06, "{points:?}: {mu}, {sigma}");
            }
        }
    }

    /// In squares of half a unit, the share of the points and the integral of the density.
    #[test]
    fn the_density_is_that_of_the_points() {
        const N: usize = 100_000;
        for points in KNOWN {
            let x = points.sample(N, &mut Rng::new(0, "test", 0));
            let (mut shares, mut integrals) = (vec![0.0; 64], vec![0.0; 64]);
            let square = |x: f64, y: f64| (((y + 2.0) * 2.0) as usize).min(7) * 8 + (((x + 2.0) * 2.0) as usize).min(7);
            rows(&x).for_each(|(x, y)| shares[square(x, y)] += 1.0 / N as f64);
            for i in 0..400 * 400 {
                let [x, y] = [i % 400, i / 400].map(|i| (i as f64 + 0.5) / 100.0 - 2.0);
                integrals[square(x, y)] += libm::exp(points.log_pdf(x, y).unwrap()) * 1e-4;
            }
            for (share, integral) in shares.iter().zip(&integrals) {
                assert!((share - integral).abs() < 0.004, "{points:?}: {share}, {integral}");
            }
            assert!((integrals.iter().sum::<f64>() - 1.0).abs() < 2e-3, "{points:?}");
        }
    }

    #[test]
    fn the_energy_distance_tells_distributions_apart() {
        let sample = |points: Points, count| points.sample(1000, &mut Rng::new(0, "test", count));
        let moons = sample(Points::Moons, 0);
        assert!(energy_distance(&moons, &moons).abs() < 1e-9);
        let [same, other] =
            [Points::Moons, Points::Gaussians].map(|points| energy_distance(&moons, &sample(points, 3)));
        assert!(same > 0.0 && same < 0.01 && other > 0.03, "{same}, {other}");
        // Two points one apart, and two between them: 2 * 0.5 - 0.5 - 0.
        let [ends, middle] = [[0.0, 0.0, 1.0, 0.0], [0.5, 0.0, 0.5, 0.0]].map(|x| Tensor::new([2, 2], &x));
        assert!((energy_distance(&ends, &middle) - 0.5).abs() < 1e-12);
    }
}
