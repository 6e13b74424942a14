//! The directions that a symmetric matrix only stretches.

use super::{Matrix, MatrixError};

impl Matrix {
    /// The eigenvalues lambda (D), in no order, and the matrix V (D, D) whose columns are their directions, so that
    /// V diag(lambda) V^T is this symmetric matrix (D, D), of which only what lies on and above the diagonal is read.
    ///
    /// By Jacobi's rotations: each turns two axes until the number that couples them is 0. It spoils some zeros made
    /// before, but what is left off the diagonal shrinks, at last quadratically.
    ///
    /// # Errors
    /// If the matrix is not square or not finite.
    pub fn eigen_symmetric(&self) -> Result<(Vec<f64>, Matrix), MatrixError> {
        const MOST_SWEEPS: usize = 50; // ten are usual
        self.check_square()?;
        let n = self.shape().0;
        let pairs = || (0..n).flat_map(|p| (p + 1..n).map(move |q| (p, q)));
        let mut a = self.clone();
        pairs().for_each(|(p, q)| a[(q, p)] = a[(p, q)]);
        let mut v = Matrix::identity(n);
        let size = a.data().iter().map(|x| x.abs()).fold(0.0, f64::max);
        for _ in 0..MOST_SWEEPS {
            if pairs().all(|(p, q)| a[(p, q)].abs() <= f64::EPSILON * f64::EPSILON * size) {
                break;
            }
            for (p, q) in pairs() {
                if a[(p, q)] == 0.0 {
                    continue;
                }
                // tan of the angle: the smaller root of t^2 + 2 theta t - 1 = 0
                let theta = (a[(q, q)] - a[(p, p)]) / (2.0 * a[(p, q)]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cos = 1.0 / t.hypot(1.0);
                let sin = t * cos;
                for m in [&mut a, &mut v] {
                    (0..n).for_each(|k| (m[(k, p)], m[(k, q)]) = turned(m[(k, p)], m[(k, q)], cos, sin));
                }
                (0..n).for_each(|k| (a[(p, k)], a[(q, k)]) = turned(a[(p, k)], a[(q, k)], cos, sin));
                (a[(p, q)], a[(q, p)]) = (0.0, 0.0);
            }
        }
        Ok(((0..n).map(|i| a[(i, i)]).collect(), v))
    }
}

fn turned(x: f64, y: f64, cos: f64, sin: f64) -> (f64, f64) {
    (cos * x - sin * y, sin * x + cos * y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsukuru::random::Rng;

    fn random_symmetric(n: usize) -> Matrix {
        let mut rng = Rng::new(0, "test", n as u64);
        let half = Matrix::from_data(n, n, (0..n * n).map(|_| rng.normal()).collect());
        &half + &half.transpose()
    }

    fn largest(m: &Matrix) -> f64 {
        m.data().iter().map(|x| x.abs()).fold(0.0, f64::max)
    }

    #[test]
    fn a_matrix_of_two_is_solved_exactly() {
        let (mut values, _) = Matrix::new(&[[2.0, 1.0], [1.0, 2.0]]).eigen_symmetric().unwrap();
        values.sort_by(f64::total_cmp);
        assert!((values[0] - 1.0).abs() < 1e-15 && (values[1] - 3.0).abs() < 1e-15, "{values:?}");
    }

    #[test]
    fn directions_are_orthogonal_and_values_give_the_matrix_back() {
        for n in [1, 2, 3, 7, 64] {
            let a = random_symmetric(n);
            let (values, v) = a.eigen_symmetric().unwrap();
            let mut scaled = v.clone();
            (0..n * n).for_each(|i| scaled[(i / n, i % n)] *= values[i % n]);
            let off = |m: Matrix, of: &Matrix| largest(&(&m + &of.scale(-1.0)));
            assert!(off(scaled.dot(&v.transpose()), &a) < 1e-13 * n as f64 * largest(&a), "{n}");
            assert!(off(v.dot(&v.transpose()), &Matrix::identity(n)) < 1e-14 * n as f64, "{n}");
        }
    }

    #[test]
    fn what_is_already_diagonal_and_what_is_zero_stay() {
        let diagonal = Matrix::new(&[[3.0, 0.0], [0.0, -1.0]]);
        assert_eq!(diagonal.eigen_symmetric().unwrap(), (vec![3.0, -1.0], Matrix::identity(2)));
        assert_eq!(Matrix::zeros(3, 3).eigen_symmetric().unwrap().0, [0.0; 3]);
        assert!(Matrix::zeros(2, 3).eigen_symmetric().is_err());
        assert!(Matrix::new(&[[f64::NAN]]).eigen_symmetric().is_err());
    }
}
