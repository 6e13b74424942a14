//! Normalisation over the batch (Ioffe and Szegedy, 2015).
//!
//! A variance is the mean of (x - mean)^2, never a difference of squares, so a large mean costs it no digits. An error of y
//! is at most that of x and of its mean, which are rounded to [`Real`]: a few 2^-24 |mean| / std in f32.

use crate::Real;
use crate::graph::Save::{self, Input, Output};
use crate::graph::{Context, record};
use crate::kernels::{self, BatchNorm, Binary, Channels};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::variable::Variable;

/// Mean and variance of each channel: those of a batch, or running averages over batches.
pub struct BatchStats {
    /// (C)
    pub mean: Tensor,
    /// (C); of a batch, the biased one.
    pub var: Tensor,
}

impl Variable {
    /// y = gamma (x - mean) / sqrt(var + eps) + beta (algorithm 1), with mean and biased variance of each channel over
    /// the batch: x (N, C, ..), gamma (C), beta (C), y of x's shape. The second result is these means and variances.
    ///
    /// # Panics
    /// If gamma or beta are not (C), or a channel has fewer than two values.
    #[track_caller]
    pub fn batch_norm(&self, gamma: &Variable, beta: &Variable, eps: f64) -> (Variable, BatchStats) {
        self.batch_norm_and("batch_norm", false, gamma, beta, eps)
    }

    /// max(y, 0) of [`Variable::batch_norm`] in one pass over memory.
    ///
    /// # Panics
    /// As [`Variable::batch_norm`].
    #[track_caller]
    pub fn batch_norm_relu(&self, gamma: &Variable, beta: &Variable, eps: f64) -> (Variable, BatchStats) {
        self.batch_norm_and("batch_norm_relu", true, gamma, beta, eps)
    }

    #[track_caller]
    fn batch_norm_and(
        &self,
        name: &'static str,
        relu: bool,
        gamma: &Variable,
        beta: &Variable,
        eps: f64,
    ) -> (Variable, BatchStats) {
        let (x, size) = (self.value(), channels(name, self, gamma, beta));
        let count = size.n * size.s;
        assert!(count > 1, "{name}: x {}: expected more than 1 value per channel, found {count}", x.shape());
        let (mut mean, mut var) = (Tensor::zeros([size.c]), Tensor::zeros([size.c]));
        kernels::channel_stats(&size, x.data(), mean.data_mut(), var.data_mut());
        let norm = Norm { mean: mean.clone(), rstd: inverse_std(&var, eps), beta: beta.value().clone(), relu };
        let y = norm.apply(&size, &x, gamma);
        let y = record(name, &[self, gamma, beta], saved(relu), y, move |gy, ctx| match ctx.create_graph() {
            false => norm.grads(&size, &ctx.x(0), &ctx.x(1), &gy),
            true => grads_by_formula(count, &ctx.x(0), &ctx.x(1), &before_relu(relu, gy, ctx), eps),
        });
        (y, BatchStats { mean, var })
    }

    /// y = gamma (x - mean) / sqrt(var + eps) + beta with given mean (C) and var (C), as after training: x (N, C, ..),
    /// gamma (C), beta (C), y of x's shape.
    ///
    /// # Panics
    /// If gamma, beta, mean or var are not (C).
    #[track_caller]
    pub fn batch_norm_eval(&self, gamma: &Variable, beta: &Variable, stats: &BatchStats, eps: f64) -> Variable {
        self.batch_norm_eval_and("batch_norm_eval", false, gamma, beta, stats, eps)
    }

    /// max(y, 0) of [`Variable::batch_norm_eval`] in one pass over memory.
    ///
    /// # Panics
    /// As [`Variable::batch_norm_eval`].
    #[track_caller]
    pub fn batch_norm_relu_eval(&self, gamma: &Variable, beta: &Variable, stats: &BatchStats, eps: f64) -> Variable {
        self.batch_norm_eval_and("batch_norm_relu_eval", true, gamma, beta, stats, eps)
    }

    #[track_caller]
    fn batch_norm_eval_and(
        &self,
        name: &'static str,
        relu: bool,
        gamma: &Variable,
        beta: &Variable,
        stats: &BatchStats,
        eps: f64,
    ) -> Variable {
        let size = channels(name, self, gamma, beta);
        let (m, v) = (stats.mean.shape(), stats.var.shape());
        let fits = **m == [size.c] && **v == [size.c];
        assert!(fits, "{name}: x {}, mean {m}, var {v}: {} channels are needed", self.shape(), size.c);
        let (mean, rstd) = (stats.mean.clone(), inverse_std(&stats.var, eps));
        let norm = Norm { mean, rstd, beta: beta.value().clone(), relu };
        let y = norm.apply(&size, &self.value(), gamma);
        let per_channel = channel_shape(&self.shape());
        record(name, &[self, gamma, beta], saved(relu), y, move |gy, ctx| {
            let gy = before_relu(relu, gy, ctx);
            let constant = |t: &Tensor| Variable::new(t.reshape(per_channel));
            let gx = ctx.needs_grad(0).then(|| &gy * (ctx.x(1).reshape(per_channel) * constant(&norm.rstd)));
            let hat = || (ctx.x(0) - constant(&norm.mean)) * constant(&norm.rstd);
            let ggamma = ctx.needs_grad(1).then(|| (&gy * hat()).sum_to(per_channel).reshape([size.c]));
            vec![gx, ggamma, ctx.needs_grad(2).then(|| gy.sum_to(per_channel).reshape([size.c]))]
        })
    }
}

/// What a batch norm's kernels need besides x and gamma.
struct Norm {
    mean: Tensor,
    rstd: Tensor,
    beta: Tensor,
    relu: bool,
}

impl Norm {
    fn numbers<'a>(&'a self, gamma: &'a Tensor) -> BatchNorm<'a> {
        let Norm { mean, rstd, beta, relu } = self;
        BatchNorm { mean: mean.data(), rstd: rstd.data(), gamma: gamma.data(), beta: beta.data(), relu: *relu }
    }

    fn apply(&self, size: &Channels, x: &Tensor, gamma: &Variable) -> Tensor {
        Tensor::build(*x.shape(), |y| kernels::batch_norm(size, &self.numbers(&gamma.value()), x.data(), y))
    }

    /// The gradients of x, gamma and beta, if mean and rstd are those of x.
    fn grads(&self, size: &Channels, x: &Variable, gamma: &Variable, gy: &Variable) -> Vec<Option<Variable>> {
        let (x, gamma, gy) = (x.value(), gamma.value(), gy.value());
        let (mut ggamma, mut gbeta) = (Tensor::zeros([size.c]), Tensor::zeros([size.c]));
        let gx = Tensor::build(*x.shape(), |gx| {
            let (ggamma, gbeta) = (ggamma.data_mut(), gbeta.data_mut());
            kernels::batch_norm_dx(size, &self.numbers(&gamma), x.data(), gy.data(), gx, ggamma, gbeta)
        });
        vec![Some(gx.into()), Some(ggamma.into()), Some(gbeta.into())]
    }
}

fn saved(relu: bool) -> &'static [Save] {
    if relu { &[Input(0), Input(1), Output] } else { &[Input(0), Input(1)] }
}

/// The gradient before the ReLU, if there is one: 0 where y is 0.
fn before_relu(relu: bool, gy: Variable, ctx: &Context) -> Variable {
    if relu { gy.masked(Binary::WherePositive, ctx.y()) } else { gy }
}

/// The same in Variables. Mean and variance depend on x, so they are calculated again as part of the graph:
/// with x^ = (x - mean) rstd and means over the batch, dx = gamma rstd (gy - mean(gy) - x^ mean(gy x^)).
fn grads_by_formula(count: usize, x: &Variable, gamma: &Variable, gy: &Variable, eps: f64) -> Vec<Option<Variable>> {
    let per_channel = channel_shape(&x.shape());
    let mean = |v: &Variable| v.sum_to(per_channel) / count as Real;
    let centred = x - mean(x);
    let rstd = (mean(&centred.square()) + eps as Real).pow(-0.5);
    let hat = centred * &rstd;
    let gy_hat = gy * &hat;
    let gx = gamma.reshape(per_channel) * rstd * (gy - mean(gy) - hat * mean(&gy_hat));
    let channels = [per_channel[1]];
    let sum = |v: &Variable| v.sum_to(per_channel).reshape(channels);
    vec![Some(gx), Some(sum(&gy_hat)), Some(sum(gy))]
}

fn inverse_std(var: &Tensor, eps: f64) -> Tensor {
    var.map(|var| (1.0 / (f64::from(var) + eps).sqrt()) as Real)
}

/// (1, C, 1, ..): what broadcasts along channels.
pub(super) fn channel_shape(shape: &Shape) -> Shape {
    let sizes: Vec<usize> = (0..shape.len()).map(|axis| if axis == 1 { shape[1] } else { 1 }).collect();
    Shape::new(&sizes)
}

#[track_caller]
pub(super) fn channels(op: &str, x: &Variable, gamma: &Variable, beta: &Variable) -> Channels {
    let (shape, gamma, beta) = (x.shape(), gamma.shape(), beta.shape());
    assert!(shape.len() >= 2, "{op}: x {shape} is not (N, C, ..)");
    let fits = *gamma == [shape[1]] && *beta == [shape[1]];
    assert!(fits, "{op}: x {shape}, gamma {gamma}, beta {beta}: {} channels are needed", shape[1]);
    Channels::of(&shape)
}
