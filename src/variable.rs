//! The heart, part one: [`Variable`], numbers and their place in the [graph](crate::graph).

use crate::Real;
use crate::graph::{Node, Origin};
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
    /// What [`Variable::prepared`] keeps.
    prepared: RefCell<Option<Tensor>>,
}

impl Variable {
    /// A constant: no gradient goes there.
    pub fn new(tensor: impl Into<Tensor>) -> Variable {
        let (tensor, version) = (RefCell::new(tensor.into()), Cell::new(0));
        let value = Value { tensor, version, prepared: RefCell::new(None) };
        Variable { value: Rc::new(value), node: None }
    }

    /// A leaf of the graph whose gradient is wanted (`requires_grad=True` in PyTorch).
    pub fn parameter(tensor: impl Into<Tensor>) -> Variable {
        let constant = Variable::new(tensor);
        Variable { node: Some(Node::born(constant.shape(), Origin::Leaf)), ..constant }
    }

    /// The same numbers as a constant: gradients stop here.
    pub fn detach(&self) -> Variable {
        Variable { node: None, ..self.clone() }
    }

    /// The numbers. Hold the borrow briefly: [`Variable::update`] panics while it lasts.
    pub fn value(&self) -> Ref<'_, Tensor> {
        self.value.tensor.borrow()
    }

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
    pub fn wants_grad(&self) -> bool {
        self.node.is_some()
    }

    /// dL/dself as `backward()` calls have summed it up.
    ///
    /// # Panics
    /// If there is none yet, or this is no leaf.
    #[track_caller]
    pub fn grad(&self) -> Tensor {
        self.try_grad().expect("grad: there is none here; backward() leaves one on every parameter that it reaches")
    }

    /// [`Variable::grad`], if there is one.
    pub fn try_grad(&self) -> Option<Tensor> {
        self.node.as_ref()?.grad.borrow().clone()
    }

    pub fn clear_grad(&self) {
        self.node.iter().for_each(|node| *node.grad.borrow_mut() = None);
    }

    /// Changes the numbers in place, as optimizers do. A graph that has read the old ones refuses to run backward.
    ///
    /// # Panics
    /// If somebody still holds what [`Variable::value`] lent.
    #[track_caller]
    pub fn update(&self, change: impl FnOnce(&mut Tensor)) {
        let Ok(mut tensor) = self.value.tensor.try_borrow_mut() else {
            panic!("update: the numbers of shape {} are still borrowed by value()", self.shape());
        };
        change(&mut tensor);
        self.value.version.set(self.value.version.get() + 1);
        self.value.prepared.replace(None);
    }

    /// `len` numbers that `make` makes of this Variable's, kept until they change.
    pub(crate) fn prepared(&self, len: usize, make: impl FnOnce(&[Real], &mut [Real])) -> Tensor {
        let mut kept = self.value.prepared.borrow_mut();
        match &*kept {
            Some(tensor) if tensor.data().len() == len => tensor.clone(),
            _ => kept.insert(Tensor::written([len], |to| make(self.value().data(), to))).clone(),
        }
    }
}
