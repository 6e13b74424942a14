//! The Gaussian mixture and `fit_em` as a library: against SciPy's, scikit-learn's and the book's figures, against the plain
//! loop of step 5, and on degenerate data.

mod edges;
mod far;
mod fit;
mod gaussian_mixture;

use serde_json::Value;
use std::path::Path;
use std::sync::LazyLock;
use steps::em::EmOptions;
use steps::step03::{Matrix, MultivariateNormal};
use steps::step04::GaussianMixture;
use tsukuru::random::Rng;

static GOLDEN: LazyLock<Value> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/mixture.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the figures")).expect("JSON")
});

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().expect("an array").iter().map(numbers).collect()
}

fn mixture(weights: &[f64], means: &[Vec<f64>], covariances: &[Vec<f64>]) -> GaussianMixture {
    let component = |(mean, covariance): (&Vec<f64>, &Vec<f64>)| {
        let covariance = Matrix::from_data(mean.len(), mean.len(), covariance.clone());
        MultivariateNormal::new(mean.clone(), covariance).expect("a covariance")
    };
    GaussianMixture::new(weights.to_vec(), means.iter().zip(covariances).map(component).collect()).expect("a mixture")
}

#[track_caller]
fn close(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        assert!(difference <= tolerance * expected.abs(), "{name}[{i}]: {found:e}, expected {expected:e}");
    }
}

/// Two spherical clusters of standard deviation 1, 12 apart, of 100 and 200 points: (300, 2).
fn two_clusters() -> Matrix {
    let mut rng = Rng::new(0, "two clusters", 0);
    let centre = |i: usize| if i.is_multiple_of(3) { [0.0, 0.0] } else { [12.0, 0.0] };
    let data = (0..300).flat_map(|i| centre(i).map(|c| c + rng.normal())).collect();
    Matrix::from_data(300, 2, data)
}

/// Options to start from a given mixture, and to end or repair nothing.
fn start_from(initial: GaussianMixture) -> EmOptions {
    EmOptions { initial: Some(initial), threshold: 0.0, covariance_floor: 0.0, ..EmOptions::default() }
}

/// The initial mixture of the book.
fn book_initial_mixture() -> GaussianMixture {
    let eye = vec![1.0, 0.0, 0.0, 1.0];
    mixture(&[0.5, 0.5], &[vec![0.0, 50.0], vec![0.0, 100.0]], &[eye.clone(), eye])
}
