//! The Fréchet distance between the normal distributions fitted to two sets of points.

use crate::step03::{Matrix, MultivariateNormalError, moments};

/// d^2 = |mu1 - mu2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)) between the normal distributions with the means and covariances of
/// the rows of x (N, D) and of y (M, D): the square, which is what FID reports (Dowson and Landau, 1982; on features of
/// images: Heusel et al., 2017). In one dimension it is the squared difference of the means plus that of the standard
/// deviations.
///
/// Of finite samples it is too large, the more so the fewer they are: compare it at equal N and M only.
///
/// # Errors
/// If there are no points, or one is not finite.
///
/// # Panics
/// If x and y have not the same number of columns.
#[track_caller]
pub fn frechet_distance(x: &Matrix, y: &Matrix) -> Result<f64, MultivariateNormalError> {
    let ((mu1, s1), (mu2, s2)) = (moments(x)?, moments(y)?);
    let (d, other) = (mu1.len(), mu2.len());
    assert_eq!(d, other, "frechet_distance: {d} and {other} columns differ");
    let means: f64 = mu1.iter().zip(&mu2).map(|(a, b)| (a - b).powi(2)).sum();
    let variances: f64 = (0..d).map(|i| s1[(i, i)] + s2[(i, i)]).sum();
    Ok((means + variances - 2.0 * trace_of_root(&s1, &s2)).max(0.0)) // rounding may leave less
}

/// Tr (A B)^(1/2) of covariances A and B (D, D). A B is not symmetric, but with A = V diag(lambda) V^T = R R^T, where
/// R = V diag(lambda^(1/2)), R^T B R is, and has the same eigenvalues.
fn trace_of_root(a: &Matrix, b: &Matrix) -> f64 {
    let root = |eigenvalue: &f64| eigenvalue.max(0.0).sqrt(); // rounding may leave less than 0
    let eigh = |matrix: &Matrix| matrix.eigh().expect("a covariance is square and finite");
    let (lambda, v) = eigh(a);
    let r = v.rows().flat_map(|row| row.iter().zip(&lambda).map(|(v, lambda)| v * root(lambda))).collect();
    let r = Matrix::from_data(lambda.len(), lambda.len(), r);
    eigh(&r.transpose().dot(b).dot(&r)).0.iter().map(root).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsukuru::random::Rng;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{found}, not {expected}");
    }

    #[test]
    fn in_one_dimension_it_is_the_difference_of_means_and_of_deviations() {
        // Means 1 and 5, standard deviations 1 and 3.
        let d = frechet_distance(&Matrix::new(&[[0.0], [2.0]]), &Matrix::new(&[[2.0], [8.0]])).unwrap();
        close(d, 16.0 + 4.0);
    }

    #[test]
    fn independent_coordinates_add_up() {
        let corners = |mean: [f64; 2], std: [f64; 2]| {
            let corner = |a: f64, b: f64| [mean[0] + a * std[0], mean[1] + b * std[1]];
            Matrix::new(&[corner(-1.0, -1.0), corner(-1.0, 1.0), corner(1.0, -1.0), corner(1.0, 1.0)])
        };
        // The second coordinate of x is always 0: a dead feature, and a singular covariance.
        let d = frechet_distance(&corners([1.0, 0.0], [2.0, 0.0]), &corners([0.0, 3.0], [0.5, 1.0])).unwrap();
        close(d, 1.0 + 9.0 + 1.5f64.powi(2) + 1.0);
    }

    #[test]
    fn of_a_set_and_itself_it_is_0_and_a_shift_adds_its_square() {
        let mut rng = Rng::new(0, "test", 0);
        let x = Matrix::from_data(100, 8, (0..800).map(|_| rng.normal()).collect());
        let moved = Matrix::from_data(100, 8, x.data().iter().map(|x| x + 0.5).collect());
        assert!(frechet_distance(&x, &x).unwrap().abs() < 1e-12);
        close(frechet_distance(&x, &moved).unwrap(), 8.0 * 0.25);
    }

    /// Of two by two numbers, (Tr M^(1/2))^2 = Tr M + 2 (det M)^(1/2).
    #[test]
    fn two_by_two_covariances_have_the_closed_form() {
        let a = Matrix::new(&[[2.0, 1.2], [1.2, 1.0]]);
        let b = Matrix::new(&[[0.7, -0.5], [-0.5, 3.0]]);
        let product = a.dot(&b);
        let expected = (product[(0, 0)] + product[(1, 1)] + 2.0 * product.det().unwrap().sqrt()).sqrt();
        close(trace_of_root(&a, &b), expected);
        close(trace_of_root(&b, &a), expected);
    }
}
