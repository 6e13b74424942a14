//! Vectors and matrices: elementwise operations, the inner product and the matrix product.

use super::Matrix;
use crate::common::cli::Common;
use anyhow::Result;

/// Prints the examples.
pub fn run(_common: &Common) -> Result<()> {
    // A vector is a matrix of one row.
    let x = Matrix::new(&[[1.0, 2.0, 3.0]]);
    println!("A vector of shape {:?}, x =\n{x}", x.shape());

    let w = Matrix::new(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let v = Matrix::new(&[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]);
    println!("A matrix of shape {:?}, W =\n{w}", w.shape());

    // Elementwise: both matrices and the result have the same shape.
    println!("Another, V =\n{v}\nElementwise, W + V =\n{}", &w + &v);
    println!("and W * V =\n{}", &w * &v);

    // The inner product of two vectors: x . y = sum over i of x_i y_i
    let y = Matrix::new(&[[4.0, 5.0, 6.0]]);
    println!("\nThe inner product of x and {y}: {}", x.dot(&y.transpose())[(0, 0)]);

    // The matrix product: the inner product of each row of A with each column of B. A has as many columns as B has rows.
    let a = Matrix::new(&[[1.0, 2.0], [3.0, 4.0]]);
    let b = Matrix::new(&[[5.0, 6.0], [7.0, 8.0]]);
    println!("\nThe matrix product of A =\n{a}\nand B =\n{b}\nis A B =\n{}", a.dot(&b));
    Ok(())
}
