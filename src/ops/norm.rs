//! Normalisation: over the batch (Ioffe and Szegedy, 2015), a layer, or groups of channels.

use super::reduce::keep;
use crate::Real;
use crate::graph::{X0, X1, record};
use crate::kernels::{self, Channels};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::variable::Variable;

/// What training a batch norm finds out about the batch: its mean and biased variance per channel.
pub struct BatchStats {
    pub mean: Tensor,
    pub var: Tensor,
}

impl Variable {
    /// y = gamma (x - mean) / sqrt(var + eps) + beta, with mean and biased variance of each channel over the batch.
    /// x (N, C, ..), gamma (C), beta (C).
    ///
    /// # Panics
    /// If gamma or beta are not (C), or a channel has one value or none: its variance says nothing.
    #[track_caller]
    pub fn batch_norm(&self, gamma: &Variable, beta: &Variable, eps: f64) -> (Variable, BatchStats) {
        let (x, size) = (self.value(), channels("batch_norm", self, gamma, beta));
        let count = size.n * size.s;
        assert!(count > 1, "batch_norm: x {}: expected more than 1 value per channel, found {count}", x.shape());
        let (mut mean, mut var) = (Tensor::zeros([size.c]), Tensor::zeros([size.c]));
        kernels::channel_stats(&size, x.data(), mean.data_mut(), var.data_mut());
        let rstd = inverse_std(&var, eps);
        let y = normalised(&size, &x, &mean, &rstd, gamma, beta);
        let stats = BatchStats { mean: mean.clone(), var };
        let y = record("batch_norm", &[self, gamma, beta], X0 | X1, y, move |gy, c| match c.numbers_only() {
            true => grads_by_kernel(&size, &c.x(0), &c.x(1), &gy, &mean, &rstd),
            false => grads_by_formula(count, &c.x(0), &c.x(1), &gy, eps),
        });
        (y, stats)
    }

    /// y = gamma (x - mean) / sqrt(var + eps) + beta with given mean (C) and var (C), as after training.
    ///
    /// # Panics
    /// If gamma, beta, mean or var are not (C).
    #[track_caller]
    pub fn batch_norm_eval(
        &self,
        gamma: &Variable,
        beta: &Variable,
        mean: &Tensor,
        var: &Tensor,
        eps: f64,
    ) -> Variable {
        let size = channels("batch_norm_eval", self, gamma, beta);
        let (m, v) = (mean.shape(), var.shape());
        assert!(
            **m == [size.c] && **v == [size.c],
            "batch_norm_eval: x {}, mean {m}, var {v}: {} channels are needed",
            self.shape(),
            size.c
        );
        let (rstd, per_channel, mean) = (inverse_std(var, eps), channel_shape(&self.shape()), mean.clone());
        let y = normalised(&size, &self.value(), &mean, &rstd, gamma, beta);
        record("batch_norm_eval", &[self, gamma, beta], X0 | X1, y, move |gy, c| {
            let constant = |t: &Tensor| Variable::new(t.reshape(per_channel));
            let gx = c.needs(0).then(|| &gy * (c.x(1).reshape(per_channel) * constant(&rstd)));
            let hat = || (c.x(0) - constant(&mean)) * constant(&rstd);
            let ggamma = c.needs(1).then(|| (&gy * hat()).sum_to(per_channel).reshape([size.c]));
            vec![gx, ggamma, c.needs(2).then(|| gy.sum_to(per_channel).reshape([size.c]))]
        })
    }

    /// y = gamma (x - mean) / sqrt(var + eps) + beta over the last axis of each row: x (.., D), gamma (D), beta (D).
    ///
    /// # Panics
    /// If gamma or beta have another shape.
    #[track_caller]
    pub fn layer_norm(&self, gamma: &Variable, beta: &Variable, eps: f64) -> Variable {
        let (x, g, b) = (self.shape(), gamma.shape(), beta.shape());
        let fits = x.last().is_some_and(|&d| *g == [d] && *b == [d]);
        assert!(fits, "layer_norm: x {x}, gamma {g}, beta {b}: gamma and beta must be as long as the last axis");
        self.standardised(-1, eps) * gamma + beta
    }

    /// y = gamma (x - mean) / sqrt(var + eps) + beta over each of `groups` groups of channels of each sample:
    /// x (N, C, ..), gamma (C), beta (C).
    ///
    /// # Panics
    /// If gamma or beta are not (C), or C is no multiple of `groups`.
    #[track_caller]
    pub fn group_norm(&self, groups: usize, gamma: &Variable, beta: &Variable, eps: f64) -> Variable {
        let shape = self.shape();
        channels("group_norm", self, gamma, beta);
        assert!(groups > 0 && shape[1].is_multiple_of(groups), "group_norm: {groups} groups of x {shape} are uneven");
        let per_channel = channel_shape(&shape);
        let rows = self.reshape([shape[0] * groups, shape.count() / (shape[0] * groups).max(1)]);
        rows.standardised(-1, eps).reshape(shape) * gamma.reshape(per_channel) + beta.reshape(per_channel)
    }

    fn standardised(&self, axis: isize, eps: f64) -> Variable {
        let centred = self - self.mean(keep(axis));
        let rstd = (centred.square().mean(keep(axis)) + eps as Real).pow(-0.5);
        centred * rstd
    }
}

fn grads_by_kernel(
    size: &Channels,
    x: &Variable,
    gamma: &Variable,
    gy: &Variable,
    mean: &Tensor,
    rstd: &Tensor,
) -> Vec<Option<Variable>> {
    let (x, gamma, gy) = (x.value(), gamma.value(), gy.value());
    let (mut ggamma, mut gbeta) = (Tensor::zeros([size.c]), Tensor::zeros([size.c]));
    let gx = Tensor::written(*x.shape(), |gx| {
        let (x, gy, mean, rstd, gamma) = (x.data(), gy.data(), mean.data(), rstd.data(), gamma.data());
        kernels::batch_norm_dx(size, x, gy, mean, rstd, gamma, gx, ggamma.data_mut(), gbeta.data_mut())
    });
    vec![Some(gx.into()), Some(ggamma.into()), Some(gbeta.into())]
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
    let rstd = |(y, &v): (&mut Real, &Real)| *y = (1.0 / (f64::from(v) + eps).sqrt()) as Real;
    Tensor::written(*var.shape(), |y| y.iter_mut().zip(var.data()).for_each(rstd))
}

/// gamma (x - mean) rstd + beta as one multiplication and one addition per number
fn normalised(size: &Channels, x: &Tensor, mean: &Tensor, rstd: &Tensor, gamma: &Variable, beta: &Variable) -> Tensor {
    let (gamma, beta) = (gamma.value(), beta.value());
    let scale: Vec<Real> = gamma.data().iter().zip(rstd.data()).map(|(g, r)| g * r).collect();
    let shift = |c: usize| beta.data()[c] - mean.data()[c] * scale[c];
    let shift: Vec<Real> = (0..size.c).map(shift).collect();
    Tensor::written(*x.shape(), |y| kernels::channel_affine(size, x.data(), &scale, &shift, y))
}

/// (1, C, 1, ..): what broadcasts along channels.
fn channel_shape(shape: &Shape) -> Shape {
    let sizes: Vec<usize> = (0..shape.len()).map(|axis| if axis == 1 { shape[1] } else { 1 }).collect();
    Shape::new(&sizes)
}

#[track_caller]
fn channels(op: &str, x: &Variable, gamma: &Variable, beta: &Variable) -> Channels {
    let (shape, gamma, beta) = (x.shape(), gamma.shape(), beta.shape());
    assert!(shape.len() >= 2, "{op}: x {shape} is not (N, C, ..)");
    let fits = *gamma == [shape[1]] && *beta == [shape[1]];
    assert!(fits, "{op}: x {shape}, gamma {gamma}, beta {beta}: {} channels are needed", shape[1]);
    Channels::of(&shape)
}
