//! Optimizers: they change parameters so that the loss falls.

mod ema;

pub use ema::Ema;

use crate::Real;
use crate::hook::{self, Event};
use crate::kernels::{self, AdamStep};
use crate::tensor::Tensor;
use crate::variable::Variable;

/// What training does with the gradients that `backward()` has left.
pub trait Optimizer {
    /// Updates each parameter that has a gradient.
    fn step(&mut self);

    /// The parameters that are updated.
    fn parameters(&self) -> &[Variable];

    /// Forgets the gradients, before the next `backward()` adds to them.
    fn zero_grad(&self) {
        self.parameters().iter().for_each(Variable::zero_grad);
    }
}

impl Variable {
    /// x -= lr dL/dx: one step of gradient descent. Without a gradient, x stays as it is.
    ///
    /// # Panics
    /// If somebody still holds what [`Variable::value`] lent.
    #[track_caller]
    pub fn sgd_step(&self, lr: f64) {
        let Some(grad) = self.try_grad() else { return };
        let lr = lr as Real;
        self.update(|x| x.data_mut().iter_mut().zip(grad.data()).for_each(|(x, g)| *x -= lr * g));
    }
}

/// Stochastic gradient descent: x -= lr dL/dx for each parameter.
pub struct Sgd {
    pub lr: f64,
    parameters: Vec<Variable>,
}

impl Sgd {
    pub fn new(parameters: Vec<Variable>, lr: f64) -> Sgd {
        Sgd { lr, parameters }
    }
}

impl Optimizer for Sgd {
    fn step(&mut self) {
        self.parameters.iter().for_each(|parameter| parameter.sgd_step(self.lr));
    }

    fn parameters(&self) -> &[Variable] {
        &self.parameters
    }
}

/// Adam (Kingma and Ba, 2015): steps of about `lr` in the direction of the mean gradient, whatever its size.
/// A parameter without a gradient is left alone, and its own count of steps with it.
pub struct Adam {
    pub lr: f64,
    parameters: Vec<Variable>,
    state: AdamState,
}

/// What Adam remembers, by the position of the parameter.
#[derive(Clone)]
pub struct AdamState {
    /// How many steps were taken (PyTorch: `step`).
    pub steps: Vec<u64>,
    /// Running mean of the gradient (PyTorch: `exp_avg`).
    pub m: Vec<Tensor>,
    /// Running mean of its square (PyTorch: `exp_avg_sq`).
    pub v: Vec<Tensor>,
}

impl Adam {
    const BETA1: f64 = 0.9;
    const BETA2: f64 = 0.999;
    const EPS: f64 = 1e-8;

    pub fn new(parameters: Vec<Variable>, lr: f64) -> Adam {
        let zeros = || parameters.iter().map(|p| Tensor::zeros(p.shape())).collect();
        let state = AdamState { steps: vec![0; parameters.len()], m: zeros(), v: zeros() };
        Adam { lr, parameters, state }
    }

    pub fn state(&self) -> &AdamState {
        &self.state
    }

    /// Goes on from a state that was saved.
    ///
    /// # Panics
    /// If it belongs to parameters of other shapes.
    #[track_caller]
    pub fn set_state(&mut self, state: AdamState) {
        let shapes = |tensors: &[Tensor]| tensors.iter().map(|t| *t.shape()).collect::<Vec<_>>();
        let fits = shapes(&state.m) == shapes(&self.state.m) && shapes(&state.v) == shapes(&self.state.v);
        assert!(
            fits && state.steps.len() == self.parameters.len(),
            "adam: the state belongs to parameters of other shapes"
        );
        self.state = state;
    }
}

impl Optimizer for Adam {
    fn step(&mut self) {
        let AdamState { steps, m, v } = &mut self.state;
        for (((parameter, steps), m), v) in self.parameters.iter().zip(steps).zip(m).zip(v) {
            let Some(grad) = parameter.try_grad() else { continue };
            *steps += 1;
            let step = AdamStep { lr: self.lr, beta1: Self::BETA1, beta2: Self::BETA2, eps: Self::EPS, step: *steps };
            parameter.update(|x| kernels::adam(&step, grad.data(), m.data_mut(), v.data_mut(), x.data_mut()));
            // x, grad, m and v are read; x, m and v are written.
            hook::emit(|| Event::Update { name: "adam", numbers: 7 * grad.data().len() });
        }
    }

    fn parameters(&self) -> &[Variable] {
        &self.parameters
    }
}
