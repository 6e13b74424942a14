//! Adam and AdamW.

use super::Optimizer;
use crate::Real;
use crate::hook::{self, Event};
use crate::kernels::{self, AdamStep, Unary};
use crate::tensor::Tensor;
use crate::variable::Variable;

/// Adam (Kingma and Ba, 2015, algorithm 1), with beta1 = 0.9, beta2 = 0.999 and eps = 1e-8. With g = dL/dx:
///
/// ```text
/// m += (1 - beta1) (g - m)             m^ = m / (1 - beta1^t)
/// v += (1 - beta2) (g^2 - v)           v^ = v / (1 - beta2^t)
/// x -= lr m^ / (sqrt(v^) + eps)
/// ```
///
/// A step has a size of about `lr`, whatever the size of the gradient. A parameter without a gradient stays as it is,
/// and so does t, which is counted for each parameter.
pub struct Adam {
    /// The learning rate.
    pub lr: f64,
    parameters: Vec<Variable>,
    state: AdamState,
}

/// What Adam remembers, by the position of the parameter.
#[derive(Clone)]
pub struct AdamState {
    /// t: how many steps were taken (PyTorch: `step`).
    pub steps: Vec<u64>,
    /// m: the running mean of the gradient (PyTorch: `exp_avg`).
    pub m: Vec<Tensor>,
    /// v: the running mean of its square (PyTorch: `exp_avg_sq`).
    pub v: Vec<Tensor>,
}

impl Adam {
    const BETA1: f64 = 0.9;
    const BETA2: f64 = 0.999;
    const EPS: f64 = 1e-8;

    /// Trains `parameters` with learning rate `lr`.
    pub fn new(parameters: Vec<Variable>, lr: f64) -> Adam {
        let zeros = || parameters.iter().map(|p| Tensor::zeros(p.shape())).collect();
        let state = AdamState { steps: vec![0; parameters.len()], m: zeros(), v: zeros() };
        Adam { lr, parameters, state }
    }

    /// What a checkpoint saves.
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

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019, algorithm 2): before each step of Adam,
/// x -= lr weight_decay x. A parameter without a gradient does not decay.
pub struct AdamW {
    /// The steps, with their learning rate and state.
    pub adam: Adam,
    /// 0.01, as in PyTorch, unless it is changed.
    pub weight_decay: f64,
}

impl AdamW {
    /// With learning rate `lr`, weight decay 0.01 and otherwise as [`Adam`].
    pub fn new(parameters: Vec<Variable>, lr: f64) -> AdamW {
        AdamW { adam: Adam::new(parameters, lr), weight_decay: 0.01 }
    }
}

impl Optimizer for AdamW {
    fn step(&mut self) {
        let keep = Unary::Scale((1.0 - self.adam.lr * self.weight_decay) as Real);
        let with_grad = self.parameters().iter().filter(|parameter| parameter.try_grad().is_some());
        with_grad.for_each(|parameter| parameter.update(|x| kernels::map_assign(keep, x.data_mut())));
        self.adam.step();
    }

    fn parameters(&self) -> &[Variable] {
        self.adam.parameters()
    }
}
