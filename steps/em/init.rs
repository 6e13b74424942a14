//! The initial mixture by k-means++.

use super::error::EmError;
use crate::step03::{Matrix, MultivariateNormal};
use crate::step04::GaussianMixture;
use tsukuru::random::Rng;

/// The variance of each column of x (N, D).
///
/// # Errors
/// If a number is not finite, a column is constant, or its variance is more than an f64 holds.
pub fn variances(x: &Matrix) -> Result<Vec<f64>, EmError> {
    let (n, d) = x.shape();
    if let Some(i) = x.data().iter().position(|x| !x.is_finite()) {
        return Err(EmError::NotFinite { row: i / d, column: i % d, value: x.data()[i] });
    }
    let column = |column: usize| {
        let first = x[(0, column)];
        let (mut sum, mut squares, mut constant) = (0.0, 0.0, true);
        // Around the first number, so that a small variance far from 0 is not rounded away.
        for row in x.rows() {
            let d = row[column] - first;
            constant &= d == 0.0;
            sum += d;
            squares += d * d;
        }
        let (mean, n) = (sum / n as f64, n as f64);
        let variance = squares / n - mean * mean;
        match variance {
            _ if constant => Err(EmError::Constant { column, value: first }),
            v if v.is_normal() && v > 0.0 => Ok(v),
            _ => Err(EmError::Range { column }),
        }
    };
    (0..d).map(column).collect()
}

/// K components of equal weight whose means are points of x (N, D) chosen by k-means++ (Arthur and Vassilvitskii, 2007):
/// each with a probability proportional to its squared distance to the nearest mean before it. Distances are measured in
/// standard deviations of the columns. The common covariance is diagonal: the variances of the data times the mean squared
/// distance to the nearest mean, over D, and not below `covariance_floor`.
pub fn kmeans_plusplus(
    x: &Matrix,
    k: usize,
    variances: &[f64],
    covariance_floor: f64,
    rng: &mut Rng,
) -> GaussianMixture {
    let (n, d) = x.shape();
    let squared_distance = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).zip(variances).map(|((a, b), variance)| (a - b) * (a - b) / variance).sum()
    };
    let mut means = vec![x.row(rng.below(n))];
    let mut nearest: Vec<f64> = x.rows().map(|x| squared_distance(x, means[0])).collect();
    while means.len() < k {
        let mut left = rng.uniform() * nearest.iter().sum::<f64>();
        let drawn = nearest.iter().position(|distance| {
            left -= distance;
            left < 0.0
        });
        // None if every point is a mean already: then two components have the same mean.
        let mean = x.row(drawn.unwrap_or_else(|| rng.below(n)));
        nearest.iter_mut().zip(x.rows()).for_each(|(nearest, x)| *nearest = nearest.min(squared_distance(x, mean)));
        means.push(mean);
    }
    let share = (nearest.iter().sum::<f64>() / (n * d) as f64).max(covariance_floor).max(f64::EPSILON);
    let mut covariance = Matrix::zeros(d, d);
    variances.iter().enumerate().for_each(|(i, variance)| covariance[(i, i)] = share * variance);
    let component =
        |mean: &[f64]| MultivariateNormal::new(mean.to_vec(), covariance.clone()).expect("variances are positive");
    GaussianMixture::new(vec![1.0 / k as f64; k], means.into_iter().map(component).collect()).expect("K equal weights")
}
