//! Transpose, determinant, inverse and Cholesky factor: the linear algebra of the multivariate normal density.

use super::Matrix;
use crate::common::cli::Common;
use anyhow::Result;

/// Prints the examples.
///
/// # Errors
/// If an operation is undefined for its matrix, which happens in none of the examples.
pub fn run(_common: &Common) -> Result<()> {
    // The transpose: rows become columns.
    let a = Matrix::new(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    println!("\nThe transpose of A =\n{a}\nis A^T =\n{}", a.transpose());

    // The determinant of a 2 x 2 matrix is ad - bc: here 3 * 6 - 4 * 5.
    let a = Matrix::new(&[[3.0, 4.0], [5.0, 6.0]]);
    println!("\nThe determinant of A =\n{a}\nis det A = {:.4}", a.det()?);

    // The inverse: A A^-1 = I.
    let a = Matrix::new(&[[0.5, 1.0], [2.0, 3.0]]);
    let inverse = a.inverse()?;
    println!("\nThe inverse of A =\n{a}\nis A^-1 =\n{inverse:.4}\nwith A A^-1 =\n{:.4}", a.dot(&inverse));

    // A singular matrix has none: it maps the plane to a line, so that many points have the same image.
    let singular = Matrix::new(&[[1.0, 2.0], [2.0, 4.0]]);
    println!("\nA matrix without an inverse, A =\n{singular}\nwith det A = {}:", singular.det()?);
    if let Err(error) = singular.inverse() {
        println!("{error}");
    }

    // The Cholesky factor of a covariance: the lower triangular L with L L^T = Sigma. It replaces determinant and inverse:
    // det Sigma is the square of the product of its diagonal, and L z = x is solved by forward substitution.
    let sigma = Matrix::new(&[[4.0, 2.0], [2.0, 3.0]]);
    let l = sigma.cholesky()?;
    println!("\nThe Cholesky factor of Sigma =\n{sigma}\nis L =\n{l:.4}\nwith L L^T =\n{:.4}", l.dot(&l.transpose()));
    println!("det Sigma = {:.4} = ({:.4} * {:.4})^2", sigma.det()?, l[(0, 0)], l[(1, 1)]);
    Ok(())
}
