//! The density of a mixture, its responsibilities and its samples.

use super::{GOLDEN, book_initial_mixture, close, mixture, numbers, rows};
use steps::step03::{Matrix, MultivariateNormal};
use steps::step04::{GaussianMixture, MixtureError};
use tsukuru::random::Rng;

#[test]
fn densities_are_those_of_scipy() {
    let figures = &GOLDEN["densities"];
    let mixture = mixture(&numbers(&figures["weights"]), &rows(&figures["means"]), &rows(&figures["covariances"]));
    let expected = numbers(&figures["log_pdf"]);
    for ((x, log_pdf), q) in rows(&figures["points"]).iter().zip(expected).zip(rows(&figures["responsibilities"])) {
        close("log_pdf", &[mixture.log_pdf(x)], &[log_pdf], 1e-12);
        close("pdf", &[mixture.pdf(x)], &[log_pdf.exp()], 1e-12 * log_pdf.abs().max(1.0));
        // A relative rounding error of 1e-16 in a logarithm of -1000 is one of 1e-13 in its exponential.
        close("responsibilities", &mixture.responsibilities(x), &q, 1e-11);
    }
}

#[test]
fn an_invalid_mixture_is_an_error() {
    let normal = |d: usize| MultivariateNormal::new(vec![0.0; d], Matrix::identity(d)).expect("a covariance");
    let error = |weights: &[f64], components: Vec<MultivariateNormal>| -> String {
        GaussianMixture::new(weights.to_vec(), components).expect_err("invalid").to_string()
    };
    assert_eq!(error(&[], vec![]), "a mixture needs at least one component");
    assert_eq!(error(&[1.0], vec![normal(1), normal(1)]), "there are 1 weights for 2 components");
    let negative = "the weight of component 1 is -0.5: expected a number from 0 to 1";
    assert_eq!(error(&[1.5, -0.5], vec![normal(1), normal(1)]), negative.replace("1 is -0.5", "0 is 1.5"));
    assert_eq!(error(&[0.5, -0.5], vec![normal(1), normal(1)]), negative);
    assert!(error(&[0.5, f64::NAN], vec![normal(1), normal(1)]).contains("component 1 is NaN"));
    assert_eq!(error(&[0.5, 0.25], vec![normal(1), normal(1)]), "the weights sum to 0.75: expected 1");
    let mixed = GaussianMixture::new(vec![0.5, 0.5], vec![normal(1), normal(2)]).expect_err("invalid");
    assert_eq!(mixed, MixtureError::Dimensions { component: 1, found: 2, expected: 1 });
    assert_eq!(mixed.to_string(), "component 1 has 2 dimensions, component 0 has 1");
}

#[test]
#[should_panic(expected = "x has 3 coordinates, the mixture 2")]
fn a_point_of_another_dimension_is_refused() {
    book_initial_mixture().log_pdf(&[1.0, 2.0, 3.0]);
}

#[test]
fn samples_have_the_weights_and_the_means_of_the_components() {
    let eye = vec![1.0, 0.0, 0.0, 1.0];
    let means = [vec![0.0, 0.0], vec![10.0, 0.0], vec![0.0, 10.0]];
    let mixture = mixture(&[0.3, 0.0, 0.7], &means, &[eye.clone(), eye.clone(), eye]);
    let mut rng = Rng::new(0, "sampling", 0);
    let draws: Vec<(usize, Vec<f64>)> = (0..20_000).map(|_| mixture.sample(&mut rng)).collect();
    for (k, mean) in means.iter().enumerate() {
        let own: Vec<&Vec<f64>> = draws.iter().filter(|(z, _)| *z == k).map(|(_, x)| x).collect();
        assert!((own.len() as f64 / 20_000.0 - mixture.weights()[k]).abs() < 0.01, "{k}: {}", own.len());
        for i in 0..if own.is_empty() { 0 } else { 2 } {
            let found = own.iter().map(|x| x[i]).sum::<f64>() / own.len() as f64;
            assert!((found - mean[i]).abs() < 0.05, "{k}: {found}");
        }
    }
}
