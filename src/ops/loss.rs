//! Loss functions.

use crate::Real;
use crate::graph::Save::Input;
use crate::graph::record;
use crate::variable::Variable;

/// How a loss becomes one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The mean over all elements.
    Mean,
    /// The sum over all elements, as in the squared error of the book's autoencoders.
    Sum,
}

impl Variable {
    /// The squared error: the mean (or sum) of (x - target)^2 over all elements, one number. x and target of one shape.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn mse_loss(&self, target: &Variable, reduction: Reduction) -> Variable {
        let (own, other) = (self.shape(), target.shape());
        assert!(own == other, "mse_loss: x {own} and target {other} differ");
        let sum = (self - target).square().sum(..);
        match reduction {
            Reduction::Sum => sum,
            Reduction::Mean => sum / own.count() as Real,
        }
    }

    /// The cross-entropy of classes, one number: the mean over the rows of `-ln softmax(x)[target]`, for logits
    /// x (N, classes) and one target class for each row.
    ///
    /// # Panics
    /// If x is not (targets, classes), or a target is none of the classes.
    #[track_caller]
    pub fn cross_entropy(&self, targets: &[usize]) -> Variable {
        let shape = self.shape();
        let fits = shape.len() == 2 && shape[0] == targets.len();
        assert!(fits, "cross_entropy: x {shape} with {} targets is not (targets, classes)", targets.len());
        if let Some(outside) = targets.iter().find(|&&t| t >= shape[1]) {
            panic!("cross_entropy: target {outside} is none of the {} classes", shape[1]);
        }
        -self.log_softmax(1).gather(targets).mean(..)
    }

    /// The cross-entropy of two classes, one number: the mean of -(t ln p + (1 - t) ln(1 - p)) for probabilities
    /// p = self and constant targets t of the same shape. It is the reconstruction loss of an autoencoder with
    /// Bernoulli pixels (Kingma and Welling, 2014, appendix C.1); the book's has Gaussian ones. As in PyTorch, no
    /// logarithm is below -100, and p (1 - p) in the derivative (p - t) / (p (1 - p)) not below 1e-12.
    ///
    /// # Panics
    /// If the shapes differ, or a p is not within 0..=1: logits go through [`sigmoid`](Variable::sigmoid) first, or into
    /// [`binary_cross_entropy_with_logits`](Variable::binary_cross_entropy_with_logits).
    #[track_caller]
    pub fn binary_cross_entropy(&self, target: &Variable) -> Variable {
        let (own, other) = (self.shape(), target.shape());
        assert!(own == other, "binary_cross_entropy: p {own} and target {other} differ");
        if let Some(outside) = self.value().data().iter().find(|p| !(0.0..=1.0).contains(*p)) {
            panic!(
                "binary_cross_entropy: p = {outside} is no probability; take sigmoid() first, or \
                 binary_cross_entropy_with_logits()"
            );
        }
        let t = target.detach();
        let loss = |p: &Variable| {
            let ln = |p: &Variable| p.ln().clamp(-100.0, Real::MAX);
            -(&t * ln(p) + (1.0 - &t) * ln(&(1.0 - p))).mean(..)
        };
        let y = loss(&self.detach()).value().clone();
        let t = t.value().clone();
        record("binary_cross_entropy", &[self], &[Input(0)], y, move |gy, ctx| {
            let (p, t) = (ctx.x(0), Variable::new(t.clone()));
            let variance = (&p * (1.0 - &p)).clamp(1e-12, Real::MAX);
            vec![Some(gy / own.count() as Real * ((p - t) / variance))]
        })
    }

    /// [`Variable::binary_cross_entropy`] of p = sigmoid(x), one number, without rounding p: the mean of
    /// ln(1 + e^x) - t x for logits x and targets t of the same shape. A discriminator's loss.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn binary_cross_entropy_with_logits(&self, target: &Variable) -> Variable {
        let (own, other) = (self.shape(), target.shape());
        assert!(own == other, "binary_cross_entropy_with_logits: x {own} and target {other} differ");
        (self.softplus() - target * self).mean(..)
    }
}
