//! What ten iterations of EM cost on many points, from one given start, the log-likelihood of the result included.

#[path = "../../benches/harness/mod.rs"]
mod harness;

use harness::Harness;
use steps::step03::{Matrix, MultivariateNormal};
use steps::step04::GaussianMixture;
use steps::step05::{EmOptions, fit_em};
use tsukuru::random::Rng;

fn main() {
    let mut harness = Harness::new();
    for (n, d, k) in [(1_000_000, 2, 2), (200_000, 16, 8)] {
        let name = format!("em_10_iters_n{n}_d{d}_k{k}");
        if harness.wants(&name) {
            let x = points(n, d, k);
            let start = start(&x, k);
            let options = EmOptions {
                start: Some(start),
                max_iterations: 10,
                threshold: 0.0,
                covariance_floor: 0.0,
                ..EmOptions::default()
            };
            harness.time(&name, flops(n, d, k), || {
                let fit = fit_em(&x, k, &options).expect("K bells");
                assert_eq!(fit.log_likelihoods.len(), 11);
            });
        }
    }
}

/// (n, d) from k bells in random places, each stretched by a random matrix near the identity.
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

/// k round bells as wide as the data, at the first k points.
fn start(x: &Matrix, k: usize) -> GaussianMixture {
    let mean = x.data().iter().sum::<f64>() / x.data().len() as f64;
    let variance = x.data().iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / x.data().len() as f64;
    let covariance = Matrix::identity(x.shape().1).scale(variance);
    let bell = |i| MultivariateNormal::new(x.row(i).to_vec(), covariance.clone()).expect("a round bell");
    GaussianMixture::new(vec![1.0 / k as f64; k], (0..k).map(bell).collect()).expect("k equal weights")
}

/// For each point and component, in eleven E-steps and M-steps: multiplying by a triangle and adding up another, one
/// multiplication and one addition for each of their D (D + 1) / 2 numbers; the rest is small if D is large.
fn flops(n: usize, d: usize, k: usize) -> f64 {
    (11 * n * k * 2 * d * (d + 1)) as f64
}
