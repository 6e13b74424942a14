//! Every operation on Variables: one method computes the value, and the rule that follows is its derivative.
//! One file per family. Shapes that do not fit together, and axes that do not exist, panic at the caller's line with a
//! sentence that names the operation and the shapes.
//!
//! For one of your own, compose others first, as [`Variable::leaky_relu`] does: their derivatives come with them. What
//! cannot be composed takes a value and a backward rule, as in `examples/own_op.rs`; [`Tensor::map`] computes a value
//! number by number. A kernel is worth the work only where [`crate::profile`] shows that much time goes; README.md lists the places
//! that it touches.

mod activation;
mod arithmetic;
mod attention;
pub(crate) mod conv;
mod dropout;
mod layer_norm;
mod layout;
mod lookup;
mod loss;
mod math;
mod matmul;
mod norm;
mod reduce;
mod spatial;

pub use loss::Reduction;
pub use norm::BatchStats;
pub use reduce::{Axes, keepdim};

use crate::kernels::{Binary, Unary};
use crate::mode;
use crate::tensor::Tensor;
use crate::variable::Variable;
use std::rc::Rc;

/// Anything that becomes a tensor becomes a constant.
impl<T: Into<Tensor>> From<T> for Variable {
    fn from(tensor: T) -> Variable {
        Variable::new(tensor)
    }
}

/// op(x), number by number.
fn map(op: Unary, x: &Variable) -> Tensor {
    x.value().unary(op)
}

/// op(a, b), number by number, under NumPy's broadcasting rule.
#[track_caller]
fn zip(name: &str, op: Binary, a: &Variable, b: &Variable) -> Tensor {
    a.value().binary(name, op, &b.value())
}

/// The tensor itself, if nobody else can see it and nothing is being recorded: then the result may be written over it.
fn reusable(x: Variable) -> Result<Tensor, Variable> {
    if mode::is_grad_enabled() {
        return Err(x);
    }
    let Variable { value, node } = x;
    let mut value = Rc::try_unwrap(value).map_err(|value| Variable { value, node: node.clone() })?;
    match value.tensor.get_mut().is_unshared() {
        true => Ok(value.tensor.into_inner()),
        false => Err(Variable { value: Rc::new(value), node }),
    }
}
