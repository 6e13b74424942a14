//! Sum, difference, product and quotient of Variables and numbers, with NumPy's broadcasting. Operands may be borrowed
//! or moved: where no graph is recorded, the result is written over a moved operand whose numbers have no other owner.

use super::{map, reusable, zip};
use crate::Real;
use crate::graph::Save::{self, Input, Output};
use crate::graph::record;
use crate::kernels::{self, Binary, Unary};
use crate::mode;
use crate::variable::Variable;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// y = a + b,  da = gy,  db = gy
#[track_caller]
fn add(a: &Variable, b: &Variable) -> Variable {
    let (a_shape, b_shape) = (a.shape(), b.shape());
    record("add", &[a, b], &[], zip("add", Binary::Add, a, b), move |gy, ctx| {
        let ga = ctx.needs_grad(0).then(|| gy.sum_to(a_shape));
        vec![ga, ctx.needs_grad(1).then(|| gy.sum_to(b_shape))]
    })
}

/// y = a - b,  da = gy,  db = -gy
#[track_caller]
fn sub(a: &Variable, b: &Variable) -> Variable {
    let (a_shape, b_shape) = (a.shape(), b.shape());
    record("sub", &[a, b], &[], zip("sub", Binary::Sub, a, b), move |gy, ctx| {
        let ga = ctx.needs_grad(0).then(|| gy.sum_to(a_shape));
        vec![ga, ctx.needs_grad(1).then(|| -gy.sum_to(b_shape))]
    })
}

/// y = a b,  da = gy b,  db = gy a
#[track_caller]
fn mul(a: &Variable, b: &Variable) -> Variable {
    let (a_shape, b_shape) = (a.shape(), b.shape());
    let saved: &[Save] = match (a.requires_grad(), b.requires_grad()) {
        (true, false) => &[Input(1)],
        (false, true) => &[Input(0)],
        _ => &[Input(0), Input(1)],
    };
    record("mul", &[a, b], saved, zip("mul", Binary::Mul, a, b), move |gy, ctx| {
        let ga = ctx.needs_grad(0).then(|| (&gy * ctx.x(1)).sum_to(a_shape));
        vec![ga, ctx.needs_grad(1).then(|| (gy * ctx.x(0)).sum_to(b_shape))]
    })
}

/// y = a / b,  da = gy / b,  db = -gy y / b
#[track_caller]
fn div(a: &Variable, b: &Variable) -> Variable {
    let (a_shape, b_shape) = (a.shape(), b.shape());
    let saved: &[Save] = if b.requires_grad() { &[Input(1), Output] } else { &[Input(1)] };
    record("div", &[a, b], saved, zip("div", Binary::Div, a, b), move |gy, ctx| {
        let g = gy / ctx.x(1);
        let gb = ctx.needs_grad(1).then(|| -(&g * ctx.y()).sum_to(b_shape));
        vec![ctx.needs_grad(0).then(|| g.sum_to(a_shape)), gb]
    })
}

impl Variable {
    /// y = k x,  dx = k gy
    #[track_caller]
    fn scale(&self, k: Real) -> Variable {
        with_number(k, record("scale", &[self], &[], map(Unary::Scale(k), self), move |gy, _| vec![Some(gy * k)]))
    }

    /// y = x + k,  dx = gy
    #[track_caller]
    fn shift(&self, k: Real) -> Variable {
        with_number(k, record("shift", &[self], &[], map(Unary::Shift(k), self), |gy, _| vec![Some(gy)]))
    }

    /// y = -x,  dx = -gy
    #[track_caller]
    fn negated(&self) -> Variable {
        record("neg", &[self], &[], map(Unary::Neg, self), |gy, _| vec![Some(-gy)])
    }
}

/// Notes the number k of the operation that made y.
fn with_number(k: Real, y: Variable) -> Variable {
    y.node.iter().for_each(|node| node.number.set(Some(k)));
    y
}

/// op(a, b) written over a or b, if one of them may be; otherwise both come back.
fn zip_in_place(op: Binary, a: Variable, b: Variable) -> Result<Variable, (Variable, Variable)> {
    if mode::is_grad_enabled() || a.shape() != b.shape() {
        return Err((a, b));
    }
    let a = match reusable(a) {
        Ok(mut y) => {
            kernels::zip_assign(op, y.data_mut(), b.value().data());
            return Ok(y.into());
        }
        Err(a) => a,
    };
    let commutes = matches!(op, Binary::Add | Binary::Mul);
    let mut y = if commutes { reusable(b).map_err(|b| (a.clone(), b))? } else { return Err((a, b)) };
    kernels::zip_assign(op, y.data_mut(), a.value().data());
    Ok(y.into())
}

/// op(x) written over x, if it may be; otherwise x comes back.
fn map_in_place(op: Unary, x: Variable) -> Result<Variable, Variable> {
    let mut y = reusable(x)?;
    kernels::map_assign(op, y.data_mut());
    Ok(y.into())
}

macro_rules! operator {
    ($Trait:ident, $method:ident, ($x:ident, $k:ident) => $with_number:expr, $from_number:expr) => {
        impl $Trait<&Variable> for &Variable {
            type Output = Variable;
            #[track_caller]
            fn $method(self, b: &Variable) -> Variable {
                $method(self, b)
            }
        }
        impl $Trait<Variable> for Variable {
            type Output = Variable;
            #[track_caller]
            fn $method(self, b: Variable) -> Variable {
                match zip_in_place(Binary::$Trait, self, b) {
                    Ok(y) => y,
                    Err((a, b)) => $method(&a, &b),
                }
            }
        }
        impl $Trait<&Variable> for Variable {
            type Output = Variable;
            #[track_caller]
            fn $method(self, b: &Variable) -> Variable {
                $Trait::$method(self, b.clone())
            }
        }
        impl $Trait<Variable> for &Variable {
            type Output = Variable;
            #[track_caller]
            fn $method(self, b: Variable) -> Variable {
                $Trait::$method(self.clone(), b)
            }
        }
        impl $Trait<Real> for &Variable {
            type Output = Variable;
            #[track_caller]
            fn $method(self, k: Real) -> Variable {
                $Trait::$method(self.clone(), k)
            }
        }
        impl $Trait<Real> for Variable {
            type Output = Variable;
            #[track_caller]
            fn $method(self, $k: Real) -> Variable {
                let $x = self;
                $with_number
            }
        }
        impl $Trait<&Variable> for Real {
            type Output = Variable;
            #[track_caller]
            fn $method(self, x: &Variable) -> Variable {
                $Trait::$method(self, x.clone())
            }
        }
        impl $Trait<Variable> for Real {
            type Output = Variable;
            #[track_caller]
            fn $method(self, $x: Variable) -> Variable {
                let $k = self;
                $from_number
            }
        }
    };
}

#[track_caller]
fn scaled(x: Variable, k: Real) -> Variable {
    match map_in_place(Unary::Scale(k), x) {
        Ok(y) => y,
        Err(x) => x.scale(k),
    }
}

#[track_caller]
fn shifted(x: Variable, k: Real) -> Variable {
    match map_in_place(Unary::Shift(k), x) {
        Ok(y) => y,
        Err(x) => x.shift(k),
    }
}

operator!(Add, add, (x, k) => shifted(x, k), shifted(x, k));
operator!(Sub, sub, (x, k) => shifted(x, -k), shifted(-x, k));
operator!(Mul, mul, (x, k) => scaled(x, k), scaled(x, k));
// Not times 1 / k, which overflows for k near 0 and rounds once more.
operator!(Div, div, (x, k) => div(&x, &k.into()), div(&k.into(), &x));

impl Neg for &Variable {
    type Output = Variable;
    #[track_caller]
    fn neg(self) -> Variable {
        self.negated()
    }
}

impl Neg for Variable {
    type Output = Variable;
    #[track_caller]
    fn neg(self) -> Variable {
        match map_in_place(Unary::Neg, self) {
            Ok(y) => y,
            Err(x) => x.negated(),
        }
    }
}
