//! Normalisation of each sample by itself: over a layer (Ba, Kiros and Hinton, 2016), or over groups of channels (Wu and
//! He, 2018). What norm.rs says of rounding holds here, too.

use super::norm::{channel_shape, channels};
use super::reduce::keepdim;
use crate::Real;
use crate::graph::Save::Input;
use crate::graph::{Context, Grads, record};
use crate::kernels::{self, LayerNorm};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::variable::Variable;

impl Variable {
    /// y = gamma (x - mean) / sqrt(var + eps) + beta with mean and biased variance of each row along the last axis:
    /// x (.., D), y (.., D). `affine` holds gamma and beta, which are otherwise 1 and 0: both (D), or of x's shape but for
    /// 1 in place of some axes just before D. With (N, 1, D) for x (N, L, D) this is the adaptive layer norm of Peebles and
    /// Xie (2023).
    ///
    /// # Panics
    /// If gamma or beta have another shape, or x has no axis.
    #[track_caller]
    pub fn layer_norm(&self, affine: Option<(&Variable, &Variable)>, eps: f64) -> Variable {
        let (x, mut inputs) = (self.value(), vec![self]);
        let Some(&d) = x.shape().last() else { panic!("layer_norm: x () has no axis to normalise over") };
        let mut shared = 1;
        if let Some((gamma, beta)) = affine {
            let (x, g, b) = (x.shape(), gamma.shape(), beta.shape());
            let Some(rows) = rows_sharing(x, &g).filter(|_| g == b) else {
                panic!("layer_norm: x {x}, gamma {g}, beta {b}: both must be ({d},), or x with 1 just before {d}");
            };
            shared = rows;
            inputs.extend([gamma, beta]);
        }
        let norm = Norm { d, eps, shared };
        let mut stats = Tensor::zeros([x.shape()[..x.shape().len() - 1].iter().product(), 2]);
        let y = Tensor::build(*x.shape(), |y| {
            let affine = affine.map(|(gamma, beta)| [gamma.value(), beta.value()]);
            let norm = norm.with(affine.as_ref().map(|both| both.each_ref().map(|x| x.data())));
            kernels::layer_norm(&norm, x.data(), y, stats.data_mut())
        });
        let (saved, has_affine) = (&[Input(0), Input(1), Input(2)][..inputs.len()], affine.is_some());
        record("layer_norm", &inputs, saved, y, move |gy, ctx| match ctx.create_graph() {
            false => norm.grads(has_affine, &stats, &gy, ctx),
            true => norm.grads_by_formula(has_affine, &gy, ctx),
        })
    }

    /// y = gamma (x - mean) / sqrt(var + eps) + beta, with mean and biased variance of each of `groups` groups of
    /// neighbouring channels of each sample: x (N, C, ..), gamma (C), beta (C), y of x's shape.
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
        rows.layer_norm(None, eps).reshape(shape) * gamma.reshape(per_channel) + beta.reshape(per_channel)
    }
}

/// How many neighbouring rows of x (.., D) have one gamma of this shape, if it fits.
fn rows_sharing(x: &Shape, gamma: &Shape) -> Option<usize> {
    let (&d, rows) = x.split_last()?;
    let (&gamma_d, gammas) = gamma.split_last()?;
    let own = if gammas.is_empty() { 0 } else { rows.iter().zip(gammas).take_while(|(x, g)| x == g).count() };
    let fits = gamma_d == d && gammas[own..].iter().all(|&size| size == 1) && [0, rows.len()].contains(&gammas.len());
    fits.then(|| rows[own..].iter().product())
}

/// The constants of a layer norm.
#[derive(Clone, Copy)]
struct Norm {
    d: usize,
    eps: f64,
    shared: usize,
}

impl Norm {
    fn with<'a>(&self, affine: Option<[&'a [Real]; 2]>) -> LayerNorm<'a> {
        LayerNorm { d: self.d, eps: self.eps, shared: self.shared, affine }
    }

    fn grads(&self, has_affine: bool, stats: &Tensor, gy: &Variable, ctx: &Context) -> Grads {
        let (x, gy) = (ctx.x(0), gy.value());
        let affine = has_affine.then(|| [ctx.x(1), ctx.x(2)]);
        let affine = affine.as_ref().map(|both| both.each_ref().map(|x| x.value()));
        let mut affine_grads = affine.iter().flatten().map(|x| Tensor::zeros(*x.shape())).collect::<Vec<_>>();
        let gx = Tensor::build(x.shape(), |gx| {
            let norm = self.with(affine.as_ref().map(|both| both.each_ref().map(|x| x.data())));
            let (ggamma, gbeta) = match &mut affine_grads[..] {
                [ggamma, gbeta] => (ggamma.data_mut(), gbeta.data_mut()),
                _ => Default::default(),
            };
            kernels::layer_norm_dx(&norm, stats.data(), x.value().data(), gy.data(), gx, ggamma, gbeta)
        });
        std::iter::once(gx).chain(affine_grads).map(|g| Some(g.into())).collect()
    }

    /// The same in Variables. With x^ = (x - mean) rstd, g = gamma gy and means over the row,
    /// dx = rstd (g - mean(g) - x^ mean(g x^)).
    fn grads_by_formula(&self, has_affine: bool, gy: &Variable, ctx: &Context) -> Grads {
        let mean = |x: &Variable| x.mean(keepdim(-1));
        let centred = ctx.x(0) - mean(&ctx.x(0));
        let rstd = (mean(&centred.square()) + self.eps as Real).pow(-0.5);
        let hat = centred * &rstd;
        let g = if has_affine { gy * ctx.x(1) } else { gy.clone() };
        let gx = rstd * (&g - mean(&g) - &hat * mean(&(&g * &hat)));
        let mut grads = vec![Some(gx)];
        if has_affine {
            let shape = ctx.x(1).shape();
            grads.extend([Some((gy * hat).sum_to(shape)), Some(gy.sum_to(shape))]);
        }
        grads
    }
}
