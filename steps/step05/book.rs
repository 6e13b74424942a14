//! The E-step and the M-step of a Gaussian mixture as the book writes them, and the two parts of the log-likelihood: the
//! evidence lower bound (ELBO) and the Kullback-Leibler divergence. This is the reference that
//! [`fit_em`](crate::em::fit_em) is tested against; it stores all (N, K) responsibilities and repairs no degenerate
//! component.

use crate::step03::{Matrix, MultivariateNormal, MultivariateNormalError};
use crate::step04::{GaussianMixture, log_sum_exp};

/// E-step: the responsibilities q (N, K) of points x (N, D), q_n(k) = p(z = k | x_n) (chapter 5 of the book).
///
/// # Panics
/// If the columns of x are not as many as the dimensions of the mixture.
#[track_caller]
pub fn e_step(mixture: &GaussianMixture, x: &Matrix) -> Vec<Vec<f64>> {
    x.rows().map(|x| mixture.responsibilities(x)).collect()
}

/// M-step: the mixture that maximises the ELBO of points x (N, D) for fixed responsibilities q (N, K) (chapter 5 of
/// the book).
///
/// # Errors
/// If the covariance of a component is not finite or singular, because its responsibilities are all 0 or its points lie in
/// a subspace of fewer than D dimensions.
///
/// # Panics
/// If a row of q does not sum to 1.
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
    Ok(GaussianMixture::new(weights, components).expect("the responsibilities of a point sum to 1"))
}

/// The mean over all points x (N, D) of the log-likelihood ln p(x), in nats.
///
/// # Panics
/// If the columns of x are not as many as the dimensions of the mixture.
pub fn mean_log_likelihood(mixture: &GaussianMixture, x: &Matrix) -> f64 {
    x.rows().map(|x| mixture.log_pdf(x)).sum::<f64>() / x.shape().0 as f64
}

/// The mean over all points x (N, D) of the evidence lower bound, in nats, for any q (N, K):
/// ELBO = sum over k of q(k) ln(p(x, z = k) / q(k)).
///
/// # Panics
/// If the columns of x are not as many as the dimensions of the mixture.
pub fn mean_elbo(mixture: &GaussianMixture, x: &Matrix, q: &[Vec<f64>]) -> f64 {
    let elbo = |(x, q): (&[f64], &Vec<f64>)| -> f64 { -log_ratio(q, &mixture.log_joint(x)) };
    x.rows().zip(q).map(elbo).sum::<f64>() / x.shape().0 as f64
}

/// The mean over all points x (N, D) of KL(q || p(z | x)) = sum over k of q(k) ln(q(k) / p(z = k | x)), in nats, for any
/// q (N, K). With ln p(z = k | x) = ln p(x, z = k) - ln p(x) it stays finite where p(z = k | x) underflows.
///
/// # Panics
/// If the columns of x are not as many as the dimensions of the mixture.
pub fn mean_kl(mixture: &GaussianMixture, x: &Matrix, q: &[Vec<f64>]) -> f64 {
    let kl = |(x, q): (&[f64], &Vec<f64>)| {
        let log_joint = mixture.log_joint(x);
        let log_pdf = log_sum_exp(&log_joint);
        log_ratio(q, &log_joint.iter().map(|log_joint| log_joint - log_pdf).collect::<Vec<f64>>())
    };
    x.rows().zip(q).map(kl).sum::<f64>() / x.shape().0 as f64
}

/// sum over k of q(k) (ln q(k) - log_p(k)), with 0 ln 0 = 0.
fn log_ratio(q: &[f64], log_p: &[f64]) -> f64 {
    q.iter().zip(log_p).map(|(&q, log_p)| if q > 0.0 { q * (libm::log(q) - log_p) } else { 0.0 }).sum()
}
