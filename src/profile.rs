//! Where the time goes: [`profiled`] runs something and measures what each operation costs, forward and backward.
//!
//! Every operation [shows itself](crate::hook) when its numbers are there, every backward rule before and after it ran,
//! and Adam after each parameter. The time since the event before is the operation's. Code between two operations
//! counts for the second, and what follows the last is `(the rest)`.
//!
//! What stands first, composed of several operations that each pass over the same numbers, may be worth a kernel of its
//! own. README.md lists the places that one touches.

use crate::hook::{Event, with_hook};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What one kind of operation took, all in all.
#[derive(Clone, Debug)]
pub struct Cost {
    /// The operation; or `rule <- operation` for one that a backward rule calls.
    pub name: String,
    /// How many times it ran.
    pub count: usize,
    /// The time of all runs.
    pub time: Duration,
    /// Numbers read and written, if each input and the output passes once; of a rule that calls no operation, each
    /// input, its gradient and the output's.
    pub numbers: usize,
    /// Additions and multiplications of convolutions, matrix products and attention, counted directly.
    pub flops: f64,
}

struct Profile {
    last: Instant,
    /// The backward rule under way, and whether it has called operations.
    rule: Option<(&'static str, bool)>,
    /// Of the operation under way.
    flops: f64,
    costs: Vec<Cost>,
}

/// Runs `work` on this thread. Returns its result and the costs of its operations, the longest time first. Inside
/// another `profiled`, the outer one sees only the time of the inner one.
pub fn profiled<T>(work: impl FnOnce() -> T) -> (T, Vec<Cost>) {
    let profile = Rc::new(RefCell::new(Profile { last: Instant::now(), rule: None, flops: 0.0, costs: vec![] }));
    let hook = profile.clone();
    let result = with_hook(Rc::new(move |event: &Event| hook.borrow_mut().see(event)), work);
    let mut profile = profile.borrow_mut();
    profile.add("(the rest)".to_string(), 0);
    let mut costs = std::mem::take(&mut profile.costs);
    costs.sort_by_key(|cost| std::cmp::Reverse(cost.time));
    (result, costs)
}

impl Profile {
    fn see(&mut self, event: &Event) {
        match event {
            Event::Flops(flops) => self.flops += flops,
            Event::Forward { name, inputs, output, .. } => {
                let numbers = output.shape().count() + inputs.iter().map(|x| x.shape().count()).sum::<usize>();
                let label = match &mut self.rule {
                    None => name.to_string(),
                    Some((rule, calls)) => {
                        *calls = true;
                        format!("{rule} <- {name}")
                    }
                };
                self.add(label, numbers);
            }
            Event::BackwardStart { name, .. } => self.rule = Some((name, false)),
            Event::BackwardEnd { name, grads, output, .. } => {
                // A rule that calls no operation passes over the output's gradient, each input and its gradient.
                let calls = self.rule.take().is_some_and(|(_, calls)| calls);
                let grads = grads.iter().flatten().map(|gx| gx.shape().count()).sum::<usize>();
                self.add(format!("{name} <-"), if calls { 0 } else { output.count() + 2 * grads });
            }
            Event::Update { name, numbers } => self.add(name.to_string(), *numbers),
        }
    }

    fn add(&mut self, name: String, numbers: usize) {
        let now = Instant::now();
        let time = now - std::mem::replace(&mut self.last, now);
        let flops = std::mem::take(&mut self.flops);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::no_grad;
    use crate::nn::Conv2d;
    use crate::optim::{Adam, Optimizer};
    use crate::random::Rng;
    use crate::shape::Shape;
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
        let flops =
            |name: &str, costs: &[Cost]| costs.iter().find(|cost| cost.name == name).map(|cost| cost.flops.round());
        let costs = profiled(work).1;
        let of = |name: &str| flops(name, &costs);
        let convolution = Some((2 * 2 * 5 * 6 * 3 * 3 * 2 * 4) as f64);
        assert_eq!(of("conv2d"), convolution);
        let parameter = |x: &Variable| Variable::parameter(x.value().clone());
        let y = parameter(&x).conv2d(&parameter(&w), None, 1, 0).sum(..);
        let backward = profiled(|| y.backward()).1;
        assert_eq!(flops("conv2d <- conv2d_dx", &backward), convolution);
        assert_eq!(flops("conv2d <- conv2d_dw", &backward), convolution);
        let layer = Conv2d::new(3, 5, 2, &mut Rng::new(0, "init", 0));
        let prepared = profiled(|| no_grad(|| layer.forward(&x))).1;
        assert_eq!(flops("conv2d", &prepared), Some((2 * 2 * 6 * 5 * 3 * 2 * 2 * 5) as f64));
        assert_eq!(of("matmul"), Some((2 * 9 * 4 * 5 * 6) as f64));
        assert_eq!(of("linear"), Some((2 * 4 * 5 * 6) as f64));
        // q k^T and p v; backward q k^T once more, p^T gy, gy v^T, gs k and gs^T q.
        let (q, k) = (parameter(&ones(&[3, 4, 5])), parameter(&ones(&[3, 6, 5])));
        let ((), attention) = profiled(|| q.scaled_dot_product_attention(&k, &k).sum(..).backward());
        let products = Some((2 * 2 * 3 * 4 * 6 * 5) as f64);
        assert_eq!(flops("scaled_dot_product_attention", &attention), products);
        assert_eq!(flops("scaled_dot_product_attention <-", &attention), products.map(|forward| 2.5 * forward));
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
