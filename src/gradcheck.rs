//! Finite differences: whether an operation's derivatives are right, to any order. Use it on your own operations,
//! with the feature `f64` (in f32 the differences are lost to rounding errors).

use crate::Real;
use crate::backward::grads;
use crate::random::Rng;
use crate::tensor::Tensor;
use crate::variable::Variable;

/// Half the distance of the two points of a central difference.
const STEP: f64 = 1e-5;

/// Compares the gradients of `f` at `xs` with central differences, then those of a random combination of these
/// gradients, and so on up to `order`; each entry to 1e-6 of the largest. Returns what `f` and its gradients recorded.
///
/// # Panics
/// At the first entry that differs: with the order, the input, the entry, what came and what was expected.
pub fn check(name: &str, f: &dyn Fn(&[Variable]) -> Variable, xs: &[Tensor], order: usize) -> Variable {
    let mut rng = Rng::new(0, name, order as u64);
    let parameters: Vec<Variable> = xs.iter().map(|x| Variable::parameter(x.clone())).collect();
    // A random combination of the outputs: its gradient meets every one of them, each with its own weight.
    let weights = rng.uniform_tensor(f(&parameters).shape(), 0.5, 1.5);
    check_scalar(name, &|xs| (f(xs) * Variable::new(weights.clone())).sum(..), xs, 1, order, &mut rng)
}

fn check_scalar(
    name: &str,
    f: &dyn Fn(&[Variable]) -> Variable,
    xs: &[Tensor],
    order: usize,
    last: usize,
    rng: &mut Rng,
) -> Variable {
    let gradients = |xs: &[Variable]| grads(&f(xs), &xs.iter().collect::<Vec<_>>(), true);
    let parameters: Vec<Variable> = xs.iter().map(|x| Variable::parameter(x.clone())).collect();
    let y = f(&parameters);
    if y.node.is_none() {
        return y; // the gradients of the order before are constants
    }
    let got = gradients(&parameters);
    for (k, got) in got.iter().enumerate() {
        let want: Vec<f64> = (0..xs[k].shape().count()).map(|i| difference(f, xs, k, i)).collect();
        let scale = want.iter().fold(1e-3, |largest: f64, w| largest.max(w.abs()));
        for (i, (&got, want)) in got.value().data().iter().zip(&want).enumerate() {
            let close = (f64::from(got) - want).abs() <= 1e-6 * scale;
            assert!(close, "{name}: order {order}, input {k}, entry {i}: got {got}, finite differences say {want}");
        }
    }
    if order == last {
        return y;
    }
    let directions: Vec<Variable> =
        xs.iter().map(|x| Variable::new(rng.uniform_tensor(*x.shape(), 0.5, 1.5))).collect();
    let along = |xs: &[Variable]| {
        let terms = gradients(xs).into_iter().zip(&directions).map(|(g, v)| (g * v).sum(..));
        terms.reduce(|a, b| a + b).expect("a function has inputs")
    };
    check_scalar(name, &along, xs, order + 1, last, rng)
}

/// (f(.., x + step, ..) - f(.., x - step, ..)) / 2 step, where x is entry i of input k.
fn difference(f: &dyn Fn(&[Variable]) -> Variable, xs: &[Tensor], k: usize, i: usize) -> f64 {
    let at = |offset: f64| {
        let mut moved = xs.to_vec();
        moved[k].data_mut()[i] += offset as Real;
        let moved: Vec<Variable> = moved.into_iter().map(Variable::parameter).collect();
        f64::from(f(&moved).item())
    };
    (at(STEP) - at(-STEP)) / (2.0 * STEP)
}
