//! The initial mixture by k-means++, and the variances of the data.

use super::error::EmError;
use crate::step03::{Matrix, MultivariateNormal};
use crate::step04::GaussianMixture;
use rayon::prelude::*;
use tsukuru::random::Rng;

/// Rows of a chunk that a thread adds up.
const CHUNK: usize = 4096;
/// Rows that the quartiles are taken of, about: evenly spaced, if there are more.
const SAMPLE: usize = 10_000;

/// The variance of each column of x (N, D) as the data without their outliers have it: that of a normal distribution with
/// the same quartiles, half of whose points lie within 0.6745 standard deviations of the mean. A few far-off points make
/// the mean squared deviation arbitrarily large, but hardly move the quartiles. It counts where it is less, as of two
/// clusters, or where the quartiles are equal, as of a column that is mostly one number.
///
/// # Errors
/// If a number is not finite, a column is constant, or its mean squared deviation is more than an f64 holds.
pub fn variances(x: &Matrix) -> Result<Vec<f64>, EmError> {
    let (n, d) = x.shape();
    if let Some(i) = x.data().iter().position(|x| !x.is_finite()) {
        return Err(EmError::NotFinite { row: i / d, column: i % d, value: x.data()[i] });
    }
    // Around the first row, so that a small variance far from 0 is not rounded away.
    let first = x.row(0);
    let shift = column_means(x, first, &vec![0.0; d], |x| x);
    let squares = column_means(x, first, &shift, |x| x * x);
    let variance = |(column, variance): (usize, f64)| {
        if x.rows().all(|row| row[column] == first[column]) {
            return Err(EmError::Constant { column, value: first[column] });
        }
        if !variance.is_normal() {
            return Err(EmError::Range { column });
        }
        let mut sample: Vec<f64> = (0..n).step_by(n.div_ceil(SAMPLE)).map(|row| x[(row, column)]).collect();
        sample.sort_unstable_by(f64::total_cmp);
        let last = sample.len() - 1;
        let std = (sample[last - last / 4] - sample[last / 4]) / (2.0 * 0.6745);
        // With less than that, squared distances in standard deviations might overflow.
        Ok(if std * std > 1e-200 * variance { variance.min(std * std) } else { variance })
    };
    squares.into_iter().enumerate().map(variance).collect()
}

/// The mean over the rows of f(x - first - shift), for x (N, D), first (D) and shift (D): a number for each column (D).
/// Threads take chunks of rows, whose sums are added in order.
fn column_means(x: &Matrix, first: &[f64], shift: &[f64], f: fn(f64) -> f64) -> Vec<f64> {
    let (n, d) = x.shape();
    let sums = |rows: &[f64]| {
        let mut sums = vec![0.0; d];
        for row in rows.chunks_exact(d) {
            (0..d).for_each(|j| sums[j] += f(row[j] - first[j] - shift[j]));
        }
        sums
    };
    let chunks: Vec<Vec<f64>> = x.data().par_chunks(CHUNK * d).map(sums).collect();
    (0..d).map(|j| chunks.iter().map(|sums| sums[j]).sum::<f64>() / n as f64).collect()
}

/// K components of equal weight whose means are points of x (N, D) chosen by k-means++ (Arthur and Vassilvitskii, 2007):
/// each with a probability proportional to its squared distance to the nearest mean before it. Distances are measured in
/// standard deviations of the columns, the roots of `variances` (D). The common covariance is diagonal: these variances
/// times the mean squared distance to the nearest mean, over D, and not below `covariance_floor`.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn variance(numbers: impl IntoIterator<Item = f64>) -> f64 {
        let data: Vec<f64> = numbers.into_iter().collect();
        variances(&Matrix::from_data(data.len(), 1, data)).expect("a variance")[0]
    }

    #[test]
    fn a_variance_is_that_of_the_quartiles_or_less() {
        let close = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-12, "{found}, {expected}");
        let whole = |n: u32| (0..n).map(f64::from);
        // Of 0, .., n - 1 the variance is (n^2 - 1) / 12, and the quartiles are half of n - 1 apart, which suggests more.
        for n in [2, 3, 101, 4097, 30_001] {
            close(variance(whole(n)), (f64::from(n) * f64::from(n) - 1.0) / 12.0);
        }
        for outliers in [[1e9; 2], [-1e9, 1e90], [-1e50, -1e90]] {
            close(variance(outliers.into_iter().chain(whole(99))), (50.0f64 / 1.349).powi(2));
        }
        // Every third of these, from the first on.
        close(variance(whole(30_000).map(|i| if i % 3.0 > 0.0 { 1e9 } else { i })), (15_003.0f64 / 1.349).powi(2));
        // Quartiles that are equal, or as good as equal.
        close(variance([0.0; 99].into_iter().chain([10.0])), 0.99);
        close(variance(whole(5).map(|i| if i == 4.0 { 1e90 } else { i * 1e-20 })), 0.16 * 1e180);
    }

    #[test]
    fn each_column_has_its_own_variance() {
        let x = Matrix::from_data(1000, 5, (0..5000).map(|i| f64::from(i / 5 * (1 + i % 5))).collect());
        for (variance, factor) in variances(&x).expect("variances").iter().zip([1.0, 4.0, 9.0, 16.0, 25.0]) {
            assert!((variance / (factor * 999_999.0 / 12.0) - 1.0).abs() < 1e-12, "{variance}, {factor}");
        }
    }

    #[test]
    fn the_variances_are_a_share_of_the_datas() {
        // Of as many points as components each is a mean, and the share as small as it may be.
        let x = Matrix::from_data(2, 1, vec![0.0, 1.0]);
        for (seed, floor, share) in (0..20).flat_map(|seed| [(seed, 0.5, 0.5), (seed, 0.0, f64::EPSILON)]) {
            let mixture = kmeans_plusplus(&x, 2, &[4.0], floor, &mut Rng::new(seed, "test", 0));
            assert_ne!(mixture.components()[0].mean(), mixture.components()[1].mean());
            assert_eq!(mixture.components()[0].covariance().data(), [4.0 * share]);
        }
        // Of one mean, the other point is one standard deviation away in each coordinate.
        let x = Matrix::from_data(2, 2, vec![0.0, 0.0, 2.0, 4.0]);
        let mixture = kmeans_plusplus(&x, 1, &[4.0, 16.0], 0.0, &mut Rng::new(0, "test", 0));
        assert_eq!(mixture.components()[0].covariance().data(), [2.0, 0.0, 0.0, 8.0]);
    }

    #[test]
    fn a_shift_changes_no_variance() {
        let of = |shift: f64| variance((0..101).map(|i| shift + f64::from(i * i % 101)));
        assert!((0..=15).all(|exponent| of(10f64.powi(exponent)) == of(0.0)));
    }
}
