//! Activation functions, number by number (y has x's shape), and the softmax family.

use super::reduce::{Axes, keepdim};
use super::{map, zip};
use crate::Real;
use crate::graph::Save::{Input, Output};
use crate::graph::record;
use crate::kernels::{Binary, Unary};
use crate::variable::Variable;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

impl Variable {
    /// The rectified linear unit (Nair and Hinton, 2010): y = max(x, 0),  dx = gy where y > 0, else 0. NaN stays NaN.
    #[track_caller]
    pub fn relu(&self) -> Variable {
        let y = map(Unary::Relu, self);
        record("relu", &[self], &[Output], y, |gy, ctx| vec![Some(gy.masked(Binary::WherePositive, ctx.y()))])
    }

    /// The leaky ReLU (Maas, Hannun and Ng, 2013): y = x where x > 0, slope x elsewhere;  dx = gy or slope gy likewise
    #[track_caller]
    pub fn leaky_relu(&self, slope: Real) -> Variable {
        let sign = Variable::new(map(Unary::Sign, self)); // 1, 0 or -1
        self.masked(Binary::WherePositive, sign.clone()) + (self * slope).masked(Binary::WherePositive, 1.0 - sign)
    }

    /// The logistic function: y = 1 / (1 + e^-x),  dx = gy y (1 - y)
    #[track_caller]
    pub fn sigmoid(&self) -> Variable {
        record("sigmoid", &[self], &[Output], map(Unary::Sigmoid, self), |gy, ctx| {
            vec![Some(gy * ctx.y() * (1.0 - ctx.y()))]
        })
    }

    /// y = ln(1 + e^x),  dx = gy sigmoid(x)
    #[track_caller]
    pub fn softplus(&self) -> Variable {
        record("softplus", &[self], &[Input(0)], map(Unary::Softplus, self), |gy, ctx| {
            vec![Some(gy * ctx.x(0).sigmoid())]
        })
    }

    /// The sigmoid linear unit (Hendrycks and Gimpel, 2016), also called swish: y = x s with s = sigmoid(x),
    /// dx = gy (s + x s (1 - s))
    #[track_caller]
    pub fn silu(&self) -> Variable {
        record("silu", &[self], &[Input(0)], map(Unary::Silu, self), |gy, ctx| {
            let x = ctx.x(0);
            if !ctx.create_graph() {
                return vec![Some(zip("silu", Binary::SiluDx, &gy, &x).into())];
            }
            let s = x.sigmoid();
            vec![Some(gy * (&s + x * &s * (1.0 - &s)))]
        })
    }

    /// The Gaussian error linear unit (Hendrycks and Gimpel, 2016): y = x P with P = P(N(0, 1) <= x) =
    /// (1 + erf(x / sqrt 2)) / 2,  dx = gy (P + x e^(-x^2 / 2) / sqrt(2 pi))
    #[track_caller]
    pub fn gelu(&self) -> Variable {
        record("gelu", &[self], &[Input(0)], map(Unary::Gelu, self), |gy, ctx| {
            let x = ctx.x(0);
            if !ctx.create_graph() {
                return vec![Some(zip("gelu", Binary::GeluDx, &gy, &x).into())];
            }
            let p = ((&x * FRAC_1_SQRT_2 as Real).erf() + 1.0) * 0.5;
            let density = (x.square() * -0.5).exp() * (0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI) as Real;
            vec![Some(gy * (p + x * density))]
        })
    }

    /// The error function, y = 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x;  dx = gy 2 / sqrt(pi) e^(-x^2)
    #[track_caller]
    pub fn erf(&self) -> Variable {
        record("erf", &[self], &[Input(0)], map(Unary::Erf, self), |gy, ctx| {
            vec![Some(gy * (-ctx.x(0).square()).exp() * FRAC_2_SQRT_PI as Real)]
        })
    }

    /// y = e^x / (sum of e^x along `axis`), of x's shape. The largest x is subtracted first, so that nothing overflows.
    /// Infinite numbers, and rows of nothing but -inf, give NaN.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn softmax(&self, axis: isize) -> Variable {
        let exp = (self - self.detached_max("softmax", axis)).exp();
        let sum = exp.sum(keepdim(axis));
        exp / sum
    }

    /// y = ln softmax(x) along `axis`, of x's shape; never the logarithm of 0, as `x.softmax(axis).ln()` may be.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn log_softmax(&self, axis: isize) -> Variable {
        let x = self - self.detached_max("log_softmax", axis);
        &x - x.exp().sum(keepdim(axis)).ln()
    }

    /// y = ln(sum of e^x over `axes`), without overflow.
    ///
    /// # Panics
    /// If one of the axes does not exist or is named twice.
    #[track_caller]
    pub fn logsumexp(&self, axes: impl Into<Axes>) -> Variable {
        let axes = axes.into();
        let max = self.detached_max("logsumexp", axes.clone()).clamp(Real::MIN, Real::MAX); // inf - inf would be NaN
        let sum = (self - &max).exp().sum(axes).ln();
        let max = max.reshape(sum.shape());
        sum + max
    }
}
