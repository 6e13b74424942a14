//! [`Velocity`]: the network of the flow in the plane.

use tsukuru::Real;
use tsukuru::mode::no_grad;
use tsukuru::module;
use tsukuru::nn::Linear;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// Width of the hidden layers.
const HIDDEN: usize = 128;

/// v(x, t): points x (N, 2) and times t (N, 1) to velocities (N, 2).
pub struct Velocity {
    linear1: Linear,
    linear2: Linear,
    linear3: Linear,
    linear4: Linear,
}

module!(Velocity { linear1, linear2, linear3, linear4 });

impl Velocity {
    pub fn new(rng: &mut Rng) -> Velocity {
        Velocity {
            linear1: Linear::new(3, HIDDEN, rng),
            linear2: Linear::new(HIDDEN, HIDDEN, rng),
            linear3: Linear::new(HIDDEN, HIDDEN, rng),
            linear4: Linear::new(HIDDEN, 2, rng),
        }
    }

    #[track_caller]
    pub fn forward(&self, x: &Variable, t: &Variable) -> Variable {
        let h = self.linear1.forward(&Variable::cat(&[x, t], 1)).silu();
        let h = self.linear2.forward(&h).silu();
        let h = self.linear3.forward(&h).silu();
        self.linear4.forward(&h)
    }

    /// The velocities of points x (N, 2) that all have the same time.
    #[track_caller]
    pub fn at(&self, x: &Variable, t: f64) -> Variable {
        self.forward(x, &Tensor::full([x.shape()[0], 1], t as Real).into())
    }

    /// As [`at`](Velocity::at), as a [`Solver`](super::Solver) takes it: numbers without a graph.
    pub fn field(&self) -> impl Fn(&Tensor, f64) -> Tensor {
        |x, t| no_grad(|| self.at(&Variable::new(x), t).value().clone())
    }
}
