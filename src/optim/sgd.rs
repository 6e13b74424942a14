//! Stochastic gradient descent (Robbins and Monro, 1951).

use super::Optimizer;
use crate::Real;
use crate::variable::Variable;

impl Variable {
    /// x -= lr dL/dx: one step of gradient descent. Without a gradient, x stays as it is.
    ///
    /// # Panics
    /// If a borrow from [`Variable::value`] is alive.
    #[track_caller]
    pub fn sgd_step(&self, lr: f64) {
        let Some(grad) = self.try_grad() else { return };
        let lr = lr as Real;
        self.update(|x| x.data_mut().iter_mut().zip(grad.data()).for_each(|(x, g)| *x -= lr * g));
    }
}

/// Stochastic gradient descent: x -= lr dL/dx for each parameter.
pub struct Sgd {
    /// The learning rate.
    pub lr: f64,
    parameters: Vec<Variable>,
}

impl Sgd {
    /// Trains `parameters` with learning rate `lr`.
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
