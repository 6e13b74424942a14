//! The core, 2 of 3: how a calculation is remembered. The node of a result holds the `Function` that made it, and
//! that holds the nodes of its inputs. Those edges are the graph; [`record`] makes them, and [`crate::backward`] walks
//! them. The backward rule of each function sees a [`Context`].

use crate::Real;
use crate::hook::{self, Event};
use crate::mode;
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::variable::{Value, Variable};
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;

/// A node of the graph: where a gradient arrives.
pub(crate) struct Node {
    /// Counts up: a result always has a larger id than its inputs.
    pub id: u64,
    pub shape: Shape,
    /// On leaves, the sum of what arrived. Plain numbers, so that a parameter and its gradient form no cycle.
    pub grad: RefCell<Option<Tensor>>,
    /// The function whose result this is; `None` for a leaf, and where `backward()` has released it.
    pub function: RefCell<Option<Rc<Function>>>,
    /// The number of an operation with one, such as k in k x, for a picture of the graph.
    pub number: Cell<Option<Real>>,
    /// The name of the function that was released.
    pub freed: Cell<Option<&'static str>>,
}

/// One operation of the calculation: its inputs, and the chain rule for them.
pub(crate) struct Function {
    pub name: &'static str,
    /// Where the operation was called, for messages.
    pub caller: &'static Location<'static>,
    pub inputs: Vec<Input>,
    output: Option<SavedTensor>,
    pub backward: Box<BackwardRule>,
}

/// From gy = dL/dy, the gradients of the inputs.
type BackwardRule = dyn Fn(Variable, &Context) -> Grads;

/// An edge of the graph. The numbers are saved only if the backward rule reads them; otherwise their buffer may be
/// recycled.
pub(crate) struct Input {
    pub node: Option<Rc<Node>>,
    saved: Option<SavedTensor>,
}

/// Numbers that are read later, and their version when they were saved.
pub(crate) struct SavedTensor {
    value: Rc<Value>,
    version: u32,
}

impl SavedTensor {
    pub fn new(x: &Variable) -> SavedTensor {
        SavedTensor { value: x.value.clone(), version: x.value.version.get() }
    }

    /// Whether x has the same storage and version as what was saved.
    pub fn is_of(&self, x: &Variable) -> bool {
        Rc::ptr_eq(&self.value, &x.value) && !self.is_stale()
    }

    fn is_stale(&self) -> bool {
        self.version != self.value.version.get()
    }
}

/// dL/dx for each input x of a function; `None` where [`Context::needs_grad`] says that it is not needed.
pub type Grads = Vec<Option<Variable>>;

/// What a backward rule reads, and [`record`] therefore saves for it (`save_for_backward` in PyTorch).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Save {
    /// The input of this index.
    Input(usize),
    /// The result.
    Output,
}

/// Makes the result of an operation and, unless no gradient can flow, its node in the graph; every computed Variable
/// comes from here. `value` is the operation `name` of `inputs`, and `backward` turns the gradient of the result,
/// gy = dL/dy, into those of the inputs. The rule is written in Variables, so that it can itself be differentiated. It
/// may capture sizes, masks and tensors that get no gradient, but no Variable; inputs and output that it reads are named
/// in `saved`.
///
/// ```
/// use tsukuru::{graph::{Save::Input, record}, tensor::Tensor, variable::Variable};
///
/// /// y = x^3,  dx = 3 gy x^2
/// fn cube(x: &Variable) -> Variable {
///     let y = x.value().map(|x| x * x * x);
///     record("cube", &[x], &[Input(0)], y, |gy, ctx| vec![Some(gy * ctx.x(0).square() * 3.0)])
/// }
///
/// let x = Variable::parameter(2.0);
/// cube(&x).backward();
/// assert_eq!(x.grad().item(), 12.0);
/// ```
#[track_caller]
pub fn record(
    name: &'static str,
    inputs: &[&Variable],
    saved: &[Save],
    value: Tensor,
    backward: impl Fn(Variable, &Context) -> Grads + 'static,
) -> Variable {
    let caller = Location::caller();
    hook::emit(|| Event::Forward { name, inputs, output: &value, caller });
    if !mode::is_grad_enabled() || !inputs.iter().any(|x| x.requires_grad()) {
        return Variable::new(value);
    }
    record_node(name, caller, inputs, saved, value, Box::new(backward))
}

fn record_node(
    name: &'static str,
    caller: &'static Location<'static>,
    inputs: &[&Variable],
    saved: &[Save],
    value: Tensor,
    backward: Box<BackwardRule>,
) -> Variable {
    let (shape, y) = (*value.shape(), Variable::new(value));
    let save = |what: Save, x: &Variable| saved.contains(&what).then(|| SavedTensor::new(x));
    let edge = |(i, x): (usize, &&Variable)| Input { node: x.node.clone(), saved: save(Save::Input(i), x) };
    let inputs = inputs.iter().enumerate().map(edge).collect();
    let function = Function { name, caller, inputs, output: save(Save::Output, &y), backward };
    Variable { node: Some(Node::new(shape, Some(Rc::new(function)))), ..y }
}

thread_local! {
    static NEXT_ID: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

/// How many graph nodes this thread holds: zero again when the last Variable is dropped.
pub fn live_nodes() -> usize {
    LIVE.get()
}

impl Node {
    pub fn new(shape: Shape, function: Option<Rc<Function>>) -> Rc<Node> {
        let id = NEXT_ID.replace(NEXT_ID.get() + 1);
        LIVE.set(LIVE.get() + 1);
        let (grad, function) = (RefCell::new(None), RefCell::new(function));
        Rc::new(Node { id, shape, grad, function, number: Cell::new(None), freed: Cell::new(None) })
    }

    /// The name of the function whose result this is, freed or not; `None` for a leaf.
    pub fn name(&self) -> Option<&'static str> {
        self.freed.get().or_else(|| self.function.borrow().as_ref().map(|function| function.name))
    }

    /// The function whose result this is; `None` for a leaf.
    ///
    /// # Errors
    /// If `backward()` freed it.
    pub fn function(&self) -> Result<Option<Rc<Function>>, String> {
        match self.freed.get() {
            Some(name) => Err(format!(
                "backward: an earlier backward() freed this graph at {name}; compute the result anew before each \
                 backward(), or use grad(), which frees nothing"
            )),
            None => Ok(self.function.borrow().clone()),
        }
    }
}

impl Function {
    /// The nodes that gradients go on to.
    pub fn next_nodes(&self) -> impl Iterator<Item = &Rc<Node>> {
        self.inputs.iter().filter_map(|input| input.node.as_ref())
    }

    /// # Errors
    /// If numbers that the backward rule may read were updated since.
    pub fn check_versions(&self) -> Result<(), String> {
        let is_stale = |saved: &Option<SavedTensor>| saved.as_ref().is_some_and(SavedTensor::is_stale);
        let what = match self.inputs.iter().position(|input| is_stale(&input.saved)) {
            Some(i) => format!("input {i}"),
            None if is_stale(&self.output) => "output".to_string(),
            None => return Ok(()),
        };
        Err(format!("{}: its {what} was updated since; run the calculation again before backward()", self.name))
    }
}

/// Takes a chain of nodes apart one by one: dropping them recursively would overflow the stack.
impl Drop for Node {
    fn drop(&mut self) {
        LIVE.with(|live| live.set(live.get() - 1));
        let mut pending = Vec::from_iter(self.function.take());
        while let Some(function) = pending.pop() {
            let inputs = Rc::into_inner(function).into_iter().flat_map(|function| function.inputs);
            pending.extend(inputs.filter_map(|input| Rc::into_inner(input.node?)?.function.take()));
        }
    }
}

/// What a backward rule may look at (`ctx` of `torch.autograd.Function`).
pub struct Context<'a> {
    pub(crate) node: &'a Rc<Node>,
    pub(crate) function: &'a Function,
    pub(crate) needed: &'a dyn Fn(&Node) -> bool,
}

impl Context<'_> {
    /// Input `i`, still tied to the graph.
    ///
    /// # Panics
    /// If `record` was not told to save it.
    pub fn x(&self, i: usize) -> Variable {
        let (name, input) = (self.function.name, &self.function.inputs[i]);
        let saved = input.saved.as_ref().unwrap_or_else(|| panic!("{name}: record() did not save input {i}"));
        Variable { value: saved.value.clone(), node: input.node.clone() }
    }

    /// The output, still tied to the graph.
    ///
    /// # Panics
    /// If `record` was not told to save it.
    pub fn y(&self) -> Variable {
        let (name, saved) = (self.function.name, self.function.output.as_ref());
        let saved = saved.unwrap_or_else(|| panic!("{name}: record() did not save the output"));
        Variable { value: saved.value.clone(), node: Some(self.node.clone()) }
    }

    /// Whether the gradient of input `i` is needed (`ctx.needs_input_grad[i]` in PyTorch).
    pub fn needs_grad(&self, i: usize) -> bool {
        self.function.inputs[i].node.as_ref().is_some_and(|node| (self.needed)(node))
    }

    /// Whether these gradients will be differentiated again. If not, one kernel may compute them at once.
    pub fn create_graph(&self) -> bool {
        mode::is_grad_enabled()
    }
}
