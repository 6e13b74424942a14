//! Sum, difference, product and quotient of tensors and numbers, under NumPy's broadcasting rule; any operation of the
//! kernels on tensors. Operands may be borrowed or moved.

use super::Tensor;
use crate::Real;
use crate::kernels::{self, Binary, Unary, View};
use crate::shape::Shape;
use std::ops::{Add, Div, Mul, Neg, Sub};

impl Tensor {
    /// op(x), number by number.
    pub(crate) fn unary(&self, op: Unary) -> Tensor {
        Tensor::build(self.shape, |y| kernels::map(op, self.data(), y))
    }

    /// op(a, b), number by number, under NumPy's broadcasting rule. `name` is for the message.
    #[track_caller]
    pub(crate) fn binary(&self, name: &str, op: Binary, other: &Tensor) -> Tensor {
        let Some(shape) = self.shape.broadcast(&other.shape) else {
            panic!("{name}: shapes {} and {} do not broadcast", self.shape, other.shape)
        };
        Tensor::build(shape, |y| kernels::zip(op, self.repeated(&shape), other.repeated(&shape), &shape, y))
    }

    /// The numbers, read as if they had the larger `shape`.
    fn repeated(&self, shape: &Shape) -> View<'_> {
        View { data: self.data(), strides: self.shape.strides_broadcast_to(shape) }
    }
}

macro_rules! operators {
    ($($Trait:ident $method:ident),+) => { $(
        operators!(@ $Trait $method: Tensor, Tensor);
        operators!(@ $Trait $method: Tensor, &Tensor);
        operators!(@ $Trait $method: &Tensor, Tensor);
        operators!(@ $Trait $method: &Tensor, &Tensor);
        operators!(@ $Trait $method: Tensor, Real);
        operators!(@ $Trait $method: &Tensor, Real);
        operators!(@ $Trait $method: Real, Tensor);
        operators!(@ $Trait $method: Real, &Tensor);
    )+ };
    (@ $Trait:ident $method:ident: $A:ty, $B:ty) => {
        impl $Trait<$B> for $A {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, b: $B) -> Tensor {
                Tensor::from(self).binary(stringify!($method), Binary::$Trait, &Tensor::from(b))
            }
        }
    };
}

operators!(Add add, Sub sub, Mul mul, Div div);

impl Neg for &Tensor {
    type Output = Tensor;
    fn neg(self) -> Tensor {
        self.unary(Unary::Neg)
    }
}

impl Neg for Tensor {
    type Output = Tensor;
    fn neg(self) -> Tensor {
        -&self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_broadcast_and_take_numbers_on_either_side() {
        let (a, row) = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([10.0, 20.0]));
        let column = row.reshape([2, 1]);
        assert_eq!(&a + &row, [[11.0, 22.0], [13.0, 24.0]].into());
        assert_eq!(&a - column, [[-9.0, -8.0], [-17.0, -16.0]].into());
        assert_eq!(row / &a, [[10.0, 10.0], [10.0 / 3.0, 5.0]].into());
        assert_eq!(1.0 - &a, [[0.0, -1.0], [-2.0, -3.0]].into());
        assert_eq!(2.0 / (-a.clone() * 0.5), 4.0 / -a);
    }

    #[test]
    #[should_panic(expected = "mul: shapes (2,) and (3,) do not broadcast")]
    fn shapes_that_do_not_broadcast() {
        let _ = Tensor::ones([2]) * Tensor::ones([3]);
    }
}
