//! The core, 3 of 3: backpropagation carries gradients along the graph, from the newest node to the oldest.
//!
//! A result is newer than all of its inputs. So the newest of the nodes that wait has received every gradient that will
//! arrive there: taking it, again and again, visits the graph in reverse topological order and without recursion.

use crate::graph::{Context, Node};
use crate::hook::{self, Event};
use crate::kernels::{self, Binary};
use crate::mode;
use crate::tensor::Tensor;
use crate::variable::Variable;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

impl Variable {
    /// Computes dself/dx for every parameter x and adds it to `x.grad()` (of x's shape). Frees the graph on its way.
    ///
    /// It adds, as in PyTorch: two calls leave the sum of both gradients, which is what several small batches for one
    /// step need. Where each step has its own gradient, [`zero_grad`](Variable::zero_grad) comes before each call.
    ///
    /// # Panics
    /// If `self` is not a single number or depends on no parameter, or if its graph was freed, or read numbers that
    /// were updated since.
    #[track_caller]
    pub fn backward(&self) {
        let shape = self.shape();
        assert!(shape.count() == 1, "backward: {shape} is no single number; backward_from() takes its gradient");
        self.backward_from(Tensor::ones(shape));
    }

    /// As [`Variable::backward`], from a given dL/dself = `gy` of the same shape.
    ///
    /// # Panics
    /// As [`Variable::backward`], or if `gy` has another shape.
    #[track_caller]
    pub fn backward_from(&self, gy: Tensor) {
        let shape = self.shape();
        assert!(*gy.shape() == shape, "backward_from: gradient {} and result {shape} differ", gy.shape());
        let start = start(self);
        let accumulate = &mut |node: &Node, gy: &Variable| {
            match &mut *node.grad.borrow_mut() {
                _ if node.function.borrow().is_some() => (), // only leaves keep a gradient
                Some(sum) => kernels::zip_assign(Binary::Add, sum.data_mut(), gy.value().data()),
                none => *none = Some(gy.value().clone()),
            }
        };
        or_panic(mode::no_grad(|| run_backward(start, gy.into(), true, 0, &|_| true, accumulate)));
    }
}

/// dy/dx (of x's shape) for each x in `xs`, leaf or not, summed over the elements of y; zeros where y does not depend
/// on x. Frees nothing and touches no `x.grad()`. With `create_graph` the gradients can be differentiated again.
///
/// # Panics
/// If y depends on no parameter, or if its graph was freed, or read numbers that were updated since.
#[track_caller]
pub fn grad<const N: usize>(y: &Variable, xs: [&Variable; N], create_graph: bool) -> [Variable; N] {
    grads(y, &xs, create_graph).try_into().expect("one for each x")
}

/// [`grad`] of a list.
///
/// # Panics
/// As [`grad`].
#[track_caller]
pub fn grads(y: &Variable, xs: &[&Variable], create_graph: bool) -> Vec<Variable> {
    let (start, gy) = (start(y), Tensor::ones(y.shape()).into());
    let targets: HashSet<u64> = xs.iter().filter_map(|x| Some(x.node.as_ref()?.id)).collect();
    let oldest = targets.iter().min().copied().unwrap_or(u64::MAX);
    let (needed, mut found) = (or_panic(reachable(&targets, oldest, &start)), HashMap::new());
    let collect = &mut |node: &Node, gy: &Variable| {
        targets.contains(&node.id).then(|| found.insert(node.id, gy.clone()));
    };
    let run = || run_backward(start, gy, false, oldest, &|node| needed.contains(&node.id), collect);
    or_panic(mode::set_grad_enabled(create_graph, run));
    let of = |x: &Variable| found.get(&x.node.as_ref()?.id).cloned();
    xs.iter().map(|x| of(x).unwrap_or_else(|| Tensor::zeros(x.shape()).into())).collect()
}

#[track_caller]
fn start(y: &Variable) -> Rc<Node> {
    let Some(node) = y.node.clone() else {
        panic!(
            "backward: this result depends on no parameter, or was computed inside no_grad or by grad(.., false), whose \
             gradients are constants; grad(.., true) gives such as can be differentiated again"
        )
    };
    node
}

/// The value, or a panic at the caller's line: one that starts inside a closure would be located there.
#[track_caller]
pub(crate) fn or_panic<T>(result: Result<T, String>) -> T {
    match result {
        Ok(value) => value,
        Err(wrong) => panic!("{wrong}"),
    }
}

/// Carries `gy` from `start` down to the leaves, or to the node `oldest`, along the `needed` nodes. `visit` sees the whole
/// gradient of each.
fn run_backward(
    start: Rc<Node>,
    gy: Variable,
    free: bool,
    oldest: u64,
    needed: &dyn Fn(&Node) -> bool,
    visit: &mut dyn FnMut(&Node, &Variable),
) -> Result<(), String> {
    let mut waiting = BTreeMap::from([(start.id, (start, gy))]);
    while let Some((_, (node, gy))) = waiting.pop_last() {
        // The graph of the oldest one is not asked for, and may have been freed.
        let function = if node.id == oldest { None } else { node.function()? };
        visit(&node, &gy);
        let Some(function) = function else { continue };
        function.check_versions()?;
        let (name, caller) = (function.name, function.caller);
        hook::emit(|| Event::BackwardStart { name, gy: &gy, caller });
        let grads = (function.backward)(gy, &Context { node: &node, function: &function, needed });
        hook::emit(|| Event::BackwardEnd { name, grads: &grads, output: node.shape, caller });
        for (i, (input, gx)) in function.inputs.iter().zip(grads).enumerate() {
            let Some(node) = input.node.as_ref().filter(|node| needed(node)) else { continue };
            let gx = gx.unwrap_or_else(|| panic!("{name}: its rule gave no gradient for input {i}"));
            assert!(gx.shape() == node.shape, "{name}: its rule gave a gradient of the wrong shape for input {i}");
            // The gradients of several uses are added here; those of several backward() calls, in `backward_from`.
            let sum = match waiting.remove(&node.id) {
                Some((_, sum)) => sum + gx,
                None => gx,
            };
            waiting.insert(node.id, (node.clone(), sum));
        }
        if free {
            node.freed.set(Some(name));
            node.function.take();
        }
    }
    Ok(())
}

/// The ids of the nodes on the paths from `y` to the `targets`: all that `grad` has to visit.
fn reachable(targets: &HashSet<u64>, oldest: u64, y: &Rc<Node>) -> Result<HashSet<u64>, String> {
    let (mut functions, mut pending) = (BTreeMap::new(), vec![y.clone()]);
    while let Some(node) = pending.pop() {
        if node.id > oldest && !functions.contains_key(&node.id) {
            let function = node.function()?;
            pending.extend(function.iter().flat_map(|function| function.next_nodes().cloned()));
            functions.insert(node.id, function);
        }
    }
    let mut reachable = targets.clone();
    for (id, function) in functions {
        if function.is_some_and(|function| function.next_nodes().any(|node| reachable.contains(&node.id))) {
            reachable.insert(id);
        }
    }
    Ok(reachable)
}
