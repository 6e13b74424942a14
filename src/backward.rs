//! The heart, part three: gradients flow back along the graph, from the youngest node to the oldest.
//!
//! A result is younger than everything it was made from. So the youngest of the nodes that wait has received whatever
//! will ever arrive there: taking it, again and again, visits the graph in topological order and without recursion.

use crate::graph::{Chain, Function, Node, Origin};
use crate::kernels::Binary;
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{kernels, mode, profile};
use std::cell::Ref;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

impl Variable {
    /// Computes dself/dx for every parameter x and adds it to `x.grad()`. Frees the graph on its way.
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
        let collect = &mut |node: &Node, gy: &Variable| {
            if let Origin::Leaf = *node.origin.borrow() {
                match &mut *node.grad.borrow_mut() {
                    Some(sum) => kernels::zip_assign(Binary::Add, sum.data_mut(), gy.value().data()),
                    none => *none = Some(gy.value().clone()),
                }
            }
        };
        or_panic(mode::no_grad(|| flow(start, gy.into(), true, &|_| true, collect)));
    }
}

/// dy/dx for each x in `xs`, leaf or not, summed over the elements of y; zeros where y does not depend on x.
/// Frees nothing and touches no `x.grad()`. With `create_graph` the gradients can be differentiated again.
///
/// # Panics
/// If y depends on no parameter, or if its graph was freed, or read numbers that were updated since.
#[track_caller]
pub fn grad<const N: usize>(y: &Variable, xs: [&Variable; N], create_graph: bool) -> [Variable; N] {
    let mut found = grads(y, &xs, create_graph).into_iter();
    xs.map(|_| found.next().expect("one for each x"))
}

/// [`grad`] of a list.
///
/// # Panics
/// As [`grad`].
#[track_caller]
pub fn grads(y: &Variable, xs: &[&Variable], create_graph: bool) -> Vec<Variable> {
    let (start, gy) = (start(y), Tensor::ones(y.shape()).into());
    let targets: HashSet<u64> = xs.iter().filter_map(|x| Some(x.node.as_ref()?.id)).collect();
    let wanted = or_panic(leading_to(&targets, &start));
    let mut found = HashMap::new();
    let collect = &mut |node: &Node, gy: &Variable| {
        if targets.contains(&node.id) {
            found.insert(node.id, gy.clone());
        }
    };
    or_panic(mode::recording(create_graph, || flow(start, gy, false, &|node| wanted.contains(&node.id), collect)));
    let of = |x: &Variable| found.get(&x.node.as_ref()?.id).cloned();
    xs.iter().map(|x| of(x).unwrap_or_else(|| Tensor::zeros(x.shape()).into())).collect()
}

#[track_caller]
fn start(y: &Variable) -> Rc<Node> {
    y.node.clone().expect("backward: this result depends on no parameter, or was computed inside no_grad")
}

/// The value, or a panic at the caller's line: one that starts inside a closure would be located there.
#[track_caller]
pub(crate) fn or_panic<T>(result: Result<T, String>) -> T {
    match result {
        Ok(value) => value,
        Err(wrong) => panic!("{wrong}"),
    }
}

/// Carries `gy` from `start` down to the leaves along the `wanted` nodes. `arrive` sees the whole gradient of each.
fn flow(
    start: Rc<Node>,
    gy: Variable,
    free: bool,
    wanted: &dyn Fn(&Node) -> bool,
    arrive: &mut dyn FnMut(&Node, &Variable),
) -> Result<(), String> {
    let mut waiting = BTreeMap::from([(start.id, (start, gy))]);
    while let Some((_, (node, gy))) = waiting.pop_last() {
        arrive(&node, &gy);
        let Some(function) = node.function()? else { continue };
        function.check_versions()?;
        let name = function.name;
        profile::rule_begins(name);
        let grads = (function.rule)(gy, &Chain { node: &node, function: &function, wanted });
        profile::rule_ends(function.inputs.iter().filter_map(|x| Some(x.node.as_ref()?.shape)), &node.shape);
        for (i, (input, gx)) in function.inputs.iter().zip(grads).enumerate() {
            let Some(node) = input.node.as_ref().filter(|node| wanted(node)) else { continue };
            let gx = gx.unwrap_or_else(|| panic!("{name}: its rule gave no gradient for input {i}"));
            assert!(gx.shape() == node.shape, "{name}: its rule gave a gradient of the wrong shape for input {i}");
            // The only place where gradients meet.
            let sum = match waiting.remove(&node.id) {
                Some((_, sum)) => sum + gx,
                None => gx,
            };
            waiting.insert(node.id, (node.clone(), sum));
        }
        drop(function);
        if free {
            node.origin.replace(Origin::Freed(name));
        }
    }
    Ok(())
}

/// The ids of the nodes on the ways from `y` to the `targets`: all that `grad` has to visit.
fn leading_to(targets: &HashSet<u64>, y: &Rc<Node>) -> Result<HashSet<u64>, String> {
    let oldest = targets.iter().min().copied().unwrap_or(u64::MAX);
    let mut inputs_of = BTreeMap::new();
    let mut todo = vec![y.clone()];
    while let Some(node) = todo.pop() {
        if node.id >= oldest && !inputs_of.contains_key(&node.id) {
            let inputs = |f: Ref<Function>| f.inputs.iter().filter_map(|input| input.node.clone()).collect();
            let inputs: Vec<Rc<Node>> = node.function()?.map(inputs).unwrap_or_default();
            todo.extend(inputs.iter().cloned());
            inputs_of.insert(node.id, inputs);
        }
    }
    let mut leading = targets.clone();
    for (id, inputs) in inputs_of {
        if inputs.iter().any(|input| leading.contains(&input.id)) {
            leading.insert(id);
        }
    }
    Ok(leading)
}
