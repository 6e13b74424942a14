//! [`Network`]: what predicts something of noisy images.

use crate::step09::{Label, T, UNet};
use tsukuru::Real;
use tsukuru::mode::{eval_mode, no_grad};
use tsukuru::nn::Module;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// A network with one output for every pixel.
pub trait Network: Module {
    /// x (N, C, H, W) at times t (N) from 0 to 1, with labels (N), to (N, C, H, W).
    fn forward(&self, x: &Variable, t: &[f64], labels: &[Label]) -> Variable;
}

/// The U-Net of step 9, whose times run to 1000.
impl Network for UNet {
    #[track_caller]
    fn forward(&self, x: &Variable, t: &[f64], labels: &[Label]) -> Variable {
        self.forward_at(x, &Vec::from_iter(t.iter().map(|t| T as f64 * t)), labels)
    }
}

/// y = y_uncond + gamma (y_cond - y_uncond), of images x (N, C, H, W), all at time t, with labels (N): classifier-free
/// guidance as in step 10 (Ho and Salimans, 2022, equation 6, where 1 + w is gamma), in evaluation mode and without a graph.
/// For gamma = 1 the network is asked with the labels only.
pub fn guided(network: &dyn Network, x: &Tensor, t: f64, labels: &[Label], gamma: f64) -> Tensor {
    let (x, n) = (Variable::new(x), labels.len());
    let predict =
        |x: &Variable, labels: &[Label]| no_grad(|| eval_mode(|| network.forward(x, &vec![t; labels.len()], labels)));
    if gamma == 1.0 {
        return predict(&x, labels).value().clone();
    }
    let y = predict(&Variable::cat(&[&x, &x], 0), &[labels, &vec![None; n]].concat());
    let (cond, uncond) = (y.narrow(0, 0, n), y.narrow(0, n, n));
    let y = &uncond + gamma as Real * (cond - &uncond);
    y.value().clone()
}
