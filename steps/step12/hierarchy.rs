//! [`Hierarchy`]: a model with levels of latent variables, and the bounds of its likelihood.

use crate::step04::log_sum_exp;
use crate::step07::Gaussian;
use std::f64::consts::TAU;
use tsukuru::Real;
use tsukuru::mode::no_grad;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// Latent variables z_1, .., z_L above the data z_0 = x: one level is the VAE of step 7, two are the model of step 8.
/// p(z_L) = N(0, I).
pub trait Hierarchy {
    /// L.
    fn levels(&self) -> usize;

    /// q(z_l | z_(l-1)) for l from 1 to L: z_(l-1) is (N, D_(l-1)), the result (N, D_l).
    fn encode(&self, level: usize, below: &Variable) -> Gaussian;

    /// p(z_(l-1) | z_l) for l from 1 to L: z_l is (N, D_l), the result (N, D_(l-1)).
    fn decode(&self, level: usize, z: &Variable) -> Gaussian;
}

/// ln N(x; mu, diag(exp(logvar))) (N) of each row of x (N, D).
fn log_prob(p: &Gaussian, x: &Variable) -> Variable {
    let squares = (x - &p.mu).square() * (-&p.logvar).exp();
    (squares + &p.logvar + libm::log(TAU) as Real).sum(1) * -0.5
}

/// ln w (N) of each row of x (N, D), for one draw of all latent variables from q:
/// ln w = ln p(x | z_1) + .. + ln p(z_(L-1) | z_L) + ln p(z_L) - ln q(z_1 | x) - .. - ln q(z_L | z_(L-1)).
/// The mean of ln w over draws is the ELBO, and the mean of w is p(x).
pub fn log_weight(model: &impl Hierarchy, x: &Variable, rng: &mut Rng) -> Variable {
    let (mut z, mut log_q) = (vec![x.clone()], Variable::new(Tensor::zeros([x.shape()[0]])));
    for level in 1..=model.levels() {
        let q = model.encode(level, &z[level - 1]);
        let sample = q.sample(&rng.normal_tensor(q.mu.shape()).into());
        log_q = log_q + log_prob(&q, &sample);
        z.push(sample);
    }
    let top = &z[model.levels()];
    let zeros = Variable::new(Tensor::zeros(top.shape()));
    let prior = Gaussian { mu: zeros.clone(), logvar: zeros };
    let log_p = (1..=model.levels()).map(|level| log_prob(&model.decode(level, &z[level]), &z[level - 1]));
    log_p.fold(log_prob(&prior, top), |sum, log_p| sum + log_p) - log_q
}

/// The ELBO, and the importance-weighted bound of k draws, L_k = ln(1/k sum of w) (Burda, Grosse and Salakhutdinov, 2016,
/// equation 8), of each row of x (N, D), in nats. Both from the same draws.
pub fn bounds(model: &impl Hierarchy, x: &Tensor, k: usize, rng: &mut Rng, mut done: impl FnMut()) -> [Vec<f64>; 2] {
    let d = x.shape()[1];
    let [mut elbo, mut weighted] = [vec![], vec![]];
    for row in x.data().chunks(d) {
        let x = Variable::new(Tensor::new([1, d], row)).broadcast_to([k, d]);
        let log_w: Vec<f64> = no_grad(|| log_weight(model, &x, rng).value().data().iter().map(|&w| w.into()).collect());
        elbo.push(log_w.iter().sum::<f64>() / k as f64);
        weighted.push(log_sum_exp(&log_w) - libm::log(k as f64));
        done();
    }
    [elbo, weighted]
}
