//! [`Matrix`]: just enough linear algebra for normal distributions.

use std::fmt;
use std::ops::{Add, Index, IndexMut, Mul};

/// A matrix of f64, row by row.
#[derive(Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    data: Vec<f64>,
}

/// Why a matrix operation failed. Rows and columns count from 0.
#[derive(Clone, PartialEq, thiserror::Error)]
pub enum MatrixError {
    #[error("a {rows} x {cols} matrix is not square")]
    NotSquare { rows: usize, cols: usize },

    #[error("the matrix is not finite: {value} in row {row}, column {col}")]
    NotFinite { row: usize, col: usize, value: f64 },

    #[error("the matrix is singular: its columns are linearly dependent, so it has no inverse")]
    Singular,

    #[error(
        "the matrix is not symmetric: {value} in row {row}, column {col}, but {mirrored} in row {col}, column {row}"
    )]
    NotSymmetric { row: usize, col: usize, value: f64, mirrored: f64 },

    #[error(
        "the matrix is singular or not positive definite: given the coordinates before it, \
         coordinate {coordinate} is left with variance {variance:e}"
    )]
    NotPositiveDefinite { coordinate: usize, variance: f64 },
}

tsukuru::debug_as_display!(MatrixError);

impl Matrix {
    /// The matrix of the given rows.
    pub fn new<const COLS: usize>(rows: &[[f64; COLS]]) -> Matrix {
        Matrix::from_data(rows.len(), COLS, rows.concat())
    }

    /// The matrix (rows, cols) whose numbers stand in `data`, row by row.
    ///
    /// # Panics
    /// If there are not rows x cols numbers.
    #[track_caller]
    pub fn from_data(rows: usize, cols: usize, data: Vec<f64>) -> Matrix {
        assert_eq!(data.len(), rows * cols, "Matrix: a {rows} x {cols} matrix does not hold {} numbers", data.len());
        Matrix { rows, cols, data }
    }

    /// (rows, cols), all 0.
    pub fn zeros(rows: usize, cols: usize) -> Matrix {
        Matrix { rows, cols, data: vec![0.0; rows * cols] }
    }

    /// (n, n), 1 on the diagonal and 0 elsewhere.
    pub fn identity(n: usize) -> Matrix {
        let mut eye = Matrix::zeros(n, n);
        (0..n).for_each(|i| eye[(i, i)] = 1.0);
        eye
    }

    /// (rows, columns).
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }

    /// All numbers, row by row.
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// Row i, from 0.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.cols..][..self.cols]
    }

    /// The rows in order.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        (0..self.rows).map(|i| self.row(i))
    }

    /// Every number times `factor`.
    pub fn scale(&self, factor: f64) -> Matrix {
        Matrix { data: self.data.iter().map(|x| x * factor).collect(), ..*self }
    }

    /// A^T: rows become columns.
    pub fn transpose(&self) -> Matrix {
        let mut transposed = Matrix::zeros(self.cols, self.rows);
        for i in 0..self.rows {
            for j in 0..self.cols {
                transposed[(j, i)] = self[(i, j)];
            }
        }
        transposed
    }

    /// The matrix product: (A B)_ij = sum over k of A_ik B_kj.
    ///
    /// # Panics
    /// If A has not as many columns as B has rows.
    #[track_caller]
    pub fn dot(&self, other: &Matrix) -> Matrix {
        let ((n, m), (k, p)) = (self.shape(), other.shape());
        assert_eq!(m, k, "dot: ({n}, {m}) x ({k}, {p}): inner sizes {m} and {k} differ");
        let mut product = Matrix::zeros(n, p);
        for i in 0..n {
            for j in 0..p {
                product[(i, j)] = (0..m).map(|k| self[(i, k)] * other[(k, j)]).sum();
            }
        }
        product
    }

    /// det A: by how much the map x -> A x stretches areas (volumes, ...); negative if it also mirrors. It is 0 for every
    /// matrix that [`inverse`](Self::inverse) calls singular.
    ///
    /// # Errors
    /// If the matrix is not square or not finite.
    pub fn det(&self) -> Result<f64, MatrixError> {
        match self.det_and_inverse() {
            Err(MatrixError::Singular) => Ok(0.0),
            result => result.map(|(det, _)| det),
        }
    }

    /// A^-1, so that A^-1 A is the identity.
    ///
    /// # Errors
    /// If the matrix is not square, not finite or singular: of determinant 0, up to rounding.
    pub fn inverse(&self) -> Result<Matrix, MatrixError> {
        self.det_and_inverse().map(|(_, inverse)| inverse)
    }

    /// Gauss-Jordan elimination with partial pivoting (Golub and Van Loan, Matrix Computations, section 3.4): the row
    /// operations that make A diagonal, and then the identity, make A^-1 of the identity. det A is the product of the
    /// pivots, and each exchange of two rows changes its sign.
    fn det_and_inverse(&self) -> Result<(f64, Matrix), MatrixError> {
        self.check_square()?;
        let n = self.rows;
        let (mut a, mut inverse, mut det) = (self.clone(), Matrix::identity(n), 1.0);
        // Every number of `a` is a sum; this is the sum of the sizes of its terms, to which its rounding error is relative.
        let mut sizes = Matrix { data: self.data.iter().map(|x| x.abs()).collect(), ..*self };
        for k in 0..n {
            let largest = (k..n).max_by(|&i, &j| a[(i, k)].abs().total_cmp(&a[(j, k)].abs())).expect("k < n");
            [&mut a, &mut inverse, &mut sizes].into_iter().for_each(|matrix| matrix.swap_rows(k, largest));
            let pivot = a[(k, k)];
            if pivot.abs() <= n as f64 * f64::EPSILON * sizes[(k, k)] {
                return Err(MatrixError::Singular);
            }
            det *= if largest == k { pivot } else { -pivot };
            for i in (0..n).filter(|&i| i != k) {
                let factor = a[(i, k)] / pivot;
                for j in k + 1..n {
                    let term = factor * a[(k, j)];
                    a[(i, j)] -= term;
                    sizes[(i, j)] += term.abs();
                }
                (0..n).for_each(|j| inverse[(i, j)] -= factor * inverse[(k, j)]);
            }
        }
        (0..n).for_each(|i| (0..n).for_each(|j| inverse[(i, j)] /= a[(i, i)]));
        Ok((det, inverse))
    }

    fn swap_rows(&mut self, i: usize, j: usize) {
        (0..self.cols).for_each(|col| self.data.swap(i * self.cols + col, j * self.cols + col));
    }

    /// The lower triangular L with L L^T = A (Cholesky). It exists for the symmetric, positive definite matrices, which
    /// are the covariances that have a density.
    ///
    /// # Errors
    /// If the matrix is not square, not finite, not symmetric (to 1e-8 of its diagonal), or not positive definite.
    pub fn cholesky(&self) -> Result<Matrix, MatrixError> {
        self.check_square()?;
        let n = self.rows;
        let mut l = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..=i {
                let (value, mirrored) = (self[(i, j)], self[(j, i)]);
                let scale = (self[(i, i)].abs().sqrt() * self[(j, j)].abs().sqrt()).max(value.abs());
                if (value - mirrored).abs() > 1e-8 * scale {
                    return Err(MatrixError::NotSymmetric { row: i, col: j, value, mirrored });
                }
                // A_ij = sum over k <= j of L_ik L_jk, solved for its last term
                let rest = value - (0..j).map(|k| l[(i, k)] * l[(j, k)]).sum::<f64>();
                if i > j {
                    l[(i, j)] = rest / l[(j, j)];
                } else if rest > n as f64 * f64::EPSILON * value {
                    l[(i, i)] = rest.sqrt();
                } else {
                    return Err(MatrixError::NotPositiveDefinite { coordinate: i, variance: rest });
                }
            }
        }
        Ok(l)
    }

    /// Refuses a matrix that is not square or not finite.
    pub(super) fn check_square(&self) -> Result<(), MatrixError> {
        let (rows, cols) = self.shape();
        if rows != cols {
            return Err(MatrixError::NotSquare { rows, cols });
        }
        match self.data.iter().position(|x| !x.is_finite()) {
            Some(i) => Err(MatrixError::NotFinite { row: i / cols, col: i % cols, value: self.data[i] }),
            None => Ok(()),
        }
    }

    /// Where the number in this row and column stands in `data`.
    #[track_caller]
    fn offset(&self, (row, col): (usize, usize)) -> usize {
        let (rows, cols) = self.shape();
        assert!(row < rows && col < cols, "({row}, {col}) lies outside a {rows} x {cols} matrix");
        row * cols + col
    }

    /// The number-by-number combination of two matrices of one shape.
    #[track_caller]
    fn zip(&self, name: &str, other: &Matrix, f: impl Fn(f64, f64) -> f64) -> Matrix {
        let (a, b) = (self.shape(), other.shape());
        assert_eq!(a, b, "{name}: the shapes {a:?} and {b:?} differ");
        Matrix { data: self.data.iter().zip(&other.data).map(|(&a, &b)| f(a, b)).collect(), ..*self }
    }
}

impl Index<(usize, usize)> for Matrix {
    type Output = f64;

    #[track_caller]
    fn index(&self, place: (usize, usize)) -> &f64 {
        &self.data[self.offset(place)]
    }
}

impl IndexMut<(usize, usize)> for Matrix {
    #[track_caller]
    fn index_mut(&mut self, place: (usize, usize)) -> &mut f64 {
        let offset = self.offset(place);
        &mut self.data[offset]
    }
}

/// Number by number.
impl Add for &Matrix {
    type Output = Matrix;

    #[track_caller]
    fn add(self, other: &Matrix) -> Matrix {
        self.zip("add", other, |a, b| a + b)
    }
}

/// Number by number, as in NumPy; the matrix product is [`Matrix::dot`].
impl Mul for &Matrix {
    type Output = Matrix;

    #[track_caller]
    fn mul(self, other: &Matrix) -> Matrix {
        self.zip("mul", other, |a, b| a * b)
    }
}

/// `[[1, 2], [3, 4]]`, a row per line; `{:.3}` rounds the numbers, and columns are aligned.
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let words: Vec<String> = self
            .data
            .iter()
            .map(|x| f.precision().map_or_else(|| x.to_string(), |digits| format!("{x:.digits$}")))
            .collect();
        let width = words.iter().map(String::len).max().unwrap_or(0);
        let lines: Vec<String> = (0..self.rows)
            .map(|i| words[i * self.cols..][..self.cols].iter().map(|word| format!("{word:>width$}")))
            .map(|row| format!("[{}]", row.collect::<Vec<_>>().join(", ")))
            .collect();
        write!(f, "[{}]", lines.join(",\n "))
    }
}

impl fmt::Debug for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
