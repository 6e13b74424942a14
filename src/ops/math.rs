//! Functions of one number, applied to every element: y has x's shape.

use super::{map, zip};
use crate::Real;
use crate::graph::Save::{Input, Output};
use crate::graph::record;
use crate::kernels::{Binary, Unary};
use crate::variable::Variable;

impl Variable {
    /// y = e^x,  dx = gy y
    #[track_caller]
    pub fn exp(&self) -> Variable {
        record("exp", &[self], &[Output], map(Unary::Exp, self), |gy, ctx| vec![Some(gy * ctx.y())])
    }

    /// y = ln x,  dx = gy / x
    #[track_caller]
    pub fn ln(&self) -> Variable {
        record("ln", &[self], &[Input(0)], map(Unary::Ln, self), |gy, ctx| vec![Some(gy / ctx.x(0))])
    }

    /// y = sqrt(x),  dx = gy / (2 y)
    #[track_caller]
    pub fn sqrt(&self) -> Variable {
        record("sqrt", &[self], &[Output], map(Unary::Sqrt, self), |gy, ctx| vec![Some(gy / ctx.y() * 0.5)])
    }

    /// y = sin x,  dx = gy cos x
    #[track_caller]
    pub fn sin(&self) -> Variable {
        record("sin", &[self], &[Input(0)], map(Unary::Sin, self), |gy, ctx| vec![Some(gy * ctx.x(0).cos())])
    }

    /// y = cos x,  dx = -gy sin x
    #[track_caller]
    pub fn cos(&self) -> Variable {
        record("cos", &[self], &[Input(0)], map(Unary::Cos, self), |gy, ctx| vec![Some(-gy * ctx.x(0).sin())])
    }

    /// y = tanh x,  dx = gy (1 - y^2)
    #[track_caller]
    pub fn tanh(&self) -> Variable {
        record("tanh", &[self], &[Output], map(Unary::Tanh, self), |gy, ctx| vec![Some(gy * (1.0 - ctx.y().square()))])
    }

    /// y = x^2,  dx = 2 gy x
    #[track_caller]
    pub fn square(&self) -> Variable {
        record("square", &[self], &[Input(0)], map(Unary::Square, self), |gy, ctx| vec![Some(gy * ctx.x(0) * 2.0)])
    }

    /// y = x^p for a constant p,  dx = gy p x^(p-1)
    #[track_caller]
    pub fn pow(&self, p: Real) -> Variable {
        let y = map(Unary::Pow(p), self);
        record("pow", &[self], &[Input(0)], y, move |gy, ctx| match p {
            0.0 => vec![Some(gy * 0.0)], // x^-1 is infinite at 0
            p => vec![Some(gy * ctx.x(0).pow(p - 1.0) * p)],
        })
    }

    /// y = |x|,  dx = gy sign(x), 0 where x is 0
    #[track_caller]
    pub fn abs(&self) -> Variable {
        let y = map(Unary::Abs, self);
        record("abs", &[self], &[Input(0)], y, |gy, ctx| vec![Some(gy * Variable::new(map(Unary::Sign, &ctx.x(0))))])
    }

    /// y = min(max(x, low), high),  dx = gy where low < x < high, else 0. NaN stays NaN.
    #[track_caller]
    pub fn clamp(&self, low: Real, high: Real) -> Variable {
        let y = map(Unary::Clamp(low, high), self);
        record("clamp", &[self], &[Input(0)], y, move |gy, ctx| {
            vec![Some(gy.masked(Binary::WhereWithin(low, high), ctx.x(0)))]
        })
    }

    /// y = x where `mask` says so, else 0; dx likewise. `op` is a WherePositive or WhereWithin; the mask is a constant.
    #[track_caller]
    pub(super) fn masked(&self, op: Binary, mask: Variable) -> Variable {
        let (y, mask) = (zip("masked", op, self, &mask), mask.value().clone());
        record("masked", &[self], &[], y, move |gy, _| vec![Some(gy.masked(op, Variable::new(mask.clone())))])
    }
}
