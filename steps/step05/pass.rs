//! One pass of EM over the data: the E-step and the sums that the M-step divides, block by block.
//!
//! The (N, K) responsibilities never exist as a whole: a block of 64 points goes through both steps while it is in the
//! cache, turned so that each coordinate is a column and loops over points become vector instructions (what
//! [`vectorised`] runs is inlined into it, so that it may use all that the CPU has: 1.4 times as fast as without). Many
//! blocks are a chunk; threads take chunks, whose borders come from the sizes alone, and the sums of the chunks are
//! added in their order: the result is the same bits at any number of threads.

use super::exp::exp_of_negative;
use crate::step03::{Matrix, MultivariateNormal};
use crate::step04::GaussianMixture;
use rayon::prelude::*;
use std::array::{from_mut, from_ref};
use tsukuru::kernels::vectorised;

/// Points in a block.
const BLOCK: usize = 64;
/// So many points of a block are solved for at once: their sums fill half of the registers.
const GROUP: usize = 16;
/// A sum over points is kept as so many partial sums.
const LANES: usize = 4;

/// A number for each point of a block.
type Column = [f64; BLOCK];
type Sum = [f64; LANES];

/// What the M-step needs of component k. With d_n = x_n - mu_k and responsibilities q_n = p(z = k | x_n):
#[derive(Clone)]
pub struct Moments {
    /// sum of q_n
    pub count: f64,
    /// sum of q_n d_n (D)
    pub first: Vec<f64>,
    /// sum of q_n d_n d_n^T, the lower triangle row by row (D (D + 1) / 2)
    pub second: Vec<f64>,
}

/// The sum over all n of ln p(x_n), and the moments of each component, for points x (N, D).
pub fn pass(x: &Matrix, mixture: &GaussianMixture) -> (f64, Vec<Moments>) {
    let (d, k) = (mixture.dim(), mixture.weights().len());
    // A chunk's sums take K D^2 / 2 numbers: with 8 K D points they are a sixteenth of its data.
    let chunk = (8 * k * d).next_multiple_of(BLOCK).max(32 * BLOCK);
    let sums = |points: &[f64]| {
        let mut work = Work::new(mixture);
        let mut log_likelihood = 0.0;
        vectorised(
            #[inline(always)]
            || {
                for block in points.chunks(BLOCK * d) {
                    log_likelihood += work.block(block);
                }
            },
        );
        (log_likelihood, work.moments())
    };
    let chunks: Vec<(f64, Vec<Moments>)> = x.data().par_chunks(chunk * d).map(sums).collect();
    let add = |a: &mut [f64], b: &[f64]| a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    let both = |(left, mut moments): (f64, Vec<Moments>), (right, more): (f64, Vec<Moments>)| {
        for (a, b) in moments.iter_mut().zip(&more) {
            a.count += b.count;
            add(&mut a.first, &b.first);
            add(&mut a.second, &b.second);
        }
        (left + right, moments)
    };
    chunks.into_iter().reduce(both).expect("there is a point")
}

/// One component: its parameters, and its sums so far.
struct Component<'a> {
    normal: &'a MultivariateNormal,
    /// ln phi_k - (D ln(2 pi) + ln det Sigma_k) / 2
    log_scale: f64,
    /// First ln p(x_n, z = k), then q_n, for each point of the block.
    q: Column,
    count: Sum,
    first: Vec<Sum>,
    second: Vec<Sum>,
}

/// The room that a chunk is worked on in.
struct Work<'a> {
    components: Vec<Component<'a>>,
    /// The block, coordinate by coordinate (D).
    x: Vec<Column>,
    /// x - mu_k (D).
    d: Vec<Column>,
    /// L^-1 (x - mu_k) (D) for a group of points.
    z: Vec<[f64; GROUP]>,
}

impl Work<'_> {
    fn new(mixture: &GaussianMixture) -> Work<'_> {
        let d = mixture.dim();
        let components = mixture.weights().iter().zip(mixture.components()).map(|(phi, normal)| Component {
            normal,
            log_scale: libm::log(*phi) + normal.log_scale(),
            q: [0.0; BLOCK],
            count: [0.0; LANES],
            first: vec![[0.0; LANES]; d],
            second: vec![[0.0; LANES]; d * (d + 1) / 2],
        });
        Work {
            components: components.collect(),
            x: vec![[0.0; BLOCK]; d],
            d: vec![[0.0; BLOCK]; d],
            z: vec![[0.0; GROUP]; d],
        }
    }

    /// Adds `points` (at most BLOCK of D numbers each) to the sums; returns the sum of their ln p(x_n).
    #[inline(always)]
    fn block(&mut self, points: &[f64]) -> f64 {
        let d = self.x.len();
        let n = points.len() / d;
        // Places that are left over hold the last point once more, with q = 0.
        for b in 0..BLOCK {
            let point = &points[b.min(n - 1) * d..][..d];
            self.x.iter_mut().zip(point).for_each(|(column, &x)| column[b] = x);
        }
        for component in &mut self.components {
            component.log_joint(&self.x, &mut self.z);
        }
        let log_likelihood = self.responsibilities(n);
        for component in &mut self.components {
            component.add(&self.x, &mut self.d);
        }
        log_likelihood
    }

    /// E-step: q_n(k) = p(x_n, z = k) / p(x_n), as e^(ln p(x_n, z = k) - m_n) / s_n with m_n the largest logarithm and
    /// s_n the sum over k, and 0 beyond the first n points. Returns the sum over those of ln p(x_n) = m_n + ln s_n.
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
                q[b] = exp_of_negative(q[b] - max[b]);
                sum[b] += q[b];
            }
        }
        let mut inverse = [0.0; BLOCK];
        for b in 0..n {
            // 0 where all densities are: then the point belongs to none.
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

    fn moments(self) -> Vec<Moments> {
        let total = |sum: &Sum| sum.iter().sum::<f64>();
        let totals = |sums: &[Sum]| sums.iter().map(total).collect();
        let moments =
            |c: &Component| Moments { count: total(&c.count), first: totals(&c.first), second: totals(&c.second) };
        self.components.iter().map(moments).collect()
    }
}

impl Component<'_> {
    /// ln p(x_n, z = k) = ln phi_k - (D ln(2 pi) + ln det Sigma_k + z^T z) / 2 with L z = x_n - mu_k, into q.
    #[inline(always)]
    fn log_joint(&mut self, x: &[Column], z: &mut [[f64; GROUP]]) {
        for group in (0..BLOCK).step_by(GROUP) {
            let square = self.solve(x, group, z);
            for (q, square) in self.q[group..].iter_mut().zip(square) {
                // Where z^T z overflows, the comparison is false.
                *q = if square < f64::INFINITY { self.log_scale - 0.5 * square } else { f64::NEG_INFINITY };
            }
        }
    }

    /// Solves L z = x - mu_k from the first row down, for a group of points; returns z^T z.
    #[inline(always)]
    fn solve(&self, x: &[Column], group: usize, z: &mut [[f64; GROUP]]) -> [f64; GROUP] {
        let mut square = [0.0; GROUP];
        for (i, (row, mean)) in self.normal.cholesky().rows().zip(self.normal.mean()).enumerate() {
            let x = x[i][group..].first_chunk::<GROUP>().expect("groups fill a block");
            let mut rest = x.map(|x| x - mean);
            for (l, z) in row[..i].iter().zip(&*z) {
                for b in 0..GROUP {
                    rest[b] -= l * z[b];
                }
            }
            let inverse = 1.0 / row[i];
            for b in 0..GROUP {
                rest[b] *= inverse;
                square[b] += rest[b] * rest[b];
            }
            z[i] = rest;
        }
        square
    }

    /// The sums of the M-step: count += q_n, first += q_n d_n and second += q_n d_n d_n^T over the block.
    #[inline(always)]
    fn add(&mut self, x: &[Column], d: &mut [Column]) {
        for ((d, x), mean) in d.iter_mut().zip(x).zip(self.normal.mean()) {
            for b in 0..BLOCK {
                d[b] = x[b] - mean;
            }
        }
        add_sum(&self.q, &mut self.count);
        let mut second = &mut self.second[..];
        for i in 0..d.len() {
            let mut weighted = self.q;
            for b in 0..BLOCK {
                weighted[b] *= d[i][b];
            }
            add_sum(&weighted, &mut self.first[i]);
            // Row i of the triangle: i + 1 products of columns, four of them while `weighted` is in the registers.
            let (row, below) = second.split_at_mut(i + 1);
            let ((fours, columns), (sums, ends)) = (d[..=i].as_chunks::<4>(), row.as_chunks_mut::<4>());
            fours.iter().zip(sums).for_each(|(columns, sums)| add_products(&weighted, columns, sums));
            let one = |(column, sum)| add_products(&weighted, from_ref(column), from_mut(sum));
            columns.iter().zip(ends).for_each(one);
            second = below;
        }
    }
}

#[inline(always)]
fn add_sum(a: &Column, sum: &mut Sum) {
    for a in a.as_chunks::<LANES>().0 {
        for l in 0..LANES {
            sum[l] += a[l];
        }
    }
}

/// Adds the products of a with each of T columns to their sums.
#[inline(always)]
fn add_products<const T: usize>(a: &Column, columns: &[Column; T], sums: &mut [Sum; T]) {
    let mut totals = *sums;
    for b in (0..BLOCK).step_by(LANES) {
        for (total, column) in totals.iter_mut().zip(columns) {
            for l in 0..LANES {
                total[l] += a[b + l] * column[b + l];
            }
        }
    }
    *sums = totals;
}
