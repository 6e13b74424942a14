//! The derivative of y = 3 x^2.

use crate::common::cli::Common;
use anyhow::Result;
use tsukuru::variable::Variable;

pub fn run(_common: &Common) -> Result<()> {
    let x = Variable::parameter(5.0);
    let y = 3.0 * x.square();
    y.backward();
    println!("y = 3 x^2 = {} at x = {}", y.item(), x.item());

    // dy/dx = 6 x
    let dx = x.grad();
    println!("dy/dx = {}", dx.item());
    Ok(())
}
