//! The time of ten EM iterations on many points from a given initial mixture, the log-likelihood of the result included.

#[path = "../../benches/harness/mod.rs"]
mod harness;

use harness::Harness;
use steps::em::{EmOptions, fit_em};
use steps::step03::{Matrix, MultivariateNormal};
use steps::step04::GaussianMixture;
use tsukuru::random::Rng;

fn main() {
    let mut harness = Harness::new();
    for (n, d, k) in [(1_000_000, 2, 2), (200_000, 16, 8)] {
        let name = format!("em_10_iters_n{n}_d{d}_k{k}");
        if harness.wants(&name) {
            let x = points(n, d, k);
            let options = EmOptions {
                initial: Some(initial_mixture(&x, k)),
                max_iterations: 10,
                threshold: 0.0,
                covariance_floor: 0.0,
                ..EmOptions::default()
            };
            harness.time(&name, flops(n, d, k), || {
                let fit = fit_em(&x, k, &options).expect("K components");
                assert_eq!(fit.log_likelihoods.len(), 11);
            });
        }
    }
}

/// Points (n, d) of k Gaussian clusters with random means, each transformed by a random matrix near the identity.
fn points(n: usize, d: usize, k: usize) -> Matrix {
    let mut rng = Rng::new(0, "points", 0);
    let mut normals = |count: usize, scale: f64| -> Vec<f64> { (0..count).map(|_| scale * rng.normal()).collect() };
    let means = normals(k * d, 2.0);
    let stretch = normals(k * d * d, 0.4);
    let mut data = Vec::with_capacity(n * d);
    for i in 0..n {
        let (k, z) = (i % k, normals(d, 1.0));
        for (row, z_row) in z.iter().enumerate() {
            let stretch = &stretch[(k * d + row) * d..][..d];
            data.push(means[k * d + row] + z_row + stretch.iter().zip(&z).map(|(a, z)| a * z).sum::<f64>());
        }
    }
    Matrix::from_data(n, d, data)
}

/// k spherical components with the variance of the data, whose means are the first k points.
fn initial_mixture(x: &Matrix, k: usize) -> GaussianMixture {
    let mean = x.data().iter().sum::<f64>() / x.data().len() as f64;
    let variance = x.data().iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / x.data().len() as f64;
    let covariance = Matrix::identity(x.shape().1).scale(variance);
    let component = |i| MultivariateNormal::new(x.row(i).to_vec(), covariance.clone()).expect("a positive variance");
    GaussianMixture::new(vec![1.0 / k as f64; k], (0..k).map(component).collect()).expect("k equal weights")
}

/// Floating-point operations of eleven E-steps and M-steps. For each point and component, L^-1 (x - mu) and the sum of
/// q d d^T take one multiplication and one addition for each of the D (D + 1) / 2 numbers of a triangle; the rest is small
/// if D is large.
fn flops(n: usize, d: usize, k: usize) -> f64 {
    (11 * n * k * 2 * d * (d + 1)) as f64
}
