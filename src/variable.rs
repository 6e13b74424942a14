//! The heart, part one: [`Variable`], a value and its place in the graph.
//!
//! The node of a result holds the [`Function`](crate::function) that made it, and that holds the nodes which it was
//! made from. Those edges are the graph; [`crate::backward`] walks them.

use crate::function::Function;
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

/// A point of the graph: where a gradient arrives.
pub(crate) struct Node {
    /// Birthday. A result is always younger than what it was made from.
    pub id: u64,
    pub shape: Shape,
    /// On leaves, the sum of what arrived. Plain numbers, so that a parameter and its gradient form no cycle.
    pub grad: RefCell<Option<Tensor>>,
    pub origin: RefCell<Origin>,
}

pub(crate) enum Origin {
    Leaf,
    Made(Function),
    /// `backward()` came through here and released the function of this name.
    Freed(&'static str),
}

thread_local! {
    static BIRTHS: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

/// How many graph nodes this thread holds: zero again when the last Variable is dropped.
pub fn live_nodes() -> usize {
    LIVE.get()
}

impl Variable {
    /// A constant: no gradient goes there.
    pub fn new(tensor: impl Into<Tensor>) -> Variable {
        let value = Value { tensor: RefCell::new(tensor.into()), version: Cell::new(0) };
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

    /// The one number of a Variable that holds one. Panics if it holds more or none.
    #[track_caller]
    pub fn item(&self) -> crate::Real {
        self.value().item()
    }

    /// Whether gradients flow to this Variable: false for constants, and for what was computed from them alone.
    pub fn wants_grad(&self) -> bool {
        self.node.is_some()
    }

    /// dL/dself as `backward()` calls have summed it up; `None` before the first one and on anything but a leaf.
    pub fn grad(&self) -> Option<Tensor> {
        self.node.as_ref()?.grad.borrow().clone()
    }

    pub fn clear_grad(&self) {
        self.node.iter().for_each(|node| *node.grad.borrow_mut() = None);
    }

    /// Changes the numbers in place, as optimizers do. A graph that has read the old ones refuses to run backward.
    pub fn update(&self, change: impl FnOnce(&mut Tensor)) {
        change(&mut self.value.tensor.borrow_mut());
        self.value.version.set(self.value.version.get() + 1);
    }
}

impl Node {
    pub fn born(shape: Shape, origin: Origin) -> Rc<Node> {
        let id = BIRTHS.replace(BIRTHS.get() + 1);
        LIVE.set(LIVE.get() + 1);
        Rc::new(Node { id, shape, grad: RefCell::new(None), origin: RefCell::new(origin) })
    }

    /// The function that made this node; `None` for a leaf.
    pub fn function(&self) -> Option<Ref<'_, Function>> {
        Ref::filter_map(self.origin.borrow(), |origin| match origin {
            Origin::Leaf => None,
            Origin::Made(function) => Some(function),
            Origin::Freed(name) => panic!("backward: an earlier backward() freed this graph at {name}"),
        })
        .ok()
    }
}

/// Takes a chain of nodes apart one by one: dropping them recursively would overflow the stack.
impl Drop for Node {
    fn drop(&mut self) {
        LIVE.with(|live| live.set(live.get() - 1));
        let Origin::Made(function) = self.origin.replace(Origin::Leaf) else { return };
        let mut doomed = vec![function];
        while let Some(function) = doomed.pop() {
            for node in function.inputs.into_iter().filter_map(|input| Rc::into_inner(input.node?)) {
                if let Origin::Made(function) = node.origin.replace(Origin::Leaf) {
                    doomed.push(function);
                }
            }
        }
    }
}
