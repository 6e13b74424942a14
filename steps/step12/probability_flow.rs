//! The density of a diffusion model or a flow by its probability-flow ODE.

use super::denoiser::{Denoiser, SIGMA_MAX, sigmas};
use std::f64::consts::TAU;
use tsukuru::Real;
use tsukuru::backward::grad;
use tsukuru::mode::no_grad;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// How the trace of the Jacobian dD/dx is found, of D numbers in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// The sum of its D entries, each by a call of `grad`.
    Exact,
    /// u^T (dD/dx) u for a u of independent signs, by one call: its mean is the trace (Hutchinson, 1990), with the same u along
    /// a path (Grathwohl et al., 2019, section 3.1).
    Hutchinson,
}

/// ln p(x) in nats of each row of x (N, ..) for x that come from N(0, (1 + sigma^2) I) at the largest noise level by
///
///   dx / dsigma = (x - D(x; sigma)) / sigma
///
/// (Song et al., 2021, equation 13, in the form of Karras et al., 2022, equations 1 and 3). Along a path
/// d ln p / dsigma = - tr d(x - D)/dx / sigma (step 11), so that
///
///   ln p(x) = ln N(x(sigma_max); 0, 1 + sigma_max^2) + integral of tr(1 - dD/dx) d(ln sigma).
///
/// x is followed by Heun's method in sigma, in which paths are nearly straight where there is much noise; the integral is
/// taken by the trapezoidal rule in ln sigma, in which the trace is nearly constant there. `done` is called after each step.
pub fn log_density(
    denoiser: &impl Denoiser,
    x: &Tensor,
    steps: usize,
    trace: Trace,
    rng: &mut Rng,
    mut done: impl FnMut(),
) -> Vec<f64> {
    let n = x.shape()[0];
    let d = x.shape().count() / n;
    let signs = rng.uniform_tensor(*x.shape(), -1.0, 1.0).map(|u| if u < 0.0 { -1.0 } else { 1.0 });
    let sigmas = sigmas(steps);
    let (mut x, mut integral) = (x.clone(), vec![0.0; n]);
    for (i, &sigma) in sigmas.iter().enumerate() {
        let (guess, traces) = with_trace(denoiser, &x, sigma, (trace == Trace::Hutchinson).then_some(&signs));
        // The weights of the trapezoidal rule in ln sigma.
        let before = if i > 0 { libm::log(sigma / sigmas[i - 1]) } else { 0.0 };
        let after = sigmas.get(i + 1).map_or(0.0, |next| libm::log(next / sigma));
        for (integral, trace) in integral.iter_mut().zip(traces) {
            *integral += 0.5 * (before + after) * (d as f64 - trace);
        }
        if let Some(&next) = sigmas.get(i + 1) {
            x = heun(denoiser, &x, &guess, sigma, next);
        }
        done();
    }
    let variance = 1.0 + SIGMA_MAX * SIGMA_MAX;
    let log_normal = |x: &[Real]| {
        let squares: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        -0.5 * (squares / variance + d as f64 * libm::log(TAU * variance))
    };
    x.data().chunks(d).zip(integral).map(|(x, integral)| log_normal(x) + integral).collect()
}

/// Data (N, ..) from standard normal noise of that shape, by the same equation in the other direction.
pub fn generate(denoiser: &impl Denoiser, noise: &Tensor, steps: usize, mut done: impl FnMut()) -> Tensor {
    let mut x = noise * (1.0 + SIGMA_MAX * SIGMA_MAX).sqrt() as Real;
    let sigmas = sigmas(steps);
    for i in (1..sigmas.len()).rev() {
        let guess = denoise(denoiser, &x, sigmas[i]);
        x = heun(denoiser, &x, &guess, sigmas[i], sigmas[i - 1]);
        done();
    }
    x
}

/// A step of Heun's method from `sigma` to `next`, where `guess` is D(x; sigma).
fn heun(denoiser: &impl Denoiser, x: &Tensor, guess: &Tensor, sigma: f64, next: f64) -> Tensor {
    let slope = |x: &Tensor, guess: &Tensor, sigma: f64| (x - guess) * (1.0 / sigma) as Real;
    let (v, h) = (slope(x, guess, sigma), (next - sigma) as Real);
    let end = x + &v * h;
    let guess = denoise(denoiser, &end, next);
    x + (v + slope(&end, &guess, next)) * (0.5 * h)
}

fn denoise(denoiser: &impl Denoiser, x: &Tensor, sigma: f64) -> Tensor {
    no_grad(|| denoiser.denoise(&Variable::new(x), &vec![sigma; x.shape()[0]])).value().clone()
}

/// D(x; sigma) of x (N, ..), and the trace (N) of dD/dx: exact, or by `signs` of the shape of x.
fn with_trace(denoiser: &impl Denoiser, x: &Tensor, sigma: f64, signs: Option<&Tensor>) -> (Tensor, Vec<f64>) {
    let (n, shape) = (x.shape()[0], *x.shape());
    let d = shape.count() / n;
    let x = Variable::parameter(x.clone());
    let guess = denoiser.denoise(&x, &vec![sigma; n]);
    let mut traces = vec![0.0; n];
    // Rows do not see each other, so the gradient of a sum over them is that of each for itself.
    let mut add = |u: &Tensor| {
        let [gradient] = grad(&(&guess * Variable::new(u)), [&x], false);
        let products = &*gradient.value() * u;
        for (trace, products) in traces.iter_mut().zip(products.data().chunks(d)) {
            *trace += products.iter().map(|&product| f64::from(product)).sum::<f64>();
        }
    };
    match signs {
        Some(signs) => add(signs),
        None => (0..d).for_each(|i| add(&Tensor::from_fn(shape, |j| if j % d == i { 1.0 } else { 0.0 }))),
    }
    let guess = guess.value().clone();
    (guess, traces)
}
