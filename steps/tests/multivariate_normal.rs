//! `step03`: identities of linear algebra, densities against SciPy's figures, the fit, draws, and errors.

use steps::step03::{Matrix, MatrixError, MultivariateNormal};
use tsukuru::random::Rng;

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{found}, expected {expected}");
}

#[track_caller]
fn all_close(found: &Matrix, expected: &Matrix) {
    assert_eq!(found.shape(), expected.shape());
    found.data().iter().zip(expected.data()).for_each(|(&found, &expected)| close(found, expected));
}

/// (n, n) of random numbers.
fn random(n: usize, count: u64) -> Matrix {
    let mut rng = Rng::new(0, "matrix", count);
    Matrix::from_data(n, n, (0..n * n).map(|_| rng.normal()).collect())
}

/// A A^T + 1: symmetric and positive definite.
fn random_covariance(n: usize, count: u64) -> Matrix {
    let a = random(n, count);
    &a.dot(&a.transpose()) + &Matrix::identity(n)
}

#[test]
fn products_and_transposes() {
    let a = Matrix::new(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    assert_eq!(a.transpose(), Matrix::new(&[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]));
    assert_eq!(a.dot(&a.transpose()), Matrix::new(&[[14.0, 32.0], [32.0, 77.0]]));
    assert_eq!(&a + &a, a.scale(2.0));
    assert_eq!(&a * &a, Matrix::new(&[[1.0, 4.0, 9.0], [16.0, 25.0, 36.0]]));
    assert_eq!(format!("{a:.1}"), "[[1.0, 2.0, 3.0],\n [4.0, 5.0, 6.0]]");
}

#[test]
fn determinants_and_inverses_of_the_book() {
    close(Matrix::new(&[[3.0, 4.0], [5.0, 6.0]]).det().unwrap(), -2.0);
    let inverse = Matrix::new(&[[0.5, 1.0], [2.0, 3.0]]).inverse().unwrap();
    all_close(&inverse, &Matrix::new(&[[-6.0, 2.0], [4.0, -1.0]]));
}

#[test]
fn a_matrix_times_its_inverse_is_the_identity_and_determinants_multiply() {
    for n in 1..8 {
        let (a, b) = (random(n, n as u64), random(n, 100 + n as u64));
        all_close(&a.dot(&a.inverse().unwrap()), &Matrix::identity(n));
        close(a.dot(&b).det().unwrap(), a.det().unwrap() * b.det().unwrap());
        close(a.transpose().det().unwrap(), a.det().unwrap());
    }
    assert_eq!(
        (Matrix::new(&[[-4.0]]).det(), Matrix::new(&[[-4.0]]).inverse()),
        (Ok(-4.0), Ok(Matrix::new(&[[-0.25]])))
    );
    // Exchanges of rows at two steps: the cyclic permutation of three has the sign +1, and its transpose as inverse.
    let cycle = Matrix::new(&[[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
    assert_eq!((cycle.det(), cycle.inverse()), (Ok(1.0), Ok(cycle.transpose())));
    // Without a pivot search the first step would divide by 0.
    let swap = Matrix::new(&[[0.0, 1.0], [1.0, 0.0]]);
    assert_eq!((swap.det(), swap.inverse()), (Ok(-1.0), Ok(swap.clone())));
}

#[test]
fn the_cholesky_factor_is_lower_triangular_and_its_square_is_the_matrix() {
    for n in 1..8 {
        let a = random_covariance(n, n as u64);
        let l = a.cholesky().unwrap();
        all_close(&l.dot(&l.transpose()), &a);
        assert!((0..n).all(|i| l[(i, i)] > 0.0 && (i + 1..n).all(|j| l[(i, j)] == 0.0)));
    }
}

#[test]
fn an_undefined_operation_is_an_error() {
    let wide = Matrix::zeros(2, 3);
    for error in [wide.det().err(), wide.inverse().err(), wide.cholesky().err()] {
        assert_eq!(error.unwrap().to_string(), "a 2 x 3 matrix is not square");
    }
    let singular = "the matrix is singular: its columns are linearly dependent, so it has no inverse";
    let singular_matrix = Matrix::new(&[[1.0, 2.0], [2.0, 4.0]]);
    assert_eq!(singular_matrix.inverse().unwrap_err().to_string(), singular);
    assert_eq!(singular_matrix.det(), Ok(0.0));
    // Elimination leaves a rounding error here, not 0.
    let counted = Matrix::new(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
    assert_eq!((counted.det(), counted.inverse()), (Ok(0.0), Err(MatrixError::Singular)));
    for singular in [Matrix::zeros(1, 1), Matrix::zeros(3, 3)] {
        assert_eq!((singular.det(), singular.inverse()), (Ok(0.0), Err(MatrixError::Singular)));
    }
    // Rows or columns of very different units are no reason to refuse: (1, 1), (1, -1) with rows times 1e20 and 1e-20.
    let rows = Matrix::new(&[[1e20, 1e20], [1e-20, -1e-20]]);
    close(rows.det().unwrap(), -2.0);
    close(rows.inverse().unwrap()[(0, 0)] * 1e20, 0.5);
    close(rows.inverse().unwrap()[(1, 1)], -0.5e20);
    close(rows.transpose().inverse().unwrap()[(1, 1)], -0.5e20);
    let units = Matrix::new(&[[1e20, 0.0], [0.0, 1e-20]]);
    close(units.inverse().unwrap()[(1, 1)], 1e20);
    let nan = Matrix::new(&[[1.0, 2.0], [f64::NAN, 4.0]]);
    assert_eq!(nan.det().unwrap_err().to_string(), "the matrix is not finite: NaN in row 1, column 0");
}

#[test]
#[should_panic(expected = "dot: (2, 3) x (2, 3): inner sizes 3 and 2 differ")]
fn products_of_other_sizes_are_refused() {
    Matrix::zeros(2, 3).dot(&Matrix::zeros(2, 3));
}

#[test]
#[should_panic(expected = "mul: the shapes (2, 3) and (3, 2) differ")]
fn shapes_that_differ_are_refused() {
    let _ = &Matrix::zeros(2, 3) * &Matrix::zeros(3, 2);
}

/// mu, Sigma, x and `scipy.stats.multivariate_normal.logpdf` (SciPy 1.17).
#[test]
fn densities_are_scipy_s_to_twelve_digits() {
    let check = |mean: &[f64], covariance: &Matrix, points: &[(&[f64], f64)]| {
        let normal = MultivariateNormal::new(mean.to_vec(), covariance.clone()).unwrap();
        for &(x, log_pdf) in points {
            close(normal.log_pdf(x), log_pdf);
            assert!((normal.pdf(x) / log_pdf.exp() - 1.0).abs() < 1e-12 || log_pdf < -700.0);
        }
    };
    let [a, b]: [&[f64]; 2] = [&[0.0, 0.0], &[1.0, 2.0]];
    let unit = [(a, -4.337877066409345), (b, -1.8378770664093453), (&[-30.0, 40.0], -1204.3378770664094)];
    check(&[1.0, 2.0], &Matrix::identity(2), &unit);
    let correlated =
        [(a, -1.9363261222781203), (&[1.5, -2.0], -6.219293155245154), (&[1000.0, -1000.0], -1702353.5846777705)];
    check(&[0.5, -0.2], &Matrix::new(&[[2.0, 0.3], [0.3, 0.5]]), &correlated);
    let people = Matrix::new(&[[23.33145108, 12.84736477], [12.84736477, 27.97658708]]);
    let points: [(&[f64], f64); 2] = [(&[172.0, 60.0], -5.12347775321763), (&[150.0, 90.0], -64.11430864747936)];
    check(&[172.70250854, 57.6422088], &people, &points);
    check(&[3.0], &Matrix::new(&[[4.0]]), &[(&[0.0], -2.737085713764618), (&[-77.0], -801.6120857137646)]);
    let three = Matrix::new(&[[4.0, 1.0, -0.5], [1.0, 2.0, 0.25], [-0.5, 0.25, 1.0]]);
    let points: [(&[f64], f64); 2] = [(&[0.0; 3], -5.652695334228051), (&[5.0, -6.0, 2.0], -19.23082033422808)];
    check(&[1.0, -2.0, 0.25], &three, &points);
    let mut five = Matrix::from_data(5, 5, vec![0.5; 25]);
    (0..5).for_each(|i| five[(i, i)] += (i + 1) as f64);
    let points: [(&[f64], f64); 2] =
        [(&[1.0, -1.0, 2.0, -2.0, 3.0], -9.998608140377586), (&[9.0; 5], -50.548219035319214)];
    check(&[0.0; 5], &five, &points);
}

#[test]
fn the_book_s_density_at_the_origin() {
    let normal = MultivariateNormal::new(vec![1.0, 2.0], Matrix::identity(2)).unwrap();
    close(normal.pdf(&[0.0, 0.0]), 0.013064233284684921);
    close(normal.log_normalization(), normal.log_pdf(normal.mean()));
}

/// Standard errors of a covariance C_ij from n draws: sqrt((C_ii C_jj + C_ij^2) / n).
#[test]
fn a_fit_to_draws_finds_their_distribution() {
    let n = 50_000;
    let covariance = Matrix::new(&[[4.0, 1.0, -0.5], [1.0, 2.0, 0.25], [-0.5, 0.25, 1.0]]);
    let truth = MultivariateNormal::new(vec![10.0, -4.0, 0.5], covariance).unwrap();
    let mut rng = Rng::new(0, "test", 0);
    let draws: Vec<f64> = (0..n).flat_map(|_| truth.sample(&mut rng)).collect();
    let fitted = MultivariateNormal::fit(&Matrix::from_data(n, 3, draws)).unwrap();
    let c = truth.covariance();
    for i in 0..3 {
        let allowed = 5.0 * (c[(i, i)] / n as f64).sqrt();
        assert!((fitted.mean()[i] - truth.mean()[i]).abs() < allowed, "{fitted:?}");
        for j in 0..3 {
            let allowed = 5.0 * ((c[(i, i)] * c[(j, j)] + c[(i, j)].powi(2)) / n as f64).sqrt();
            assert!((fitted.covariance()[(i, j)] - c[(i, j)]).abs() < allowed, "{fitted:?}");
        }
    }
}

#[test]
fn the_fit_divides_by_n() {
    let fitted = MultivariateNormal::fit(&Matrix::new(&[[0.0, 1.0], [2.0, 1.0], [0.0, 4.0], [2.0, 10.0]])).unwrap();
    assert_eq!(fitted.mean(), [1.0, 4.0]);
    assert_eq!(fitted.covariance(), &Matrix::new(&[[1.0, 1.5], [1.5, 13.5]]));
}

#[test]
fn an_invalid_mean_or_covariance_is_an_error() {
    let error = |mean: &[f64], covariance: Matrix| {
        MultivariateNormal::new(mean.to_vec(), covariance).expect_err("no distribution").to_string()
    };
    let zero = [0.0, 0.0];
    assert_eq!(
        error(&[0.0; 3], Matrix::identity(2)),
        "the mean has 3 coordinates, but the covariance is 2 x 2: expected 3 x 3"
    );
    assert_eq!(
        error(&[0.0, f64::INFINITY], Matrix::identity(2)),
        "coordinate 1 (counted from 0) of the mean is inf: expected a finite number"
    );
    assert_eq!(error(&zero, Matrix::zeros(2, 3)), "not a covariance: a 2 x 3 matrix is not square");
    assert_eq!(
        error(&zero, Matrix::new(&[[1.0, f64::NAN], [0.0, 1.0]])),
        "not a covariance: the matrix is not finite: NaN in row 0, column 1"
    );
    assert_eq!(
        error(&zero, Matrix::new(&[[1.0, 0.5], [0.4, 1.0]])),
        "not a covariance: the matrix is not symmetric: 0.4 in row 1, column 0, but 0.5 in row 0, column 1"
    );
    let left = "not a covariance: the matrix is singular or not positive definite: given the coordinates before it, coordinate";
    assert_eq!(error(&zero, Matrix::new(&[[1.0, 2.0], [2.0, 4.0]])), format!("{left} 1 is left with variance 0e0"));
    assert_eq!(error(&zero, Matrix::new(&[[1.0, 2.0], [2.0, 1.0]])), format!("{left} 1 is left with variance -3e0"));
    assert_eq!(error(&zero, Matrix::zeros(2, 2)), format!("{left} 0 is left with variance 0e0"));
    // A third of the rounding error of a singular matrix is no variance.
    assert!(error(&zero, Matrix::new(&[[0.1, 0.3], [0.3, 0.9]])).starts_with(left));
}

#[test]
fn a_fit_without_a_solution_is_an_error() {
    let error = |x: Matrix| MultivariateNormal::fit(&x).expect_err("no fit").to_string();
    assert_eq!(error(Matrix::zeros(0, 2)), "a normal distribution is fitted to at least one point, found none");
    assert_eq!(
        error(Matrix::new(&[[1.0, 2.0], [3.0, f64::NAN]])),
        "point 1 has coordinate 1 = NaN (both counted from 0): expected finite numbers"
    );
    let on_a_line: Vec<[f64; 2]> = (0..10).map(f64::from).map(|x| [0.1 * x, 0.3 * x]).collect();
    assert!(error(Matrix::new(&on_a_line)).contains("singular or not positive definite"));
}

#[test]
#[should_panic(expected = "log_pdf: x has 3 coordinates, the distribution 2")]
fn a_point_of_another_size_is_refused() {
    MultivariateNormal::new(vec![0.0; 2], Matrix::identity(2)).unwrap().log_pdf(&[0.0; 3]);
}
