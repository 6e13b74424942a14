use super::strided::for_each_offset;
use crate::Real;
use crate::kernels::{Binary, Unary, View};
use crate::real;
use crate::shape::Shape;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// y = op(x) of one number, as [`Unary`] names it.
pub fn unary(op: Unary, x: Real) -> Real {
    match op {
        Unary::Neg => -x,
        Unary::Exp => real::exp(x),
        Unary::Ln => real::ln(x),
        Unary::Sqrt => x.sqrt(),
        Unary::Sin => real::sin(x),
        Unary::Cos => real::cos(x),
        Unary::Tanh => real::tanh(x),
        Unary::Sigmoid => 1.0 / (1.0 + real::exp(-x)),
        Unary::Relu => {
            if x <= 0.0 {
                0.0
            } else {
                x
            }
        }
        Unary::Softplus => x.max(0.0) + real::ln_1p(real::exp(-x.abs())), // e^-|x| cannot overflow
        Unary::Erf => real::erf(x),
        Unary::Abs => x.abs(),
        Unary::Sign => {
            if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                0.0
            }
        }
        Unary::Square => x * x,
        Unary::Pow(p) => real::pow(x, p),
        Unary::Clamp(low, high) => {
            let x = if x < low { low } else { x };
            if x > high { high } else { x }
        }
        Unary::Scale(a) => a * x,
        Unary::Shift(b) => x + b,
        Unary::Silu => x * unary(Unary::Sigmoid, x),
        Unary::Gelu => x * normal_cdf(x),
    }
}

/// y = op(a, b) of two numbers, as [`Binary`] names it.
pub fn binary(op: Binary, a: Real, b: Real) -> Real {
    match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::WherePositive => {
            if b <= 0.0 {
                0.0
            } else {
                a
            }
        }
        Binary::WhereWithin(low, high) => {
            if low < b && b < high {
                a
            } else {
                0.0
            }
        }
        Binary::Equal => {
            if a == b {
                1.0
            } else {
                0.0
            }
        }
        Binary::Lerp(w) => a + w * (b - a),
        Binary::SiluDx => {
            let s = unary(Unary::Sigmoid, b);
            a * (s + b * s * (1.0 - s))
        }
        Binary::GeluDx => a * (normal_cdf(b) + b * real::exp(-0.5 * b * b) / (2.0 * PI).sqrt() as Real),
    }
}

/// P(N(0, 1) <= x)
fn normal_cdf(x: Real) -> Real {
    0.5 * (1.0 + real::erf(x * FRAC_1_SQRT_2 as Real))
}

/// `y[i] = op(x[i])`
pub fn map(op: Unary, x: &[Real], y: &mut [Real]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = unary(op, x);
    }
}

/// `x[i] = op(x[i])`
pub fn map_assign(op: Unary, x: &mut [Real]) {
    for x in x {
        *x = unary(op, *x);
    }
}

/// `y[i] = op(a[i], b[i])` for every index i of `shape`, where a and b are read through their strides.
pub fn zip(op: Binary, a: View, b: View, shape: &Shape, y: &mut [Real]) {
    let mut y = y.iter_mut();
    for_each_offset(shape, [&a.strides, &b.strides], |[i, j]| {
        *y.next().expect("y has shape") = binary(op, a.data[i], b.data[j]);
    });
}

/// `a[i] = op(a[i], b[i])`
pub fn zip_assign(op: Binary, a: &mut [Real], b: &[Real]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a = binary(op, *a, b);
    }
}
