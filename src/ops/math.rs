//! Functions of one number, applied to every element.

use super::{map, zip};
use crate::Real;
use crate::graph::{NOTHING, X0, Y, record};
use crate::kernels::{Binary, Unary};
use crate::variable::Variable;

impl Variable {
    /// y = e^x,  dx = gy y
    pub fn exp(&self) -> Variable {
        record("exp", &[self], Y, map(Unary::Exp, self), |gy, c| vec![Some(gy * c.y())])
    }

    /// y = ln x,  dx = gy / x
    pub fn ln(&self) -> Variable {
        record("ln", &[self], X0, map(Unary::Ln, self), |gy, c| vec![Some(gy / c.x(0))])
    }

    /// y = sqrt(x),  dx = gy / (2 y)
    pub fn sqrt(&self) -> Variable {
        record("sqrt", &[self], Y, map(Unary::Sqrt, self), |gy, c| vec![Some(gy / c.y() * 0.5)])
    }

    /// y = sin x,  dx = gy cos x
    pub fn sin(&self) -> Variable {
        record("sin", &[self], X0, map(Unary::Sin, self), |gy, c| vec![Some(gy * c.x(0).cos())])
    }

    /// y = cos x,  dx = -gy sin x
    pub fn cos(&self) -> Variable {
        record("cos", &[self], X0, map(Unary::Cos, self), |gy, c| vec![Some(-gy * c.x(0).sin())])
    }

    /// y = tanh x,  dx = gy (1 - y^2)
    pub fn tanh(&self) -> Variable {
        record("tanh", &[self], Y, map(Unary::Tanh, self), |gy, c| vec![Some(gy * (1.0 - c.y().square()))])
    }

    /// y = x^2,  dx = 2 gy x
    pub fn square(&self) -> Variable {
        record("square", &[self], X0, map(Unary::Square, self), |gy, c| vec![Some(gy * c.x(0) * 2.0)])
    }

    /// y = x^p for a constant p,  dx = gy p x^(p-1)
    pub fn pow(&self, p: Real) -> Variable {
        let y = map(Unary::Pow(p), self);
        record("pow", &[self], X0, y, move |gy, c| match p {
            0.0 => vec![Some(gy * 0.0)], // x^-1 is infinite at 0
            p => vec![Some(gy * c.x(0).pow(p - 1.0) * p)],
        })
    }

    /// y = |x|,  dx = gy sign(x), 0 at 0
    pub fn abs(&self) -> Variable {
        let y = map(Unary::Abs, self);
        record("abs", &[self], X0, y, |gy, c| vec![Some(gy * Variable::new(map(Unary::Sign, &c.x(0))))])
    }

    /// y = min(max(x, low), high),  dx = gy where low < x < high, else 0. NaN stays NaN.
    pub fn clamp(&self, low: Real, high: Real) -> Variable {
        let y = map(Unary::Clamp(low, high), self);
        record("clamp", &[self], X0, y, move |gy, c| vec![Some(gy.gated(Binary::WhereWithin(low, high), c.x(0)))])
    }

    /// y = x where the gate lets it through, else 0; dx likewise. The gate is a constant.
    pub(super) fn gated(&self, op: Binary, gate: Variable) -> Variable {
        let (y, gate) = (zip("gate", op, self, &gate), gate.value().clone());
        record("gate", &[self], NOTHING, y, move |gy, _| vec![Some(gy.gated(op, Variable::new(gate.clone())))])
    }
}
