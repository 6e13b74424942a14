//! The Gaussian mixture and EM as a library: against SciPy's and scikit-learn's figures, the book's, its plain twin,
//! and on data that leave nothing to fit.

use proptest::prelude::*;
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::LazyLock;
use steps::step03::{Matrix, MultivariateNormal};
use steps::step04::{GaussianMixture, Geyser, MixtureError};
use steps::step05::{EmError, EmOptions, Repair, RepairKind, Stop, book, fit_em, fit_em_watched};
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
    let bell = |(mean, covariance): (&Vec<f64>, &Vec<f64>)| {
        let covariance = Matrix::from_data(mean.len(), mean.len(), covariance.clone());
        MultivariateNormal::new(mean.clone(), covariance).expect("a covariance")
    };
    GaussianMixture::new(weights.to_vec(), means.iter().zip(covariances).map(bell).collect()).expect("a mixture")
}

#[track_caller]
fn close(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        assert!(difference <= tolerance * expected.abs(), "{name}[{i}]: {found:e}, expected {expected:e}");
    }
}

/// Two round bells of standard deviation 1, 12 apart, 100 and 200 points: (300, 2).
fn two_bells() -> Matrix {
    let mut rng = Rng::new(0, "two bells", 0);
    let centre = |i: usize| if i.is_multiple_of(3) { [0.0, 0.0] } else { [12.0, 0.0] };
    let data = (0..300).flat_map(|i| centre(i).map(|c| c + rng.normal())).collect();
    Matrix::from_data(300, 2, data)
}

fn given(start: GaussianMixture) -> EmOptions {
    EmOptions { start: Some(start), threshold: 0.0, covariance_floor: 0.0, ..EmOptions::default() }
}

fn book_start() -> GaussianMixture {
    let eye = vec![1.0, 0.0, 0.0, 1.0];
    mixture(&[0.5, 0.5], &[vec![0.0, 50.0], vec![0.0, 100.0]], &[eye.clone(), eye])
}

#[test]
fn densities_are_those_of_scipy() {
    let figures = &GOLDEN["densities"];
    let mixture = mixture(&numbers(&figures["weights"]), &rows(&figures["means"]), &rows(&figures["covariances"]));
    let expected = numbers(&figures["log_pdf"]);
    for ((x, log_pdf), q) in rows(&figures["points"]).iter().zip(expected).zip(rows(&figures["responsibilities"])) {
        close("log_pdf", &[mixture.log_pdf(x)], &[log_pdf], 1e-12);
        close("pdf", &[mixture.pdf(x)], &[log_pdf.exp()], 1e-12 * log_pdf.abs().max(1.0));
        // A rounding of 1e-16 in a logarithm of -1000 is one of 1e-13 in the number.
        close("responsibilities", &mixture.responsibilities(x), &q, 1e-11);
    }
}

#[test]
fn far_away_points_are_no_nan() {
    let mixture = book_start();
    for far in [1e3, 1e100, 1e150, 1e160, 1e300, -1e300] {
        let x = [far, far];
        let log_pdf = mixture.log_pdf(&x);
        assert!(log_pdf < -1e5 && log_pdf.is_finite() == (far.abs() < 1e154), "{far:e}: {log_pdf}");
        let q = mixture.responsibilities(&x);
        assert!((q.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{far:e}: {q:?}");
    }
    assert_eq!(mixture.responsibilities(&[1e300, 0.0]), [0.5, 0.5]);
    // Only what is NaN itself stays so.
    assert!(mixture.log_pdf(&[f64::NAN, 50.0]).is_nan() && mixture.pdf(&[0.0, f64::NAN]).is_nan());
    assert!(mixture.responsibilities(&[f64::NAN, 50.0]).iter().all(|q| q.is_nan()));
    // One of three hundred points lies 1e6 standard deviations away from all others.
    let mut points = two_bells().data().to_vec();
    points[0] = 1e6;
    let fit = fit_em(&Matrix::from_data(300, 2, points), 3, &EmOptions::default()).expect("a fit");
    assert!(fit.log_likelihoods.iter().all(|l| l.is_finite()));
    assert!(fit.repairs.iter().any(|repair| repair.kind == RepairKind::Floored));
}

#[test]
fn a_mixture_says_what_is_wrong_with_it() {
    let bell = |d: usize| MultivariateNormal::new(vec![0.0; d], Matrix::identity(d)).expect("a bell");
    let say = |weights: &[f64], bells: Vec<MultivariateNormal>| -> String {
        GaussianMixture::new(weights.to_vec(), bells).expect_err("wrong").to_string()
    };
    assert_eq!(say(&[], vec![]), "a mixture needs at least one component");
    assert_eq!(say(&[1.0], vec![bell(1), bell(1)]), "there are 1 weights for 2 components");
    let negative = "the weight of component 1 is -0.5: expected a number from 0 to 1";
    assert_eq!(say(&[1.5, -0.5], vec![bell(1), bell(1)]), negative.replace("1 is -0.5", "0 is 1.5"));
    assert_eq!(say(&[0.5, -0.5], vec![bell(1), bell(1)]), negative);
    assert!(say(&[0.5, f64::NAN], vec![bell(1), bell(1)]).contains("component 1 is NaN"));
    assert_eq!(say(&[0.5, 0.25], vec![bell(1), bell(1)]), "the weights add up to 0.75: expected 1");
    let mixed = GaussianMixture::new(vec![0.5, 0.5], vec![bell(1), bell(2)]).expect_err("wrong");
    assert_eq!(mixed, MixtureError::Dimensions { component: 1, found: 2, expected: 1 });
    assert_eq!(mixed.to_string(), "component 1 has 2 dimensions, component 0 has 1");
}

#[test]
#[should_panic(expected = "x has 3 coordinates, the mixture 2")]
fn a_point_of_another_dimension_is_refused() {
    book_start().log_pdf(&[1.0, 2.0, 3.0]);
}

#[test]
fn samples_have_the_shares_and_the_means_of_the_components() {
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

#[test]
fn em_agrees_with_scikit_learn() {
    let figures = &GOLDEN["em"];
    let size = |name: &str| figures[name].as_u64().expect("a size") as usize;
    let (n, d, k) = (size("n"), size("d"), size("k"));
    let x = Matrix::from_data(n, d, numbers(&figures["x"]));
    let start = mixture(&numbers(&figures["weights0"]), &rows(&figures["means0"]), &rows(&figures["covariances0"]));
    let fit = fit_em(&x, k, &EmOptions { max_iterations: 10, ..given(start) }).expect("a fit");
    assert_eq!((fit.stop, fit.log_likelihoods.len(), &fit.repairs[..]), (Stop::MaxIterations, 11, &[][..]));
    close("weights", fit.mixture.weights(), &numbers(&figures["weights"]), 1e-9);
    for ((bell, mean), covariance) in
        fit.mixture.components().iter().zip(rows(&figures["means"])).zip(rows(&figures["covariances"]))
    {
        close("mean", bell.mean(), &mean, 1e-9);
        close("covariance", bell.covariance().data(), &covariance, 1e-9);
    }
    let expected = figures["mean_log_likelihood"].as_f64().expect("a number");
    close("log-likelihood", &fit.log_likelihoods[10..], &[expected], 1e-12);
}

/// The figures that the book prints: the mean of ln(p(x) + 1e-8).
#[test]
fn em_prints_the_books_figures() {
    let x = Geyser::default().eruptions().expect("the data");
    let start = book_start();
    assert!((book::mean_log_likelihood(&start, &x) - -137.488).abs() < 5e-4);
    let mut figures: Vec<f64> = Vec::new();
    let fit = fit_em_watched(&x, 2, &given(start.clone()), |progress| {
        let figure = x.rows().map(|x| (progress.mixture.pdf(x) + 1e-8).ln()).sum::<f64>() / 272.0;
        let stop = figures.last().is_some_and(|last| (figure - last).abs() < 1e-4);
        figures.push(figure);
        if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .expect("a fit");
    let printed: Vec<String> = figures[..figures.len() - 1].iter().map(|figure| format!("{figure:.3}")).collect();
    let expected = ["-16.538", "-4.415", "-4.357", "-4.302", "-4.245", "-4.200", "-4.164", "-4.156", "-4.155"];
    assert_eq!(printed, expected);
    assert_eq!((fit.stop, fit.log_likelihoods.len()), (Stop::Asked, 10));

    // The plain twin goes the same way, and its bound is the log-likelihood after every E-step.
    let mut twin = start;
    for log_likelihood in &fit.log_likelihoods {
        close("log-likelihood", &[book::mean_log_likelihood(&twin, &x)], &[*log_likelihood], 1e-11);
        let q = book::e_step(&twin, &x);
        close("ELBO", &[book::mean_elbo(&twin, &x, &q)], &[*log_likelihood], 1e-11);
        let even = vec![vec![0.5, 0.5]; 272];
        assert!(book::mean_elbo(&twin, &x, &even) < log_likelihood - 1e-3);
        if log_likelihood != fit.log_likelihoods.last().expect("ten") {
            twin = book::m_step(&x, &q).expect("an M-step");
        }
    }
    for (fast, plain) in fit.mixture.components().iter().zip(twin.components()) {
        close("mean", fast.mean(), plain.mean(), 1e-9);
        close("covariance", fast.covariance().data(), plain.covariance().data(), 1e-9);
    }
}

/// n points of a random mixture, and another random mixture to start from.
fn random(seed: u64, n: usize, d: usize, k: usize) -> (Matrix, GaussianMixture) {
    let mut rng = Rng::new(seed, "random mixture", 0);
    let mut mixture = |spread: f64| {
        let shares: Vec<f64> = (0..k).map(|_| 0.2 + rng.uniform()).collect();
        let bells = (0..k).map(|_| {
            let mean = (0..d).map(|_| spread * rng.normal()).collect();
            let a = Matrix::from_data(d, d, (0..d * d).map(|_| rng.normal()).collect());
            let covariance = &a.dot(&a.transpose()) + &Matrix::identity(d).scale(0.3);
            MultivariateNormal::new(mean, covariance).expect("a covariance")
        });
        let bells = bells.collect();
        let sum: f64 = shares.iter().sum();
        GaussianMixture::new(shares.iter().map(|share| share / sum).collect(), bells).expect("a mixture")
    };
    let (truth, start) = (mixture(4.0), mixture(2.0));
    let mut rng = Rng::new(seed, "points", 0);
    (Matrix::from_data(n, d, (0..n).flat_map(|_| truth.sample(&mut rng).1).collect()), start)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_likelihood_never_falls(seed: u64, n in 50_usize..400, d in 1_usize..7, k in 1_usize..5) {
        let (x, start) = random(seed, n, d, k);
        // A covariance may become singular where n is small; the fit may end, but not fall.
        let mut last = f64::NEG_INFINITY;
        let _ = fit_em_watched(&x, k, &EmOptions { max_iterations: 30, ..given(start) }, |progress| {
            let now = progress.log_likelihood;
            assert!(now >= last - 1e-11 * last.abs().min(1e3), "{last} -> {now} in iteration {}", progress.iteration);
            last = now;
            ControlFlow::Continue(())
        });
        prop_assert!(last.is_finite());
    }

    #[test]
    fn one_pass_is_the_plain_e_step_and_m_step(seed: u64, n in 50_usize..400, d in 1_usize..11, k in 1_usize..5) {
        let (x, start) = random(seed, n, d, k);
        let fit = fit_em(&x, k, &EmOptions { max_iterations: 1, ..given(start.clone()) });
        let plain = book::m_step(&x, &book::e_step(&start, &x));
        prop_assert_eq!(fit.is_ok(), plain.is_ok());
        if let (Ok(fit), Ok(plain)) = (fit, plain) {
            close("log-likelihood", &fit.log_likelihoods[..1], &[book::mean_log_likelihood(&start, &x)], 1e-12);
            for (fast, plain) in fit.mixture.weights().iter().zip(plain.weights()) {
                prop_assert!((fast - plain).abs() < 1e-13);
            }
            for (fast, plain) in fit.mixture.components().iter().zip(plain.components()) {
                for (fast, plain) in fast.mean().iter().zip(plain.mean()) {
                    prop_assert!((fast - plain).abs() < 1e-10, "{} {}", fast, plain);
                }
                for (fast, plain) in fast.covariance().data().iter().zip(plain.covariance().data()) {
                    prop_assert!((fast - plain).abs() < 1e-9, "{} {}", fast, plain);
                }
            }
        }
    }
}

#[test]
fn a_known_mixture_is_found_again() {
    let (wide, long) = (vec![2.0, 0.5, 0.5, 1.0], vec![0.5, 0.0, 0.0, 4.0]);
    let means = [vec![0.0, 0.0], vec![8.0, 0.0], vec![0.0, 9.0], vec![9.0, 8.0]];
    let truth = mixture(&[0.1, 0.2, 0.3, 0.4], &means, &[wide.clone(), long.clone(), wide, long]);
    let mut rng = Rng::new(0, "sampling", 0);
    let x = Matrix::from_data(20_000, 2, (0..20_000).flat_map(|_| truth.sample(&mut rng).1).collect());
    let fit = fit_em(&x, 4, &EmOptions::default()).expect("a fit");
    assert_eq!((fit.stop, fit.repairs.len()), (Stop::Converged, 0));
    let truth_says = book::mean_log_likelihood(&truth, &x);
    assert!(fit.log_likelihoods.last() >= Some(&truth_says), "the truth is likelier than the fit");
    for (phi, bell) in truth.weights().iter().zip(truth.components()) {
        let far = |i: &usize| -> f64 {
            fit.mixture.components()[*i].mean().iter().zip(bell.mean()).map(|(a, b)| (a - b).abs()).sum()
        };
        let i = (0..4).min_by(|a, b| far(a).total_cmp(&far(b))).expect("four");
        assert!(far(&i) < 0.2, "{:?}", fit.mixture);
        assert!((fit.mixture.weights()[i] - phi).abs() < 0.01, "{:?}", fit.mixture);
        for (found, truth) in fit.mixture.components()[i].covariance().data().iter().zip(bell.covariance().data()) {
            assert!((found - truth).abs() < 0.2, "{:?}", fit.mixture);
        }
    }
}

#[test]
fn of_several_starts_the_best_is_kept() {
    let x = Geyser::default().eruptions().expect("the data");
    let mut ends = std::collections::BTreeMap::new();
    let options = EmOptions { starts: 5, seed: 3, max_iterations: 20, ..EmOptions::default() };
    let fit = fit_em_watched(&x, 6, &options, |progress| {
        ends.insert(progress.start, progress.log_likelihood);
        ControlFlow::Continue(())
    })
    .expect("a fit");
    assert_eq!(ends.len(), 5);
    let best = ends.values().copied().fold(f64::MIN, f64::max);
    assert!(ends.values().any(|end| *end < best - 1e-3), "all starts end alike: {ends:?}");
    assert_eq!(fit.log_likelihoods.last(), Some(&best));
}

#[test]
fn the_threshold_ends_the_fit() {
    let x = two_bells();
    let fit =
        |threshold: f64| fit_em(&x, 2, &EmOptions { threshold, starts: 1, ..EmOptions::default() }).expect("a fit");
    let (rough, fine) = (fit(1e-2), fit(1e-12));
    assert_eq!((rough.stop, fine.stop), (Stop::Converged, Stop::Converged));
    assert!(rough.log_likelihoods.len() < fine.log_likelihoods.len());
    let [.., before, last] = fine.log_likelihoods[..] else { panic!("one iteration") };
    assert!((last - before).abs() < 1e-12);
    close("last", &[last], &[book::mean_log_likelihood(&fine.mixture, &x)], 1e-12);
}

#[test]
fn the_bits_are_the_same_with_any_number_of_threads() {
    let (x, start) = random(7, 20_000, 3, 3);
    let fit = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let fit = pool.install(|| fit_em(&x, 3, &EmOptions { max_iterations: 5, ..given(start.clone()) }));
        fit.expect("a fit")
    };
    let (one, two) = (fit(1), fit(2));
    assert_eq!(one.log_likelihoods, two.log_likelihoods);
    assert_eq!(one.mixture, two.mixture);
}

#[test]
fn data_that_cannot_be_fitted_are_explained() {
    let options = EmOptions::default();
    let say = |x: &Matrix, k: usize| fit_em(x, k, &options).expect_err("no fit").to_string();
    let x = two_bells();
    assert_eq!(say(&x, 0), "K = 0: a mixture needs at least one component");
    assert_eq!(say(&x, 301), "K = 301 components for 300 points: each component needs a point of its own");
    let none = "the data are 0 x 2: a mixture is fitted to at least one point of at least one coordinate";
    assert_eq!(say(&Matrix::zeros(0, 2), 1), none);
    assert_eq!(say(&Matrix::zeros(2, 0), 1), none.replace("0 x 2", "2 x 0"));
    for hole in [f64::NAN, f64::INFINITY] {
        let mut points = x.data().to_vec();
        points[401] = hole;
        let message = format!("row 200, column 1 of the data is {hole}: expected a finite number");
        assert_eq!(say(&Matrix::from_data(300, 2, points), 2), message);
    }
    let repeated = Matrix::from_data(50, 2, [1.5, -2.0].repeat(50));
    let constant = "column 0 of the data is 1.5 in every row: without variance there is no density; leave it out";
    assert_eq!(say(&repeated, 2), constant);
    let column: Vec<f64> = x.rows().flat_map(|row| [row[0], 7.0]).collect();
    let message = constant.replace("column 0", "column 1").replace("1.5", "7");
    assert_eq!(say(&Matrix::from_data(300, 2, column), 2), message);
    let wide = Matrix::from_data(3, 1, vec![1e200, -1e200, 0.0]);
    assert!(say(&wide, 1).starts_with("the numbers in column 0 of the data are so large or so small"));
}

#[test]
fn options_that_make_no_sense_are_explained() {
    let x = two_bells();
    let say = |options: EmOptions| fit_em(&x, 2, &options).expect_err("no fit").to_string();
    let standard = EmOptions::default;
    assert_eq!(say(EmOptions { starts: 0, ..standard() }), "starts is 0: expected at least 1");
    let message = "threshold is -1: expected a finite number that is not negative";
    assert_eq!(say(EmOptions { threshold: -1.0, ..standard() }), message);
    assert!(say(EmOptions { threshold: f64::NAN, ..standard() }).starts_with("threshold is NaN"));
    assert!(say(EmOptions { covariance_floor: f64::NAN, ..standard() }).starts_with("covariance_floor is NaN"));
    let message = "covariance_floor is 1.5: expected a share from 0 to 1";
    assert_eq!(say(EmOptions { covariance_floor: 1.5, ..standard() }), message);
    let start = Some(mixture(&[1.0], &[vec![0.0]], &[vec![1.0]]));
    let message = "the start has 1 components of 1 dimensions: expected 2 of 2";
    assert_eq!(say(EmOptions { start, ..standard() }), message);
    let eye = vec![1e-300, 0.0, 0.0, 1e-300];
    let start = Some(mixture(&[0.5, 0.5], &[vec![0.0, 1e6], vec![0.0, 2e6]], &[eye.clone(), eye]));
    assert!(say(EmOptions { start, ..standard() }).starts_with("iteration 1: all points are so far"));
}

/// A component on points that are all the same, or on a line, gets the floor; without a floor it is an error.
#[test]
fn a_component_without_spread_is_floored() {
    let mut points = two_bells().data().to_vec();
    points[..200].copy_from_slice(&[100.0, 50.0].repeat(100));
    let x = Matrix::from_data(300, 2, points);
    let eye = vec![1.0, 0.0, 0.0, 1.0];
    let start = mixture(&[0.5, 0.5], &[vec![100.0, 50.0], vec![6.0, 0.0]], &[eye.clone(), eye]);
    let without = fit_em(&x, 2, &given(start.clone())).expect_err("singular");
    assert_eq!(without, EmError::Singular { component: 0, iteration: 1 });
    let message = "iteration 1: the covariance of component 0 is singular; a covariance_floor above 0 prevents that";
    assert_eq!(without.to_string(), message);
    let fit = fit_em(&x, 2, &EmOptions { start: Some(start), ..EmOptions::default() }).expect("a fit");
    assert_eq!(fit.repairs, [Repair { component: 0, iteration: 1, kind: RepairKind::Floored }]);
    let bell = &fit.mixture.components()[0];
    close("mean", bell.mean(), &[100.0, 50.0], 1e-12);
    close("weight", fit.mixture.weights(), &[1.0 / 3.0, 2.0 / 3.0], 1e-12);
    let column = |i: usize| -> Vec<f64> { x.rows().map(|row| row[i]).collect() };
    for i in 0..2 {
        let sigma = steps::step01::Normal::fit(&column(i)).expect("a spread").sigma;
        close("floor", &[bell.covariance()[(i, i)]], &[1e-6 * sigma * sigma], 1e-9);
    }

    // Three coordinates on a line: every component needs the floor.
    let line = Matrix::from_data(300, 2, (0..300).flat_map(|i| [f64::from(i), 2.0 * f64::from(i)]).collect());
    let fit = fit_em(&line, 3, &EmOptions::default()).expect("a fit");
    assert_eq!(fit.repairs.len(), 3);
    assert!(fit.log_likelihoods.iter().all(|l| l.is_finite()));
}

#[test]
fn a_component_without_points_stays_where_it_is() {
    let x = two_bells();
    let eye = vec![1.0, 0.0, 0.0, 1.0];
    let means = [vec![0.0, 0.0], vec![12.0, 0.0], vec![1e4, 1e4]];
    let start = mixture(&[0.4, 0.4, 0.2], &means, &[eye.clone(), eye.clone(), eye]);
    let fit = fit_em(&x, 3, &EmOptions { start: Some(start), ..EmOptions::default() }).expect("a fit");
    assert_eq!(fit.repairs, [Repair { component: 2, iteration: 1, kind: RepairKind::Empty }]);
    assert_eq!((fit.mixture.weights()[2], fit.mixture.components()[2].mean()), (0.0, &[1e4, 1e4][..]));
    assert!(fit.log_likelihoods.is_sorted() && fit.log_likelihoods.iter().all(|l| l.is_finite()));
    close("weights", &fit.mixture.weights()[..2], &[1.0 / 3.0, 2.0 / 3.0], 1e-9);
}

/// Two different points and two components: k-means++ has to take both.
#[test]
fn as_many_points_as_components() {
    let x = Matrix::from_data(2, 1, vec![-1.0, 3.0]);
    let fit = fit_em(&x, 2, &EmOptions::default()).expect("a fit");
    let mut means: Vec<f64> = fit.mixture.components().iter().map(|bell| bell.mean()[0]).collect();
    means.sort_by(f64::total_cmp);
    close("means", &means, &[-1.0, 3.0], 1e-12);
    assert_eq!(fit.repairs.len(), 2);
}

#[test]
fn a_malformed_line_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("old_faithful.csv");
    let geyser = Geyser { data: Some(folder.path().into()) };
    let say = || {
        let said = format!("{:#}", geyser.eruptions().expect_err("malformed"));
        said.replace(&path.display().to_string(), "FILE")
    };
    let say_of = |text: &str| {
        std::fs::write(&path, text).expect("a file");
        say()
    };
    assert!(say().starts_with("FILE: cannot be read: "));
    let line = "FILE, line 3: expected two numbers like 3.6,79, found ";
    for cells in ["3.6", "3.6,79,1", "3.6,x", "3.6,NaN", "3.6,inf", ""] {
        assert_eq!(say_of(&format!("eruptions,waiting\n3.6,79\n{cells}\n1.8,54\n")), format!("{line}{cells:?}"));
    }
    assert_eq!(say_of("3.6,79\n"), "FILE, line 1: expected the header \"eruptions,waiting\", found \"3.6,79\"");
    assert_eq!(say_of(""), "FILE, line 1: expected the header \"eruptions,waiting\", found the end of the file");
    let end = "FILE, line 2: expected two numbers like 3.6,79, found the end of the file";
    assert_eq!(say_of("eruptions,waiting\n"), end);
    std::fs::write(&path, b"eruptions,waiting\n\xff\xfe\n").expect("a file");
    assert!(say().starts_with("FILE, line 2: expected two numbers"));
    std::fs::write(&path, "eruptions,waiting\r\n3.6,79\r\n\r\n").expect("a file");
    assert_eq!(geyser.eruptions().expect("one row").data(), [3.6, 79.0]);
    assert_eq!(Geyser::default().eruptions().expect("the repository's").shape(), (272, 2));
}
