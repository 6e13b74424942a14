//! Transpose, determinant, inverse and Cholesky's factor: what the normal density in many dimensions is made of.

use super::Matrix;
use crate::common::cli::Common;
use anyhow::Result;

pub fn run(_common: &Common) -> Result<()> {
    // The transpose: rows become columns.
    let a = Matrix::new(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    println!("\nThe transpose of A =\n{a}\nis A^T =\n{}", a.transpose());

    // The determinant of 2 x 2 numbers is ad - bc: here 3 * 6 - 4 * 5.
    let a = Matrix::new(&[[3.0, 4.0], [5.0, 6.0]]);
    println!("\nThe determinant of A =\n{a}\nis det A = {:.4}", a.det()?);

    // The inverse takes back what the matrix does.
    let a = Matrix::new(&[[0.5, 1.0], [2.0, 3.0]]);
    let inverse = a.inverse()?;
    println!("\nThe inverse of A =\n{a}\nis A^-1 =\n{inverse:.4}\nwith A A^-1 =\n{:.4}", a.dot(&inverse));

    // A singular matrix has none: it makes the plane a line, and nobody knows where on the line a point came from.
    let flat = Matrix::new(&[[1.0, 2.0], [2.0, 4.0]]);
    println!("\nA matrix without an inverse, A =\n{flat}\nwith det A = {}:", flat.det()?);
    if let Err(why) = flat.inverse() {
        println!("{why}");
    }

    // Cholesky's factor is the square root of a covariance: L L^T = Sigma. It replaces determinant and inverse:
    // det Sigma is the square of the product of L's diagonal, and L z = x is solved from the first row down.
    let sigma = Matrix::new(&[[4.0, 2.0], [2.0, 3.0]]);
    let l = sigma.cholesky()?;
    println!("\nThe factor of Sigma =\n{sigma}\nis L =\n{l:.4}\nwith L L^T =\n{:.4}", l.dot(&l.transpose()));
    println!("det Sigma = {:.4} = ({:.4} * {:.4})^2", sigma.det()?, l[(0, 0)], l[(1, 1)]);
    Ok(())
}
