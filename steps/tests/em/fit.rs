//! `fit_em` where there is something to find: it goes the way of scikit-learn, of the book and of its plain twin.

use super::{GOLDEN, book_start, close, given, mixture, numbers, rows, two_bells};
use proptest::prelude::*;
use std::ops::ControlFlow;
use steps::step03::{Matrix, MultivariateNormal};
use steps::step04::{GaussianMixture, Geyser};
use steps::step05::{EmOptions, Stop, book, fit_em, fit_em_watched};
use tsukuru::random::Rng;

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
        // Where n is small a component may shrink to a few points; near the end rounding decides how likely those are.
        let sound = |bell: &MultivariateNormal| {
            let left = |i: usize| bell.cholesky()[(i, i)].powi(2) / bell.covariance()[(i, i)];
            (0..d).all(|i| left(i) > 1e-6)
        };
        let mut last = f64::NEG_INFINITY;
        let _ = fit_em_watched(&x, k, &EmOptions { max_iterations: 30, ..given(start) }, |progress| {
            if !progress.mixture.components().iter().all(sound) {
                return ControlFlow::Break(());
            }
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
        let shares = book::e_step(&start, &x);
        // Of D points or fewer a covariance is singular but for rounding, which the two formulas do differently.
        let points = |j: usize| shares.iter().map(|q| q[j]).sum::<f64>();
        prop_assume!((0..k).all(|j| points(j) > 2.0 * d as f64));
        let plain = book::m_step(&x, &shares);
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
