//! Where EM begins if nobody says: at points of the data that lie far from each other.

use super::fit_em::{EmError, EmOptions};
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

/// K bells of equal weight around points of x (N, D) that k-means++ chooses (Arthur and Vassilvitskii, 2007): each the
/// likelier, the farther it is from those before it. Distances are measured in standard deviations of the columns; the
/// variance of the bells is that of the data times the mean square of the distance to the nearest of them, over D.
pub fn random_start(x: &Matrix, k: usize, variances: &[f64], options: &EmOptions, start: usize) -> GaussianMixture {
    let (n, d) = x.shape();
    let mut rng = Rng::new(options.seed, "em start", start as u64);
    let distance = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).zip(variances).map(|((a, b), variance)| (a - b) * (a - b) / variance).sum()
    };
    let mut chosen = vec![x.row(rng.below(n))];
    let mut nearest: Vec<f64> = x.rows().map(|x| distance(x, chosen[0])).collect();
    while chosen.len() < k {
        let mut left = rng.uniform() * nearest.iter().sum::<f64>();
        let far = nearest.iter().position(|distance| {
            left -= distance;
            left < 0.0
        });
        // None if all points are chosen ones: then two bells stand in one place.
        let next = x.row(far.unwrap_or_else(|| rng.below(n)));
        nearest.iter_mut().zip(x.rows()).for_each(|(nearest, x)| *nearest = nearest.min(distance(x, next)));
        chosen.push(next);
    }
    let share = (nearest.iter().sum::<f64>() / (n * d) as f64).max(options.covariance_floor).max(f64::EPSILON);
    let mut covariance = Matrix::zeros(d, d);
    variances.iter().enumerate().for_each(|(i, variance)| covariance[(i, i)] = share * variance);
    let bell =
        |mean: &[f64]| MultivariateNormal::new(mean.to_vec(), covariance.clone()).expect("variances are positive");
    GaussianMixture::new(vec![1.0 / k as f64; k], chosen.into_iter().map(bell).collect()).expect("K equal weights")
}
