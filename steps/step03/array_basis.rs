//! Vectors and matrices: number by number, and as products.

use super::Matrix;
use crate::common::cli::Common;
use anyhow::Result;

pub fn run(_common: &Common) -> Result<()> {
    // A vector is a matrix of one row.
    let x = Matrix::new(&[[1.0, 2.0, 3.0]]);
    println!("A vector of shape {:?}, x =\n{x}", x.shape());

    let w = Matrix::new(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let v = Matrix::new(&[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]);
    println!("A matrix of shape {:?}, W =\n{w}", w.shape());

    // Number by number: both have one shape, and so has the result.
    println!("Another, V =\n{v}\nNumber by number, W + V =\n{}", &w + &v);
    println!("and W * V =\n{}", &w * &v);

    // The inner product of two vectors: x . y = sum over i of x_i y_i
    let y = Matrix::new(&[[4.0, 5.0, 6.0]]);
    println!("\nThe inner product of x and {y}: {}", x.dot(&y.transpose())[(0, 0)]);

    // The matrix product: each row of A with each column of B, so A must be as wide as B is high.
    let a = Matrix::new(&[[1.0, 2.0], [3.0, 4.0]]);
    let b = Matrix::new(&[[5.0, 6.0], [7.0, 8.0]]);
    println!("\nThe matrix product of A =\n{a}\nand B =\n{b}\nis A B =\n{}", a.dot(&b));
    Ok(())
}
