//! Gradient clipping.

use crate::Real;
use crate::kernels::{self, Unary};
use crate::variable::Variable;

/// Scales all gradients by one factor, so that their common norm is at most `max_norm` (Pascanu, Mikolov and Bengio,
/// 2013, algorithm 1; `torch.nn.utils.clip_grad_norm_`). Returns the norm before: the root of the sum of the squares of
/// all numbers in all gradients.
pub fn clip_grad_norm(parameters: &[Variable], max_norm: f64) -> f64 {
    let grads = || parameters.iter().filter_map(|parameter| parameter.node.as_ref()).map(|node| &node.grad);
    let square_sum = |x: &[Real]| x.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
    let norm = grads().flat_map(|grad| grad.borrow().as_ref().map(|x| square_sum(x.data()))).sum::<f64>().sqrt();
    let factor = max_norm / (norm + 1e-6);
    if factor < 1.0 {
        let scale = |x: &mut [Real]| kernels::map_assign(Unary::Scale(factor as Real), x);
        grads().for_each(|grad| grad.borrow_mut().iter_mut().for_each(|x| scale(x.data_mut())));
    }
    norm
}
