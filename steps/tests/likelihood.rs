//! The importance-weighted likelihood, on models whose likelihood is known.

use steps::step04::log_sum_exp;
use steps::step07::LinearGaussian;
use steps::step07::likelihood::{importance_weighted, log_weights};
use tsukuru::Real;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

const X: [Real; 3] = [1.0, -0.5, 2.0];

fn model(w: [[Real; 2]; 3]) -> LinearGaussian {
    LinearGaussian::new(w.into(), Tensor::from([0.5, 0.0, -0.25]))
}

/// The columns are orthogonal, so q(z|x) is p(z|x), and every weight is p(x, z) / p(z|x) = p(x).
#[test]
fn with_the_exact_posterior_every_weight_is_the_likelihood() {
    let model = model([[1.0, 0.5], [-1.0, 0.5], [0.5, 0.0]]);
    let exact = model.log_likelihood(&X);
    for log_weight in log_weights(&model, &X, 1000, &mut Rng::new(0, "test", 0)) {
        assert!((log_weight - exact).abs() < 1e-4, "{log_weight}, exact {exact}");
    }
}

#[test]
fn the_mean_weight_is_the_likelihood_for_any_encoder() {
    let model = model([[1.0, 0.8], [-0.5, 0.5], [0.5, 1.0]]);
    let (exact, draws) = (model.log_likelihood(&X), 200_000);
    let log_weights = log_weights(&model, &X, draws, &mut Rng::new(0, "test", 0));
    let mean = (log_sum_exp(&log_weights) - (draws as f64).ln()).exp();
    let variance = log_weights.iter().map(|w| (w.exp() - mean).powi(2)).sum::<f64>() / draws as f64;
    let error = (variance / draws as f64).sqrt();
    assert!(error < 0.01 * mean, "the weights vary too much for this test: {mean} +- {error}");
    assert!((mean - exact.exp()).abs() < 4.0 * error, "{mean} +- {error}, exact {}", exact.exp());

    // The bound rises with k towards ln p(x), and from one draw is below by more than chance.
    let bounds = [1, 10, 100, 1000].map(|k| importance_weighted(&log_weights, k));
    assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{bounds:?}");
    assert!(bounds[0] < exact - 0.02 && (bounds[3] - exact).abs() < 0.01, "{bounds:?}, exact {exact}");
}

#[test]
fn the_bound_is_a_mean_over_groups() {
    let ln = |x: f64| x.ln();
    let bound = importance_weighted(&[ln(1.0), ln(3.0), ln(5.0), ln(11.0)], 2);
    assert!((bound - (ln(2.0) + ln(8.0)) / 2.0).abs() < 1e-12, "{bound}");
    // Weights far below what a number can hold
    assert!((importance_weighted(&[-2000.0, -2000.0], 2) + 2000.0).abs() < 1e-9);
}

#[test]
#[should_panic(expected = "importance_weighted: 3 weights in groups of 2")]
fn groups_are_whole() {
    importance_weighted(&[0.0; 3], 2);
}
