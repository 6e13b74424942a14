//! Where the time goes: [`profiled`] runs something and tells what each operation cost, forward and backward.
//!
//! Every operation passes through [`record`](crate::graph::record) when its numbers are there, every rule through the
//! backward walk, and Adam comes by after each parameter. Each leaves a mark, and the time since the mark before is the
//! operation's. Code between two operations counts for the second, and what follows the last is `(the rest)`.

use crate::shape::Shape;
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// What one kind of operation took, all in all.
#[derive(Clone, Debug)]
pub struct Cost {
    /// The operation; or `rule <- operation` for one that runs on the way back, on behalf of a rule.
    pub name: String,
    pub count: usize,
    pub time: Duration,
    /// Numbers read and written, if each input and the output passes once; of a rule that calls no operation, each
    /// input, its gradient and the output's.
    pub numbers: usize,
    /// Additions and multiplications of convolutions and matrix products, counted directly.
    pub flops: f64,
}

struct Profile {
    last: Instant,
    /// The rule that is at work, and whether it has called operations.
    rule: Option<(&'static str, bool)>,
    costs: Vec<Cost>,
}

thread_local! {
    static PROFILE: RefCell<Option<Profile>> = const { RefCell::new(None) };
}

/// Runs `work` on this thread, and returns the costs of its operations beside its result, the dearest first. (Inside
/// another `profiled`, the outer one sees nothing of it but its time.)
pub fn profiled<T>(work: impl FnOnce() -> T) -> (T, Vec<Cost>) {
    let outer = PROFILE.replace(Some(Profile { last: Instant::now(), rule: None, costs: Vec::new() }));
    let result = work();
    let mut profile = PROFILE.replace(outer).expect("set above");
    profile.add("(the rest)".to_string(), 0, 0.0);
    let mut costs = profile.costs;
    costs.sort_by_key(|cost| std::cmp::Reverse(cost.time));
    (result, costs)
}

/// Ends an operation: `inputs` and `output` are what went in and came out.
pub(crate) fn mark<'a>(name: &str, inputs: impl Iterator<Item = Shape> + 'a, output: &Shape) {
    PROFILE.with_borrow_mut(|profile| {
        let Some(profile) = profile else { return };
        let inputs: Vec<Shape> = inputs.collect();
        let numbers = inputs.iter().chain([output]).map(Shape::count).sum();
        let label = match &mut profile.rule {
            None => name.to_string(),
            Some((rule, calls)) => {
                *calls = true;
                format!("{rule} <- {name}")
            }
        };
        profile.add(label, numbers, flops(name, &inputs, output));
    });
}

/// A rule begins.
pub(crate) fn rule_begins(name: &'static str) {
    PROFILE.with_borrow_mut(|profile| {
        if let Some(profile) = profile {
            profile.rule = Some((name, false));
        }
    });
}

/// It ends: `inputs` have gradients now, and `output` had one.
pub(crate) fn rule_ends<'a>(inputs: impl Iterator<Item = Shape> + 'a, output: &Shape) {
    PROFILE.with_borrow_mut(|profile| {
        let Some(profile) = profile else { return };
        let Some((name, calls)) = profile.rule.take() else { return };
        let numbers = if calls { 0 } else { output.count() + 2 * inputs.map(|input| input.count()).sum::<usize>() };
        profile.add(format!("{name} <-"), numbers, 0.0);
    });
}

impl Profile {
    fn add(&mut self, name: String, numbers: usize, flops: f64) {
        let now = Instant::now();
        let time = now - std::mem::replace(&mut self.last, now);
        match self.costs.iter_mut().find(|cost| cost.name == name) {
            Some(cost) => {
                cost.count += 1;
                cost.time += time;
                cost.numbers += numbers;
                cost.flops += flops;
            }
            None => self.costs.push(Cost { name, count: 1, time, numbers, flops }),
        }
    }
}

fn flops(name: &str, inputs: &[Shape], output: &Shape) -> f64 {
    let count = |shape: &Shape| shape.count() as f64;
    let products = match name {
        "conv2d" => count(output) * count(&inputs[1]) / inputs[1][0].max(1) as f64,
        "conv2d_dx" => count(&inputs[0]) * count(&inputs[1]) / inputs[1][0].max(1) as f64,
        "conv2d_dw" => count(&inputs[1]) * count(output) / output[0].max(1) as f64,
        // For each product of a batch, (m k) (k n) (m n) is the square of m k n.
        "matmul" | "linear" => {
            let batch: usize = output[..output.len() - 2].iter().product();
            (count(&inputs[0]) * count(&inputs[1]) * count(output) / batch.max(1) as f64).sqrt()
        }
        _ => 0.0,
    };
    2.0 * products
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::{Adam, Optimizer};
    use crate::tensor::Tensor;
    use crate::variable::Variable;

    #[test]
    fn flops_are_two_for_each_product() {
        let ones = |shape: &[usize]| Variable::new(Tensor::ones(Shape::new(shape)));
        let (x, w) = (ones(&[2, 3, 7, 6]), ones(&[5, 3, 2, 4]));
        let work = || {
            (
                x.conv2d(&w, None, 1, 0),
                ones(&[9, 4, 5]).matmul(&ones(&[9, 5, 6])),
                ones(&[4, 5]).linear(&ones(&[6, 5]), None),
            )
        };
        let (_, costs) = profiled(work);
        let of = |name: &str| costs.iter().find(|cost| cost.name == name).map(|cost| cost.flops.round());
        assert_eq!(of("conv2d"), Some((2 * 2 * 5 * 6 * 3 * 3 * 2 * 4) as f64));
        assert_eq!(of("matmul"), Some((2 * 9 * 4 * 5 * 6) as f64));
        assert_eq!(of("linear"), Some((2 * 4 * 5 * 6) as f64));
        let large = Shape::new(&[8192, 8192]); // of which the square is more than an integer holds
        assert_eq!(flops("matmul", &[large, large], &large), 2.0 * 8192f64.powi(3));
    }

    #[test]
    fn a_rule_without_operations_passes_over_its_gradients() {
        let x = Variable::parameter(Tensor::ones([4, 2, 3, 3]));
        let per_channel = || Variable::parameter(Tensor::ones([2]));
        let (_, costs) = profiled(|| x.batch_norm(&per_channel(), &per_channel(), 1e-5).0.sin().sum(..).backward());
        let numbers = |name: &str| costs.iter().find(|cost| cost.name == name).map(|cost| cost.numbers);
        assert_eq!(numbers("batch_norm <-"), Some(3 * 72 + 4 * 2));
        assert_eq!(numbers("sin <-"), Some(0), "its cosine and its product are operations of their own");
    }

    #[test]
    fn no_time_is_lost() {
        let x = Variable::parameter(Tensor::ones([4, 3]));
        let (_, costs) = profiled(|| {
            x.sum(..).backward();
            Adam::new(vec![x.clone()], 0.1).step();
        });
        let numbers = |name: &str| costs.iter().find(|cost| cost.name == name).map(|cost| cost.numbers);
        assert_eq!(numbers("adam"), Some(7 * 12), "x, its gradient, m and v are read; x, m and v are written");
        assert_eq!(numbers("(the rest)"), Some(0));
    }

    #[test]
    fn a_profile_within_another_ends_neither() {
        let x = Variable::new(2.0);
        let (inner, outer) = profiled(|| {
            let (_, inner) = profiled(|| drop(x.exp()));
            drop(x.sin());
            inner
        });
        let names = |costs: &[Cost]| costs.iter().map(|cost| cost.name.clone()).filter(|name| name.len() < 4).collect();
        let [inner, outer]: [Vec<String>; 2] = [names(&inner), names(&outer)];
        assert_eq!((inner, outer), (vec!["exp".to_string()], vec!["sin".to_string()]));
    }
}
