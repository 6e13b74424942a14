//! The E-step, with everything that the M-step needs of it: sums over the points, the sufficient statistics.
//!
//! The (N, K) responsibilities are never stored as a whole. A block of 64 points goes through the E-step and is added to
//! the sums of the M-step while it is in the cache. The block is transposed, so that each coordinate is a column and loops
//! over points become vector instructions (what [`vectorize`] runs is inlined into it, so that it may use every
//! instruction set of the CPU: 1.4 times as fast as without). Threads work on chunks of many blocks. The borders of the
//! chunks follow from the sizes alone and their sums are added in order, so the result is the same bits at any number of
//! threads.

use super::exp::exp_nonpositive;
use crate::step03::{Matrix, MultivariateNormal};
use crate::step04::GaussianMixture;
use rayon::prelude::*;
use tsukuru::kernels::vectorize;

/// Points in a block.
const BLOCK: usize = 64;
/// Points of a block that are multiplied by two rows of L^-1 at once: their sums fill half of the registers.
const GROUP: usize = 16;
/// A sum over points is kept as this many partial sums.
const LANES: usize = 4;
/// Columns whose products with one column are summed at once.
const TILE: usize = 4;

/// One number for each point of a block.
type Column = [f64; BLOCK];
/// The partial sums of a sum over points.
type Sum = [f64; LANES];

/// The sufficient statistics of component k. With responsibilities q_n = p(z = k | x_n) and d_n = x_n - c around a centre c:
#[derive(Clone)]
pub struct SufficientStatistics {
    /// c (D)
    pub centre: Vec<f64>,
    /// sum of q_n, the effective number of points
    pub count: f64,
    /// sum of q_n d_n (D)
    pub first: Vec<f64>,
    /// sum of q_n d_n d_n^T, the lower triangle row by row (D (D + 1) / 2)
    pub second: Vec<f64>,
}

/// The sum over all n of ln p(x_n), and the sufficient statistics of each component around its centre (K times D), for
/// points x (N, D).
pub fn e_step(x: &Matrix, mixture: &GaussianMixture, centres: &[&[f64]]) -> (f64, Vec<SufficientStatistics>) {
    let (d, k) = (mixture.dim(), mixture.weights().len());
    // The sums of a chunk take K D^2 / 2 numbers: with 8 K D points they are a sixteenth of its data.
    let chunk = (8 * k * d).next_multiple_of(BLOCK).max(32 * BLOCK);
    let sums = |points: &[f64]| {
        let mut workspace = Workspace::new(mixture, centres);
        let mut log_likelihood = 0.0;
        vectorize(
            #[inline(always)]
            || {
                for block in points.chunks(BLOCK * d) {
                    log_likelihood += workspace.add_block(block);
                }
            },
        );
        (log_likelihood, workspace.statistics())
    };
    let chunks: Vec<(f64, Vec<SufficientStatistics>)> = x.data().par_chunks(chunk * d).map(sums).collect();
    chunks.into_iter().reduce(add_chunks).expect("there is a point")
}

fn add_chunks(
    (left, mut statistics): (f64, Vec<SufficientStatistics>),
    (right, others): (f64, Vec<SufficientStatistics>),
) -> (f64, Vec<SufficientStatistics>) {
    let add = |a: &mut [f64], b: &[f64]| a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    for (a, b) in statistics.iter_mut().zip(&others) {
        a.count += b.count;
        add(&mut a.first, &b.first);
        add(&mut a.second, &b.second);
    }
    (left + right, statistics)
}

/// The parameters of a component, and its sums so far.
struct Component<'a> {
    normal: &'a MultivariateNormal,
    centre: &'a [f64],
    /// ln phi_k - (D ln(2 pi) + ln det Sigma_k) / 2
    log_normalization: f64,
    /// L^-1 (D, D), padded with zeros to a multiple of [`TILE`].
    inverse: Vec<f64>,
    /// First ln p(x_n, z = k), then q_n, for each point of the block.
    q: Column,
    count: Sum,
    first: Vec<Sum>,
    /// (D, D), of which the lower triangle is used; both sizes padded to a multiple of [`TILE`].
    second: Vec<Sum>,
}

/// The sums of a chunk, and buffers for one block of it.
struct Workspace<'a> {
    components: Vec<Component<'a>>,
    /// The transposed block: a column for each coordinate (D).
    x: Vec<Column>,
    /// x - mu_k, then x - c (D), padded with zeros to a multiple of [`TILE`].
    d: Vec<Column>,
}

impl<'a> Workspace<'a> {
    fn new(mixture: &'a GaussianMixture, centres: &[&'a [f64]]) -> Workspace<'a> {
        let d = mixture.dim();
        let components = mixture.weights().iter().zip(mixture.components()).zip(centres);
        let components = components.map(|((phi, normal), centre)| Component {
            normal,
            centre,
            log_normalization: libm::log(*phi) + normal.log_normalization(),
            inverse: inverse(normal.cholesky(), d.next_multiple_of(TILE)),
            q: [0.0; BLOCK],
            count: [0.0; LANES],
            first: vec![[0.0; LANES]; d],
            second: vec![[0.0; LANES]; d.next_multiple_of(TILE).pow(2)],
        });
        Workspace {
            components: components.collect(),
            x: vec![[0.0; BLOCK]; d],
            d: vec![[0.0; BLOCK]; d.next_multiple_of(TILE)],
        }
    }

    /// Adds `points` (at most BLOCK of D numbers each) to the sums; returns the sum of their ln p(x_n).
    #[inline(always)]
    fn add_block(&mut self, points: &[f64]) -> f64 {
        let d = self.x.len();
        let n = points.len() / d;
        // A block that is not full is padded with copies of its last point, whose q is 0.
        for b in 0..BLOCK {
            let point = &points[b.min(n - 1) * d..][..d];
            self.x.iter_mut().zip(point).for_each(|(column, &x)| column[b] = x);
        }
        for component in &mut self.components {
            component.log_joint(&self.x, &mut self.d);
        }
        let log_likelihood = self.responsibilities(n);
        for component in &mut self.components {
            component.add_statistics(&self.x, &mut self.d);
        }
        log_likelihood
    }

    /// E-step: q_n(k) = p(x_n, z = k) / p(x_n), as e^(ln p(x_n, z = k) - m_n) / s_n with m_n the largest logarithm and
    /// s_n the sum over k, and 0 beyond the first n points. Returns the sum over those of ln p(x_n) = m_n + ln s_n.
    /// Where z^T z overflows, to infinity or NaN, the density is 0: such a logarithm is never the largest, and
    /// [`exp_nonpositive`] makes it 0.
    #[inline(always)]
    fn responsibilities(&mut self, n: usize) -> f64 {
        let mut max = [f64::MIN; BLOCK];
        for Component { q, .. } in &self.components {
            for b in 0..BLOCK {
                max[b] = if q[b] > max[b] { q[b] } else { max[b] };
            }
        }
        let mut sum = [0.0; BLOCK];
        for Component { q, .. } in &mut self.components {
            for b in 0..BLOCK {
                q[b] = exp_nonpositive(q[b] - max[b]);
                sum[b] += q[b];
            }
        }
        let mut inverse = [0.0; BLOCK];
        for b in 0..n {
            // Where all densities are 0, so are all responsibilities.
            inverse[b] = if sum[b] > 0.0 { 1.0 / sum[b] } else { 0.0 };
        }
        for Component { q, .. } in &mut self.components {
            for b in 0..BLOCK {
                q[b] *= inverse[b];
            }
        }
        // A sum of logarithms is the logarithm of a product, and s_n lies between 1 and K.
        let logs = sum[..n].chunks(8).map(|sums| libm::log(sums.iter().product())).sum::<f64>();
        max[..n].iter().sum::<f64>() + logs
    }

    fn statistics(self) -> Vec<SufficientStatistics> {
        let total = |sum: &Sum| sum.iter().sum::<f64>();
        let statistics = |c: &Component| {
            let d = c.first.len();
            let triangle = (0..d).flat_map(|i| (0..=i).map(move |j| i * d.next_multiple_of(TILE) + j));
            SufficientStatistics {
                centre: c.centre.to_vec(),
                count: total(&c.count),
                first: c.first.iter().map(total).collect(),
                second: triangle.map(|i| total(&c.second[i])).collect(),
            }
        };
        self.components.iter().map(statistics).collect()
    }
}

impl Component<'_> {
    /// ln p(x_n, z = k) = ln phi_k - (D ln(2 pi) + ln det Sigma_k + z^T z) / 2 with z = L^-1 (x_n - mu_k), into q.
    #[inline(always)]
    fn log_joint(&mut self, x: &[Column], d: &mut [Column]) {
        subtract(x, self.normal.mean(), d);
        let mut square = [0.0; BLOCK];
        let rows = self.inverse.chunks_exact(2 * d.len()).map(|rows| rows.split_at(d.len()));
        for (i, (upper, lower)) in (0..self.first.len()).step_by(2).zip(rows) {
            for group in (0..BLOCK).step_by(GROUP) {
                let mut z = [[0.0; GROUP]; 2];
                for ((upper, lower), d) in upper[..i + 2].iter().zip(&lower[..i + 2]).zip(&*d) {
                    for b in 0..GROUP {
                        z[0][b] += upper * d[group + b];
                        z[1][b] += lower * d[group + b];
                    }
                }
                for b in 0..GROUP {
                    square[group + b] += z[0][b] * z[0][b] + z[1][b] * z[1][b];
                }
            }
        }
        for (q, square) in self.q.iter_mut().zip(square) {
            *q = self.log_normalization - 0.5 * square;
        }
    }

    /// The sums of the M-step: count += q_n, first += q_n d_n and second += q_n d_n d_n^T over the block.
    #[inline(always)]
    fn add_statistics(&mut self, x: &[Column], d: &mut [Column]) {
        subtract(x, self.centre, d);
        add_sum(&self.q, &mut self.count);
        let dim = self.first.len();
        for i in (0..dim).step_by(2) {
            let mut weighted = [self.q; 2];
            for b in 0..BLOCK {
                weighted[0][b] *= d[i][b];
                weighted[1][b] *= d[i + 1][b];
            }
            self.first[i..].iter_mut().zip(&weighted).for_each(|(sum, weighted)| add_sum(weighted, sum));
            // Two rows of the triangle at once keep eight sums in registers, enough to hide the latency of an addition.
            let (upper, lower) = self.second[i * d.len()..][..2 * d.len()].split_at_mut(d.len());
            let sums = upper.as_chunks_mut::<TILE>().0.iter_mut().zip(lower.as_chunks_mut::<TILE>().0);
            for (columns, (upper, lower)) in d[..(i + 2).next_multiple_of(TILE)].as_chunks::<TILE>().0.iter().zip(sums)
            {
                add_products(&weighted, columns, upper, lower);
            }
        }
    }
}

/// d = x - centre, for each point of the block.
#[inline(always)]
fn subtract(x: &[Column], centre: &[f64], d: &mut [Column]) {
    for ((d, x), centre) in d.iter_mut().zip(x).zip(centre) {
        for b in 0..BLOCK {
            d[b] = x[b] - centre;
        }
    }
}

/// L^-1 of a lower triangular L, in rows of `width` numbers: column by column, from L L^-1 = I.
fn inverse(l: &Matrix, width: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; width * width];
    for j in 0..l.shape().0 {
        for (i, row) in l.rows().enumerate().skip(j) {
            let known: f64 = (j..i).map(|m| row[m] * inverse[m * width + j]).sum();
            inverse[i * width + j] = (if i == j { 1.0 } else { 0.0 } - known) / row[i];
        }
    }
    inverse
}

#[inline(always)]
fn add_sum(a: &Column, sum: &mut Sum) {
    for a in a.as_chunks::<LANES>().0 {
        for l in 0..LANES {
            sum[l] += a[l];
        }
    }
}

/// Adds the products of two columns with each of [`TILE`] columns to their sums.
#[inline(always)]
fn add_products(a: &[Column; 2], columns: &[Column; TILE], upper: &mut [Sum; TILE], lower: &mut [Sum; TILE]) {
    let mut totals = [*upper, *lower];
    for b in (0..BLOCK).step_by(LANES) {
        for t in 0..TILE {
            for l in 0..LANES {
                totals[0][t][l] += a[0][b + l] * columns[t][b + l];
                totals[1][t][l] += a[1][b + l] * columns[t][b + l];
            }
        }
    }
    [*upper, *lower] = totals;
}
