use super::ones_and_zeros;
use crate::ops::BatchStats;
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{Real, mode, module};
use std::cell::{Cell, RefCell};

/// Batch normalisation (Ioffe and Szegedy, 2015) over the channels of x (N, C, ..). It trains with the batch's own mean
/// and biased variance and keeps running averages (of the unbiased variance), which take their place inside
/// `eval_mode`.
pub struct BatchNorm2d {
    /// gamma (C)
    pub weight: Variable,
    /// beta (C)
    pub bias: Variable,
    /// The average of the batches' means (C).
    pub running_mean: RefCell<Tensor>,
    /// The average of the batches' unbiased variances (C).
    pub running_var: RefCell<Tensor>,
    /// How many batches the averages have seen.
    pub num_batches_tracked: Cell<i64>,
}

module!(BatchNorm2d { weight, bias, running_mean, running_var, num_batches_tracked });

impl BatchNorm2d {
    const EPS: f64 = 1e-5;
    /// How much the newest batch counts in the running averages.
    const MOMENTUM: Real = 0.1;

    /// For `channels` = C. Weights are 1, biases 0; the running averages begin with mean 0 and variance 1.
    pub fn new(channels: usize) -> BatchNorm2d {
        let (weight, bias) = ones_and_zeros(channels);
        BatchNorm2d {
            weight,
            bias,
            running_mean: Tensor::zeros([channels]).into(),
            running_var: Tensor::ones([channels]).into(),
            num_batches_tracked: 0.into(),
        }
    }

    /// y = weight (x - mean) / sqrt(var + 1e-5) + bias, of x's shape: see [`Variable::batch_norm`]. In training, the
    /// running averages move by 0.1 towards the batch.
    ///
    /// # Panics
    /// If x has another number of channels or, in training, fewer than 2 values per channel.
    #[track_caller]
    pub fn forward(&self, x: &Variable) -> Variable {
        match mode::is_training() {
            true => self.update_running(x.batch_norm(&self.weight, &self.bias, Self::EPS)),
            false => x.batch_norm_eval(&self.weight, &self.bias, &self.running(), Self::EPS),
        }
    }

    /// `forward(x).relu()` in one pass over memory.
    ///
    /// # Panics
    /// As [`forward`](BatchNorm2d::forward).
    #[track_caller]
    pub fn forward_relu(&self, x: &Variable) -> Variable {
        match mode::is_training() {
            true => self.update_running(x.batch_norm_relu(&self.weight, &self.bias, Self::EPS)),
            false => x.batch_norm_relu_eval(&self.weight, &self.bias, &self.running(), Self::EPS),
        }
    }

    fn running(&self) -> BatchStats {
        BatchStats { mean: self.running_mean.borrow().clone(), var: self.running_var.borrow().clone() }
    }

    /// Takes a batch into the running averages.
    fn update_running(&self, (y, batch): (Variable, BatchStats)) -> Variable {
        let count = (y.shape().count() / y.shape()[1]) as Real;
        lerp(&self.running_mean, &batch.mean, 1.0);
        lerp(&self.running_var, &batch.var, count / (count - 1.0));
        self.num_batches_tracked.set(self.num_batches_tracked.get() + 1);
        y
    }
}

/// running += momentum (scale newest - running)
fn lerp(running: &RefCell<Tensor>, newest: &Tensor, scale: Real) {
    running.replace_with(|running| {
        running.zip(newest, |running, newest| running + BatchNorm2d::MOMENTUM * (scale * newest - running))
    });
}
