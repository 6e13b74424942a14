//! The core, 1 of 3: [`Variable`], numbers and their place in the [graph](crate::graph).

use crate::Real;
use crate::graph::Node;
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;

/// Numbers that take part in a calculation. Cloning copies two pointers, never numbers.
#[derive(Clone)]
pub struct Variable {
    pub(crate) value: Rc<Value>,
    /// `None` for a constant: no gradient goes there.
    pub(crate) node: Option<Rc<Node>>,
}

/// The numbers, kept apart from the node: a node may outlive numbers that no derivative reads.
pub(crate) struct Value {
    pub tensor: RefCell<Tensor>,
    /// How many times [`Variable::update`] has changed the numbers.
    pub version: Cell<u32>,
}

impl Variable {
    /// A constant: no gradient goes there (`requires_grad=False` in PyTorch).
    pub fn new(tensor: impl Into<Tensor>) -> Variable {
        let value = Value { tensor: RefCell::new(tensor.into()), version: Cell::new(0) };
        Variable { value: Rc::new(value), node: None }
    }

    /// A leaf of the graph that gets a gradient (`requires_grad=True` in PyTorch).
    pub fn parameter(tensor: impl Into<Tensor>) -> Variable {
        let constant = Variable::new(tensor);
        Variable { node: Some(Node::new(constant.shape(), None)), ..constant }
    }

    /// The same numbers as a constant: gradients stop here.
    pub fn detach(&self) -> Variable {
        Variable { node: None, ..self.clone() }
    }

    /// Whether this is the same Variable: the same numbers, at the same place in the graph.
    pub(crate) fn is_same(&self, other: &Variable) -> bool {
        let node = |x: &Variable| x.node.as_ref().map(Rc::as_ptr);
        Rc::ptr_eq(&self.value, &other.value) && node(self) == node(other)
    }

    /// The numbers. Hold the borrow briefly: [`Variable::update`] panics while it lasts.
    pub fn value(&self) -> Ref<'_, Tensor> {
        self.value.tensor.borrow()
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> Shape {
        *self.value().shape()
    }

    /// The one number of a Variable that holds one.
    ///
    /// # Panics
    /// If it holds more or none.
    #[track_caller]
    pub fn item(&self) -> Real {
        self.value().item()
    }

    /// Whether gradients flow to this Variable: false for constants, and for what was computed from them alone.
    pub fn requires_grad(&self) -> bool {
        self.node.is_some()
    }

    /// dL/dself (of self's shape): the sum over all `backward()` calls since the last
    /// [`zero_grad`](Variable::zero_grad).
    ///
    /// # Panics
    /// If there is none yet, or this is no parameter. The gradient of anything else is what
    /// [`grad`](crate::backward::grad) computes.
    #[track_caller]
    pub fn grad(&self) -> Tensor {
        match (self.try_grad(), self.node.as_ref().map(|node| node.name())) {
            (Some(grad), _) => grad,
            (None, None) => panic!("grad: a constant has none; make it a Variable::parameter() to get one"),
            (None, Some(None)) => {
                panic!("grad: there is none here; backward() leaves one on every parameter that it reaches")
            }
            (None, Some(Some(name))) => panic!(
                "grad: the result of {name} keeps none, only parameters do; backward::grad(&y, [&h], false) computes \
                 dy/dh for any h"
            ),
        }
    }

    /// [`Variable::grad`], if there is one.
    pub fn try_grad(&self) -> Option<Tensor> {
        self.node.as_ref()?.grad.borrow().clone()
    }

    /// Removes the gradient. `backward()` adds to what is there, so training calls this before each `backward()`:
    /// otherwise each step follows the sum of the gradients of all batches so far, most of them from weights long gone,
    /// and training overshoots or diverges.
    pub fn zero_grad(&self) {
        self.node.iter().for_each(|node| *node.grad.borrow_mut() = None);
    }

    /// Changes the numbers in place, as optimizers do. A graph that has saved the old ones refuses to run backward.
    ///
    /// # Panics
    /// If a borrow from [`Variable::value`] is alive.
    #[track_caller]
    pub fn update(&self, change: impl FnOnce(&mut Tensor)) {
        let Ok(mut tensor) = self.value.tensor.try_borrow_mut() else {
            panic!("update: the numbers of shape {} are still borrowed by value()", self.shape());
        };
        change(&mut tensor);
        self.value.version.set(self.value.version.get() + 1);
    }
}
