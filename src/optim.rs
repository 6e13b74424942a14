//! Optimizers: they change parameters so that the loss falls. Beside them, what training does with gradients and
//! weights: [`clip_grad_norm`] and the moving average [`Ema`].

mod adam;
mod clip_grad;
mod ema;
mod sgd;

pub use adam::{Adam, AdamState, AdamW};
pub use clip_grad::clip_grad_norm;
pub use ema::Ema;
pub use sgd::Sgd;

use crate::variable::Variable;

/// What training does with the gradients that `backward()` has left.
pub trait Optimizer {
    /// Updates each parameter that has a gradient.
    ///
    /// # Panics
    /// If a borrow from [`Variable::value`] is alive.
    fn step(&mut self);

    /// The parameters that are updated.
    fn parameters(&self) -> &[Variable];

    /// Removes the gradients, before the next `backward()` adds to them: see [`Variable::zero_grad`].
    fn zero_grad(&self) {
        self.parameters().iter().for_each(Variable::zero_grad);
    }
}
