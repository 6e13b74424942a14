//! Variances that a difference of squares would lose: starts far from the data, data far from 0, and outliers.

use super::{close, mixture, two_clusters};
use steps::em::{EmFit, EmOptions, Repair, RepairKind, fit_em};
use steps::step03::Matrix;
use steps::step04::OldFaithfulArgs;

/// The fit of one component to points of D coordinates that starts from N(mean, variance I).
fn from_far(d: usize, points: Vec<f64>, mean: &[f64], variance: f64, max_iterations: usize) -> EmFit {
    let x = Matrix::from_data(points.len() / d, d, points);
    let initial = mixture(&[1.0], &[mean.to_vec()], &[Matrix::identity(d).scale(variance).data().to_vec()]);
    fit_em(&x, 1, &EmOptions { initial: Some(initial), max_iterations, ..EmOptions::default() }).expect("a fit")
}

/// Of one component the first M-step is the maximum, wherever it starts.
#[test]
fn a_start_far_from_the_data_gives_the_right_variance() {
    for (mean, variance) in [(0.5, 1.0), (5e7, 1.0), (-1e8, 1.0), (1e20, 1.0), (1e160, 1e20)] {
        let fit = from_far(1, vec![0.0, 1.0], &[mean], variance, 1);
        let component = &fit.mixture.components()[0];
        close("mean", component.mean(), &[0.5], 1e-15);
        close("variance", component.covariance().data(), &[0.25], 1e-15);
        assert_eq!(fit.repairs, [], "from {mean:e}");
    }

    let triangle = vec![0.0, 0.0, 1.0, 0.0, 0.0, 1.0];
    let fit = from_far(2, triangle, &[1e9, -1e9], 1.0, 200);
    let (third, ninth) = (1.0 / 3.0, 1.0 / 9.0);
    close("mean", fit.mixture.components()[0].mean(), &[third, third], 1e-15);
    let covariance = [2.0 * ninth, -ninth, -ninth, 2.0 * ninth];
    close("covariance", fit.mixture.components()[0].covariance().data(), &covariance, 1e-15);
    assert_eq!(fit.repairs, []);

    // Seconds since 1970: the mean of i^2 / 25 for i = -50, .., 50 is 34.
    let times = (-50..=50).map(|i| 1.7e9 + 0.2 * f64::from(i)).collect();
    let fit = from_far(1, times, &[0.0], 1.0, 200);
    close("mean", fit.mixture.components()[0].mean(), &[1.7e9], 1e-15);
    close("variance", fit.mixture.components()[0].covariance().data(), &[34.0], 1e-6);
    assert_eq!(fit.repairs, []);
}

/// Of two clusters 1e8 apart, and a start that is 1e6 from each.
#[test]
fn every_component_is_summed_around_its_own_mean() {
    let mut points = two_clusters().data().to_vec();
    points.chunks_exact_mut(2).for_each(|x| x[0] += if x[0] > 6.0 { 1e8 } else { 0.0 });
    let x = Matrix::from_data(300, 2, points);
    let eye = vec![1.0, 0.0, 0.0, 1.0];
    let [near, far] = [0.0, 1e6].map(|away| {
        let means = [vec![-away, 0.0], vec![1e8 + 12.0 + away, 0.0]];
        let initial = Some(mixture(&[0.5, 0.5], &means, &[eye.clone(), eye.clone()]));
        fit_em(&x, 2, &EmOptions { initial, max_iterations: 1, ..EmOptions::default() }).expect("a fit").mixture
    });
    for (near, far) in near.components().iter().zip(far.components()) {
        close("mean", far.mean(), near.mean(), 1e-12);
        close("covariance", far.covariance().data(), near.covariance().data(), 1e-12);
    }
}

/// Of numbers in steps of 2^-20 a shift is exact, and what differs is the rounding of the fit.
#[test]
fn a_shift_of_the_data_and_the_start_changes_the_means_only() {
    let points: Vec<f64> = two_clusters().data().iter().map(|x| (x * 1048576.0).round() / 1048576.0).collect();
    let eye = vec![1.0, 0.0, 0.0, 1.0];
    let fit = |shift: f64, k: usize, given: bool| {
        let x = Matrix::from_data(300, 2, points.iter().map(|x| x + shift).collect());
        let means: Vec<Vec<f64>> = (0..k).map(|i| vec![shift + 5.0 * i as f64, shift]).collect();
        let initial = given.then(|| mixture(&vec![1.0 / k as f64; k], &means, &vec![eye.clone(); k]));
        let options = EmOptions { initial, n_init: 1, max_iterations: 20, threshold: 0.0, ..EmOptions::default() };
        fit_em(&x, k, &options).expect("a fit")
    };
    for (k, given) in [(1, true), (2, true), (1, false), (2, false), (3, false)] {
        let here = fit(0.0, k, given);
        for shift in (0..=9).map(|exponent| 10f64.powi(exponent)) {
            let (there, rounding) = (fit(shift, k, given), 1e-13 + f64::EPSILON * shift);
            let close = |name: &str, found: f64, expected: f64| {
                let message = format!("K = {k}, shift {shift:e}: {name} {found:e}, expected {expected:e}");
                assert!((found - expected).abs() <= rounding * (1.0 + expected.abs()), "{message}");
            };
            assert_eq!(there.repairs, here.repairs);
            there.log_likelihoods.iter().zip(&here.log_likelihoods).for_each(|(a, b)| close("ln p", *a, *b));
            for (there, here) in there.mixture.components().iter().zip(here.mixture.components()) {
                there.mean().iter().zip(here.mean()).for_each(|(a, b)| close("mean", a - shift, *b));
                let numbers = there.covariance().data().iter().zip(here.covariance().data());
                numbers.for_each(|(a, b)| close("covariance", *a, *b));
            }
        }
    }
}

/// A row that is far away makes the variance of the data large, but not the least variance of a component.
#[test]
fn an_outlier_does_not_flatten_the_other_components() {
    let data = OldFaithfulArgs::default().eruptions().expect("the data");
    let fit = |outlier: [f64; 2], k: usize, covariance_floor: f64| {
        let x = Matrix::from_data(273, 2, [data.data(), &outlier].concat());
        fit_em(&x, k, &EmOptions { covariance_floor, ..EmOptions::default() }).expect("a fit")
    };
    let sorted = |fit: &EmFit| {
        let mut components: Vec<_> = fit.mixture.components().iter().collect();
        components.sort_by(|a, b| a.mean()[0].abs().total_cmp(&b.mean()[0].abs()));
        components.into_iter().cloned().collect::<Vec<_>>()
    };
    // One of three components is on the outlier, and the others fit the eruptions as if it were not there.
    let without = sorted(&fit_em(&data, 2, &EmOptions::default()).expect("a fit"));
    for outlier in [[9.0, 790.0], [9.0, 790_000.0], [7.9e15, 7.9e15], [-7.9e15, 7.9e90]] {
        let with = fit(outlier, 3, 1e-6);
        let [Repair { component, kind: RepairKind::Floored, .. }] = with.repairs[..] else { panic!("{with:?}") };
        close("mean", with.mixture.components()[component].mean(), &outlier, 1e-12);
        for (with, without) in sorted(&with).iter().zip(&without) {
            close("mean", with.mean(), without.mean(), 1e-4);
            close("covariance", with.covariance().data(), without.covariance().data(), 1e-3);
        }
    }
    // The share of the outlier in ln p is that of a density as high as the floor allows; scikit-learn's 1e-6 min^2 is a
    // smaller one.
    for (covariance_floor, expected) in [(1e-6, -4.7159), (1e-8, -4.6990)] {
        let fit = fit([3.5, 790_000.0], 2, covariance_floor);
        let [.., last] = fit.log_likelihoods[..] else { panic!("no iteration") };
        assert!((last - expected).abs() < 5e-5, "{covariance_floor:e}: {last}");
    }
}

#[test]
fn a_component_with_an_outlier_has_a_floor_of_its_own() {
    let mut points = two_clusters().data().to_vec();
    points[..2].copy_from_slice(&[1e6, 1e6]);
    let fit = fit_em(&Matrix::from_data(300, 2, points), 1, &EmOptions::default()).expect("a fit");
    assert_eq!(fit.repairs, [Repair { component: 0, iteration: 1, kind: RepairKind::Floored }]);
}
