//! The heart, part two: how a calculation is remembered. The node of a result holds the `Function` that made it, and that
//! holds the nodes which it was made from. Those edges are the graph; [`record`] makes them, and [`crate::backward`]
//! walks them. On its way, the rule of each function looks at a [`Chain`].

use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::variable::{Value, Variable};
use crate::{mode, profile};
use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;

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

/// One step of the calculation: what went in, and the chain rule for coming back.
pub(crate) struct Function {
    pub name: &'static str,
    pub inputs: Vec<Input>,
    output: Option<Rc<Value>>,
    pub rule: Box<Rule>,
}

/// From gy = dL/dy, the gradients of the inputs.
type Rule = dyn Fn(Variable, &Chain) -> Grads;

/// An edge of the graph. The value is kept only if the rule reads it; otherwise its buffer is free to go.
pub(crate) struct Input {
    pub node: Option<Rc<Node>>,
    value: Option<(Rc<Value>, u32)>,
}

/// dL/dx for each input x of a function; `None` where [`Chain::needs`] says that nobody wants it.
pub type Grads = Vec<Option<Variable>>;

/// Which values a rule reads: any of [`X0`], [`X1`] and [`Y`], joined with `|`.
pub type Reads = u8;
/// The rule reads no value: the derivative is the same everywhere (add, reshape, cat, ...).
pub const NOTHING: Reads = 0;
pub const X0: Reads = 1;
pub const X1: Reads = 2;
/// The rule reads the output.
pub const Y: Reads = 128;

/// The only way a computed Variable is born: `value` is the operation `name` of `xs`, and `rule` turns the gradient of
/// the result, gy = dL/dy, into those of the inputs. The rule is written in Variables, so that it can itself be
/// differentiated. It may capture sizes, masks and indices, but no Variable; the values that it `reads` are kept for it.
///
/// ```
/// use tsukuru::{graph::{X0, record}, tensor::Tensor, variable::Variable};
///
/// /// y = x^3,  dx = 3 gy x^2
/// fn cube(x: &Variable) -> Variable {
///     let numbers: Vec<_> = x.value().data().iter().map(|x| x * x * x).collect();
///     let y = Tensor::new(x.shape(), &numbers);
///     record("cube", &[x], X0, y, |gy, c| vec![Some(gy * c.x(0).square() * 3.0)])
/// }
///
/// let x = Variable::parameter(2.0);
/// cube(&x).backward();
/// assert_eq!(x.grad().item(), 12.0);
/// ```
pub fn record(
    name: &'static str,
    xs: &[&Variable],
    reads: Reads,
    value: Tensor,
    rule: impl Fn(Variable, &Chain) -> Grads + 'static,
) -> Variable {
    profile::mark(name, xs.iter().map(|x| x.shape()), value.shape());
    let (shape, y) = (*value.shape(), Variable::new(value));
    if !mode::is_recording() || xs.iter().all(|x| x.node.is_none()) {
        return y;
    }
    let inputs = xs.iter().enumerate().map(|(i, x)| {
        let kept = (reads >> i & 1 == 1).then(|| (x.value.clone(), x.value.version.get()));
        Input { node: x.node.clone(), value: kept }
    });
    let output = (reads & Y != 0).then(|| y.value.clone());
    let function = Function { name, inputs: inputs.collect(), output, rule: Box::new(rule) };
    Variable { node: Some(Node::born(shape, Origin::Made(function))), ..y }
}

thread_local! {
    static BIRTHS: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

/// How many graph nodes this thread holds: zero again when the last Variable is dropped.
pub fn live_nodes() -> usize {
    LIVE.get()
}

impl Node {
    pub fn born(shape: Shape, origin: Origin) -> Rc<Node> {
        let id = BIRTHS.replace(BIRTHS.get() + 1);
        LIVE.set(LIVE.get() + 1);
        Rc::new(Node { id, shape, grad: RefCell::new(None), origin: RefCell::new(origin) })
    }

    /// The function that made this node; `None` for a leaf.
    ///
    /// # Errors
    /// If `backward()` freed it.
    pub fn function(&self) -> Result<Option<Ref<'_, Function>>, String> {
        let origin = self.origin.borrow();
        if let Origin::Freed(name) = *origin {
            return Err(format!("backward: an earlier backward() freed this graph at {name}"));
        }
        let made = Ref::filter_map(origin, |origin| match origin {
            Origin::Made(function) => Some(function),
            _ => None,
        });
        Ok(made.ok())
    }
}

impl Function {
    /// # Errors
    /// If numbers that the rule may read were updated since.
    pub fn check_versions(&self) -> Result<(), String> {
        let stale =
            |input: &Input| input.value.as_ref().is_some_and(|(value, version)| value.version.get() != *version);
        let what = match self.inputs.iter().position(stale) {
            Some(i) => format!("input {i}"),
            None if self.output.as_ref().is_some_and(|value| value.version.get() != 0) => "output".to_string(),
            None => return Ok(()),
        };
        Err(format!("{}: its {what} was updated since; run the calculation again before backward()", self.name))
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

/// What the rule of a function may look at on the way back.
pub struct Chain<'a> {
    pub(crate) node: &'a Rc<Node>,
    pub(crate) function: &'a Function,
    pub(crate) wanted: &'a dyn Fn(&Node) -> bool,
}

impl Chain<'_> {
    /// Input `i`, still tied to the graph.
    ///
    /// # Panics
    /// If `record` was not told that the rule reads it.
    pub fn x(&self, i: usize) -> Variable {
        let (name, input) = (self.function.name, &self.function.inputs[i]);
        let (value, _) = input.value.as_ref().unwrap_or_else(|| panic!("{name}: record() kept no input {i}"));
        Variable { value: value.clone(), node: input.node.clone() }
    }

    /// The output, still tied to the graph.
    ///
    /// # Panics
    /// If `record` was not told that the rule reads it.
    pub fn y(&self) -> Variable {
        let value = self.function.output.as_ref();
        let value = value.unwrap_or_else(|| panic!("{}: record() kept no output", self.function.name));
        Variable { value: value.clone(), node: Some(self.node.clone()) }
    }

    /// How many inputs there are: a layer may have a bias or not.
    pub fn inputs(&self) -> usize {
        self.function.inputs.len()
    }

    /// Whether anybody wants the gradient of input `i`.
    pub fn needs(&self, i: usize) -> bool {
        self.function.inputs[i].node.as_ref().is_some_and(|node| (self.wanted)(node))
    }

    /// Whether these gradients will not be differentiated again, so that one kernel may compute them at a go.
    pub fn numbers_only(&self) -> bool {
        !mode::is_recording()
    }
}
