//! [`Network`]: what predicts something of noisy images.

use crate::step09::{Label, T, UNet};
use tsukuru::nn::Module;
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
