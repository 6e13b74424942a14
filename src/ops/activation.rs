//! What stands between layers.

use super::map;
use crate::function::{Y, record};
use crate::kernels::{Binary, Unary};
use crate::variable::Variable;

impl Variable {
    /// y = max(x, 0),  dx = gy where y > 0, else 0. NaN stays NaN.
    pub fn relu(&self) -> Variable {
        let y = map(Unary::Relu, self);
        record("relu", &[self], Y, y, |gy, c| vec![Some(gy.gated(Binary::WherePositive, c.y()))])
    }

    /// y = 1 / (1 + e^-x),  dx = gy y (1 - y)
    pub fn sigmoid(&self) -> Variable {
        record("sigmoid", &[self], Y, map(Unary::Sigmoid, self), |gy, c| vec![Some(gy * c.y() * (1.0 - c.y()))])
    }
}
