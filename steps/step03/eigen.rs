//! Eigenvalues and eigenvectors of symmetric matrices.

use super::linear_algebra::{Matrix, MatrixError};

impl Matrix {
    /// The eigenvalues lambda (n) of a symmetric A (n, n), in ascending order, and its eigenvectors V (n, n): column j is
    /// v with A v = lambda_j v. They are orthonormal, V^T V = I, so that A = V diag(lambda) V^T. As NumPy's `eigh`, it
    /// reads only the lower triangle of A.
    ///
    /// The cyclic Jacobi method (Golub and Van Loan, Matrix Computations, 4th edition, section 8.5): each rotation
    /// J^T A J of two coordinates p and q makes A_pq zero. It undoes some zeros of earlier ones, but the sum of the
    /// squares off the diagonal falls, in the end quadratically; a few sweeps over all pairs are enough.
    ///
    /// # Errors
    /// If the matrix is not square or not finite.
    pub fn eigh(&self) -> Result<(Vec<f64>, Matrix), MatrixError> {
        self.check_square()?;
        let n = self.shape().0;
        let mut a: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| self[(i.max(j), i.min(j))]).collect()).collect();
        let mut v: Vec<Vec<f64>> = Matrix::identity(n).rows().map(<[f64]>::to_vec).collect(); // V^T: a vector per row
        let mut rotated = true;
        while rotated {
            rotated = false;
            for p in 0..n {
                for q in p + 1..n {
                    // Relative to both of its diagonal numbers, so that small eigenvalues beside large ones are exact too.
                    if a[p][q].abs() > f64::EPSILON * a[p][p].abs().sqrt() * a[q][q].abs().sqrt() {
                        annihilate(&mut a, &mut v, p, q);
                        rotated = true;
                    }
                }
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| a[i][i].total_cmp(&a[j][j]));
        let vectors = order.iter().flat_map(|&i| v[i].iter().copied()).collect();
        Ok((order.iter().map(|&i| a[i][i]).collect(), Matrix::from_data(n, n, vectors).transpose()))
    }
}

/// Replaces A by J^T A J and V by V J (as V^T), where J rotates coordinates p and q by the smaller of the two angles that
/// make A_pq zero (algorithm 8.5.1). A_pq must not be 0.
fn annihilate(a: &mut [Vec<f64>], v: &mut [Vec<f64>], p: usize, q: usize) {
    let (a_pp, a_qq, a_pq) = (a[p][p], a[q][q], a[p][q]);
    // tan is the smaller root of tan^2 + 2 tau tan - 1 = 0.
    let tau = (a_qq - a_pp) / (2.0 * a_pq);
    let tan = tau.signum() / (tau.abs() + (1.0 + tau * tau).sqrt());
    let cos = 1.0 / (1.0 + tan * tan).sqrt();
    let sin = tan * cos;
    rotate(v, p, q, cos, sin);
    rotate(a, p, q, cos, sin);
    // The four numbers that the rotation of the columns changes again, without the rounding errors of two rotations.
    (a[p][p], a[q][q], a[p][q], a[q][p]) = (a_pp - tan * a_pq, a_qq + tan * a_pq, 0.0, 0.0);
    // Elsewhere the columns p and q of J^T A J are the rows.
    (0..a.len()).for_each(|i| (a[i][p], a[i][q]) = (a[p][i], a[q][i]));
}

/// Rows p and q become cos p - sin q and sin p + cos q.
fn rotate(rows: &mut [Vec<f64>], p: usize, q: usize, cos: f64, sin: f64) {
    let [p, q] = rows.get_disjoint_mut([p, q]).expect("two different rows");
    for (p, q) in p.iter_mut().zip(q) {
        (*p, *q) = (cos * *p - sin * *q, sin * *p + cos * *q);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsukuru::random::Rng;

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-14 * expected.abs().max(1.0), "{found}, not {expected}");
    }

    /// The eigenvalues, after a check of A V = V diag(lambda), V^T V = I and the order, to 1e-13 of the largest number.
    #[track_caller]
    fn checked(a: &Matrix) -> Vec<f64> {
        let n = a.shape().0;
        let (lambda, v) = a.eigh().unwrap();
        let (av, vv) = (a.dot(&v), v.transpose().dot(&v));
        let size = a.data().iter().fold(0.0, |size: f64, x| size.max(x.abs()));
        for i in 0..n {
            for j in 0..n {
                assert!((av[(i, j)] - lambda[j] * v[(i, j)]).abs() <= 1e-13 * size, "A v of eigenvalue {}", lambda[j]);
                assert!((vv[(i, j)] - f64::from(u8::from(i == j))).abs() < 1e-13, "vectors {i} and {j}");
            }
        }
        assert!(lambda.is_sorted());
        lambda
    }

    #[test]
    fn by_hand() {
        assert!(checked(&Matrix::zeros(0, 0)).is_empty());
        assert_eq!(checked(&Matrix::new(&[[-3.0]])), [-3.0]);
        assert_eq!(checked(&Matrix::new(&[[5.0, 0.0], [0.0, -2.0]])), [-2.0, 5.0]);
        // (1, 1) and (1, -1), without and with a positive diagonal
        for (found, expected) in checked(&Matrix::new(&[[0.0, 1.0], [1.0, 0.0]])).iter().zip([-1.0, 1.0]) {
            close(*found, expected);
        }
        for (found, expected) in checked(&Matrix::new(&[[2.0, 1.0], [1.0, 2.0]])).iter().zip([1.0, 3.0]) {
            close(*found, expected);
        }
        // lambda^2 - 5 lambda = 0, with (1, 2) for 5
        let (lambda, v) = Matrix::new(&[[1.0, 2.0], [2.0, 4.0]]).eigh().unwrap();
        close(lambda[0], 0.0);
        close(lambda[1], 5.0);
        close(v[(1, 1)] / v[(0, 1)], 2.0);
        // Second differences: 2 - 2 cos(j pi / 4)
        let differences = Matrix::new(&[[2.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 2.0]]);
        let root = 2.0f64.sqrt();
        for (found, expected) in checked(&differences).iter().zip([2.0 - root, 2.0, 2.0 + root]) {
            close(*found, expected);
        }
    }

    #[test]
    fn repeated_eigenvalues_have_orthogonal_vectors() {
        assert_eq!(checked(&Matrix::identity(5)), [1.0; 5]);
        assert_eq!(checked(&Matrix::zeros(4, 4)), [0.0; 4]);
        // All 1 plus 2 I: 2 five times, and 6 + 2
        let ones = Matrix::from_data(6, 6, vec![1.0; 36]);
        for (found, expected) in
            checked(&(&ones + &Matrix::identity(6).scale(2.0))).iter().zip([2.0, 2.0, 2.0, 2.0, 2.0, 8.0])
        {
            close(*found, expected);
        }
    }

    /// lambda_1 lambda_2 = det A = 2 and lambda_1 + lambda_2 = 1e20 + 3e-20, so the smaller one is 2e-20 to twenty digits.
    #[test]
    fn a_small_eigenvalue_beside_a_large_one_is_exact() {
        let lambda = checked(&Matrix::new(&[[1e20, 1.0], [1.0, 3e-20]]));
        assert!((lambda[0] / 2e-20 - 1.0).abs() < 1e-14 && (lambda[1] / 1e20 - 1.0).abs() < 1e-14, "{lambda:?}");
        // Squares of these numbers are 0 and infinite.
        for scale in [1e-300, 1e300] {
            let lambda = checked(&Matrix::new(&[[2.0, 1.0], [1.0, 2.0]]).scale(scale));
            assert!((lambda[0] / scale - 1.0).abs() < 1e-14 && (lambda[1] / scale - 3.0).abs() < 1e-14, "{lambda:?}");
        }
    }

    #[test]
    fn random_matrices_also_of_low_rank() {
        let mut rng = Rng::new(0, "eigen", 0);
        for (n, rank) in [(3, 3), (16, 16), (64, 64), (64, 5)] {
            let x = Matrix::from_data(n, rank, (0..n * rank).map(|_| rng.normal()).collect());
            let a = x.dot(&x.transpose());
            let (lambda, trace) = (checked(&a), (0..n).map(|i| a[(i, i)]).sum::<f64>());
            assert!((lambda.iter().sum::<f64>() / trace - 1.0).abs() < 1e-13);
            assert!(lambda[..n - rank].iter().all(|lambda| lambda.abs() < 1e-13 * trace));
            checked(&(&a + &Matrix::identity(n).scale(-(n as f64)))); // indefinite
        }
    }

    #[test]
    fn only_the_lower_triangle_counts_and_undefined_ones_are_errors() {
        let lower = Matrix::new(&[[2.0, 99.0], [1.0, 2.0]]);
        assert_eq!(lower.eigh(), Matrix::new(&[[2.0, 1.0], [1.0, 2.0]]).eigh());
        assert_eq!(Matrix::zeros(2, 3).eigh(), Err(MatrixError::NotSquare { rows: 2, cols: 3 }));
        let infinite = MatrixError::NotFinite { row: 0, col: 0, value: f64::INFINITY };
        assert_eq!(Matrix::new(&[[f64::INFINITY]]).eigh(), Err(infinite));
    }
}
