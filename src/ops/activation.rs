//! What stands between layers, and the softmax family.

use super::map;
use super::reduce::keep;
use crate::Real;
use crate::graph::{X0, Y, record};
use crate::kernels::{Binary, Unary};
use crate::variable::Variable;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

impl Variable {
    /// y = max(x, 0),  dx = gy where y > 0, else 0. NaN stays NaN.
    pub fn relu(&self) -> Variable {
        let y = map(Unary::Relu, self);
        record("relu", &[self], Y, y, |gy, c| vec![Some(gy.gated(Binary::WherePositive, c.y()))])
    }

    /// y = x where x > 0, slope x elsewhere
    pub fn leaky_relu(&self, slope: Real) -> Variable {
        self.relu() - (-self).relu() * slope
    }

    /// y = 1 / (1 + e^-x),  dx = gy y (1 - y)
    pub fn sigmoid(&self) -> Variable {
        record("sigmoid", &[self], Y, map(Unary::Sigmoid, self), |gy, c| vec![Some(gy * c.y() * (1.0 - c.y()))])
    }

    /// y = ln(1 + e^x),  dx = gy sigmoid(x)
    pub fn softplus(&self) -> Variable {
        record("softplus", &[self], X0, map(Unary::Softplus, self), |gy, c| vec![Some(gy * c.x(0).sigmoid())])
    }

    /// y = x sigmoid(x)
    pub fn silu(&self) -> Variable {
        self * self.sigmoid()
    }

    /// y = x P(N(0, 1) <= x) = x (1 + erf(x / sqrt 2)) / 2
    pub fn gelu(&self) -> Variable {
        self * ((self * FRAC_1_SQRT_2 as Real).erf() + 1.0) * 0.5
    }

    /// y = erf(x),  dx = gy 2 / sqrt(pi) e^(-x^2)
    pub fn erf(&self) -> Variable {
        record("erf", &[self], X0, map(Unary::Erf, self), |gy, c| {
            vec![Some(gy * (-c.x(0).square()).exp() * FRAC_2_SQRT_PI as Real)]
        })
    }

    /// y = e^x / (sum of e^x along `axis`)
    #[track_caller]
    pub fn softmax(&self, axis: isize) -> Variable {
        let exp = (self - self.peak(axis)).exp();
        let sum = exp.sum(keep(axis));
        exp / sum
    }

    /// y = ln softmax(x)
    #[track_caller]
    pub fn log_softmax(&self, axis: isize) -> Variable {
        self - self.logsumexp(keep(axis))
    }

    /// y = ln(sum of e^x)
    #[track_caller]
    pub fn logsumexp(&self, axes: impl Into<super::Axes>) -> Variable {
        let axes = axes.into();
        let peak = self.peak(axes.clone());
        let sum = (self - &peak).exp().sum(axes).ln();
        let peak = peak.reshape(sum.shape());
        sum + peak
    }

    /// The largest number along `axes`, finite and as a constant: subtracting it keeps e^x from overflowing,
    /// and changes nothing in the result.
    #[track_caller]
    fn peak(&self, axes: impl Into<super::Axes>) -> Variable {
        self.detach().max(keep(axes)).clamp(Real::MIN, Real::MAX)
    }
}
