//! EM as the book writes it, one formula per line: the plain twin of [`fit_em`](super::fit_em()). It keeps all (N, K)
//! responsibilities and repairs nothing.

use crate::step03::{Matrix, MultivariateNormal, MultivariateNormalError};
use crate::step04::{GaussianMixture, log_sum_exp};

/// E-step: q (N, K) with q_n(k) = p(z = k | x_n), for points x (N, D).
///
/// # Panics
/// If x has not as many columns as the mixture has dimensions.
#[track_caller]
pub fn e_step(mixture: &GaussianMixture, x: &Matrix) -> Vec<Vec<f64>> {
    x.rows().map(|x| mixture.responsibilities(x)).collect()
}

/// M-step: the mixture that fits points x (N, D) best, if they belong to its components as q (N, K) says.
///
/// # Errors
/// If no point belongs to a component, or so few that its covariance is singular.
pub fn m_step(x: &Matrix, q: &[Vec<f64>]) -> Result<GaussianMixture, MultivariateNormalError> {
    let (n, d) = x.shape();
    let k = q.first().map_or(0, Vec::len);
    let (mut weights, mut components) = (Vec::new(), Vec::new());
    for k in 0..k {
        let count: f64 = q.iter().map(|q| q[k]).sum();

        // phi_k = sum over n of q_n(k) / N
        weights.push(count / n as f64);

        // mu_k = sum over n of q_n(k) x_n / sum over n of q_n(k)
        let mean: Vec<f64> = (0..d).map(|i| x.rows().zip(q).map(|(x, q)| q[k] * x[i]).sum::<f64>() / count).collect();

        // Sigma_k = sum over n of q_n(k) (x_n - mu_k) (x_n - mu_k)^T / sum over n of q_n(k)
        let mut covariance = Matrix::zeros(d, d);
        for (x, q) in x.rows().zip(q) {
            for i in 0..d {
                for j in 0..d {
                    covariance[(i, j)] += q[k] * (x[i] - mean[i]) * (x[j] - mean[j]) / count;
                }
            }
        }
        components.push(MultivariateNormal::new(mean, covariance)?);
    }
    Ok(GaussianMixture::new(weights, components).expect("every point shares itself out"))
}

/// The mean over all points x (N, D) of ln p(x), in nats.
pub fn mean_log_likelihood(mixture: &GaussianMixture, x: &Matrix) -> f64 {
    x.rows().map(|x| mixture.log_pdf(x)).sum::<f64>() / x.shape().0 as f64
}

/// The mean over all points x (N, D) of the evidence lower bound, for any q (N, K):
/// ELBO = sum over k of q(k) ln(p(x, z = k) / q(k)).
pub fn mean_elbo(mixture: &GaussianMixture, x: &Matrix, q: &[Vec<f64>]) -> f64 {
    let elbo = |(x, q): (&[f64], &Vec<f64>)| -> f64 { -log_ratio(q, &mixture.log_joint(x)) };
    x.rows().zip(q).map(elbo).sum::<f64>() / x.shape().0 as f64
}

/// The mean over all points x (N, D) of KL(q || p(z | x)) = sum over k of q(k) ln(q(k) / p(z = k | x)), for any q (N,
/// K): how far it is from what the mixture says. With ln p(z = k | x) = ln p(x, z = k) - ln p(x) it stays finite where
/// p(z = k | x) is too small for an f64.
pub fn mean_kl(mixture: &GaussianMixture, x: &Matrix, q: &[Vec<f64>]) -> f64 {
    let kl = |(x, q): (&[f64], &Vec<f64>)| {
        let joint = mixture.log_joint(x);
        let p = log_sum_exp(&joint);
        log_ratio(q, &joint.iter().map(|joint| joint - p).collect::<Vec<f64>>())
    };
    x.rows().zip(q).map(kl).sum::<f64>() / x.shape().0 as f64
}

/// sum over k of q_k (ln q_k - log_p_k), where 0 ln 0 is 0.
fn log_ratio(q: &[f64], log_p: &[f64]) -> f64 {
    q.iter().zip(log_p).map(|(&q, log_p)| if q > 0.0 { q * (libm::log(q) - log_p) } else { 0.0 }).sum()
}
