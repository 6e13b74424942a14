//! `fit_em` on regular data: the iterations of scikit-learn, of the book and of the plain loop of step 5.

use super::{GOLDEN, book_initial_mixture, close, mixture, numbers, rows, start_from, two_clusters};
use proptest::prelude::*;
use std::io::Write;
use std::ops::ControlFlow;
use steps::em::{EmOptions, StopReason, fit_em, fit_em_with};
use steps::step03::{Matrix, MultivariateNormal};
use steps::step04::{GaussianMixture, OldFaithfulArgs};
use steps::step05::book;
use tsukuru::random::Rng;

#[test]
fn em_agrees_with_scikit_learn() {
    let figures = &GOLDEN["em"];
    let size = |name: &str| figures[name].as_u64().expect("a size") as usize;
    let (n, d, k) = (size("n"), size("d"), size("k"));
    let x = Matrix::from_data(n, d, numbers(&figures["x"]));
    let initial = mixture(&numbers(&figures["weights0"]), &rows(&figures["means0"]), &rows(&figures["covariances0"]));
    let fit = fit_em(&x, k, &EmOptions { max_iterations: 10, ..start_from(initial) }).expect("a fit");
    assert_eq!(
        (fit.stop_reason, fit.log_likelihoods.len(), &fit.repairs[..]),
        (StopReason::MaxIterations, 11, &[][..])
    );
    close("weights", fit.mixture.weights(), &numbers(&figures["weights"]), 1e-9);
    for ((component, mean), covariance) in
        fit.mixture.components().iter().zip(rows(&figures["means"])).zip(rows(&figures["covariances"]))
    {
        close("mean", component.mean(), &mean, 1e-9);
        close("covariance", component.covariance().data(), &covariance, 1e-9);
    }
    let expected = figures["mean_log_likelihood"].as_f64().expect("a number");
    close("log-likelihood", &fit.log_likelihoods[10..], &[expected], 1e-12);
}

/// The figures that the book prints: the mean of ln(p(x) + 1e-8).
#[test]
fn em_prints_the_books_figures() {
    let x = OldFaithfulArgs::default().eruptions().expect("the data");
    let initial = book_initial_mixture();
    assert!((book::mean_log_likelihood(&initial, &x) - -137.488).abs() < 5e-4);
    let mut figures: Vec<f64> = Vec::new();
    let fit = fit_em_with(&x, 2, &start_from(initial.clone()), |progress| {
        let figure = x.rows().map(|x| (progress.mixture.pdf(x) + 1e-8).ln()).sum::<f64>() / 272.0;
        let stop = figures.last().is_some_and(|last| (figure - last).abs() < 1e-4);
        figures.push(figure);
        if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .expect("a fit");
    let printed: Vec<String> = figures[..figures.len() - 1].iter().map(|figure| format!("{figure:.3}")).collect();
    let expected = ["-16.538", "-4.415", "-4.357", "-4.302", "-4.245", "-4.200", "-4.164", "-4.156", "-4.155"];
    assert_eq!(printed, expected);
    assert_eq!((fit.stop_reason, fit.log_likelihoods.len()), (StopReason::Interrupted, 10));

    // The plain loop makes the same iterations, and after every E-step its ELBO is the log-likelihood.
    let mut plain_mixture = initial;
    for log_likelihood in &fit.log_likelihoods {
        close("log-likelihood", &[book::mean_log_likelihood(&plain_mixture, &x)], &[*log_likelihood], 1e-11);
        let q = book::e_step(&plain_mixture, &x);
        close("ELBO", &[book::mean_elbo(&plain_mixture, &x, &q)], &[*log_likelihood], 1e-11);
        let even = vec![vec![0.5, 0.5]; 272];
        assert!(book::mean_elbo(&plain_mixture, &x, &even) < log_likelihood - 1e-3);
        if log_likelihood != fit.log_likelihoods.last().expect("ten") {
            plain_mixture = book::m_step(&x, &q).expect("an M-step");
        }
    }
    for (fast, plain) in fit.mixture.components().iter().zip(plain_mixture.components()) {
        close("mean", fast.mean(), plain.mean(), 1e-9);
        close("covariance", fast.covariance().data(), plain.covariance().data(), 1e-9);
    }
}

/// n points of a random mixture, and another random mixture to start from.
fn random(seed: u64, n: usize, d: usize, k: usize) -> (Matrix, GaussianMixture) {
    let mut rng = Rng::new(seed, "random mixture", 0);
    let mut mixture = |spread: f64| {
        let shares: Vec<f64> = (0..k).map(|_| 0.2 + rng.uniform()).collect();
        let components = (0..k).map(|_| {
            let mean = (0..d).map(|_| spread * rng.normal()).collect();
            let a = Matrix::from_data(d, d, (0..d * d).map(|_| rng.normal()).collect());
            let covariance = &a.dot(&a.transpose()) + &Matrix::identity(d).scale(0.3);
            MultivariateNormal::new(mean, covariance).expect("a covariance")
        });
        let components = components.collect();
        let sum: f64 = shares.iter().sum();
        GaussianMixture::new(shares.iter().map(|share| share / sum).collect(), components).expect("a mixture")
    };
    let (truth, initial) = (mixture(4.0), mixture(2.0));
    let mut rng = Rng::new(seed, "points", 0);
    (Matrix::from_data(n, d, (0..n).flat_map(|_| truth.sample(&mut rng).1).collect()), initial)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_likelihood_never_falls(seed: u64, n in 50_usize..400, d in 1_usize..7, k in 1_usize..5) {
        let (x, initial) = random(seed, n, d, k);
        // Where n is small a component may shrink to a few points, and then rounding decides its likelihood.
        let well_conditioned = |component: &MultivariateNormal| {
            let left = |i: usize| component.cholesky()[(i, i)].powi(2) / component.covariance()[(i, i)];
            (0..d).all(|i| left(i) > 1e-6)
        };
        let mut last = f64::NEG_INFINITY;
        let _ = fit_em_with(&x, k, &EmOptions { max_iterations: 30, ..start_from(initial) }, |progress| {
            if !progress.mixture.components().iter().all(well_conditioned) {
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
    fn one_pass_is_the_plain_e_step_and_m_step(seed: u64, n in 50_usize..5000, d in 1_usize..11, k in 1_usize..5) {
        let (x, initial) = random(seed, n, d, k);
        let fit = fit_em(&x, k, &EmOptions { max_iterations: 1, ..start_from(initial.clone()) });
        let q = book::e_step(&initial, &x);
        // Of D points or fewer a covariance is singular but for rounding, which the two formulas do differently.
        let points = |j: usize| q.iter().map(|q| q[j]).sum::<f64>();
        prop_assume!((0..k).all(|j| points(j) > 2.0 * d as f64));
        let plain = book::m_step(&x, &q);
        prop_assert_eq!(fit.is_ok(), plain.is_ok());
        if let (Ok(fit), Ok(plain)) = (fit, plain) {
            close("log-likelihood", &fit.log_likelihoods[..1], &[book::mean_log_likelihood(&initial, &x)], 1e-12);
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
    assert_eq!((fit.stop_reason, fit.repairs.len()), (StopReason::Converged, 0));
    let of_truth = book::mean_log_likelihood(&truth, &x);
    assert!(fit.log_likelihoods.last() >= Some(&of_truth), "the true mixture has a higher likelihood than the fit");
    for (phi, component) in truth.weights().iter().zip(truth.components()) {
        let distance = |i: &usize| -> f64 {
            fit.mixture.components()[*i].mean().iter().zip(component.mean()).map(|(a, b)| (a - b).abs()).sum()
        };
        let i = (0..4).min_by(|a, b| distance(a).total_cmp(&distance(b))).expect("four");
        assert!(distance(&i) < 0.2, "{:?}", fit.mixture);
        assert!((fit.mixture.weights()[i] - phi).abs() < 0.01, "{:?}", fit.mixture);
        for (found, truth) in fit.mixture.components()[i].covariance().data().iter().zip(component.covariance().data())
        {
            assert!((found - truth).abs() < 0.2, "{:?}", fit.mixture);
        }
    }
}

#[test]
fn the_best_of_several_initialisations_is_kept() {
    let x = OldFaithfulArgs::default().eruptions().expect("the data");
    let mut ends = std::collections::BTreeMap::new();
    let options = EmOptions { n_init: 5, seed: 3, max_iterations: 20, ..EmOptions::default() };
    let fit = fit_em_with(&x, 6, &options, |progress| {
        ends.insert(progress.init, progress.log_likelihood);
        ControlFlow::Continue(())
    })
    .expect("a fit");
    assert_eq!(ends.len(), 5);
    let best = ends.values().copied().fold(f64::MIN, f64::max);
    assert!(ends.values().any(|end| *end < best - 1e-3), "all initialisations end alike: {ends:?}");
    assert_eq!(fit.log_likelihoods.last(), Some(&best));
}

#[test]
fn the_fit_ends_at_the_threshold() {
    let x = two_clusters();
    let wide = vec![50.0, 0.0, 0.0, 50.0];
    let start = mixture(&[0.5, 0.5], &[vec![7.9, 0.0], vec![8.1, 0.0]], &[wide.clone(), wide]);
    let fit = |threshold: f64| {
        let options =
            EmOptions { initial: Some(start.clone()), threshold, max_iterations: 100, ..EmOptions::default() };
        fit_em(&x, 2, &options).expect("a fit")
    };
    let (rough, fine) = (fit(1e-2), fit(1e-12));
    assert_eq!((rough.stop_reason, fine.stop_reason), (StopReason::Converged, StopReason::Converged));
    assert!(rough.log_likelihoods.len() < fine.log_likelihoods.len());
    let [.., before, last] = fine.log_likelihoods[..] else { panic!("one iteration") };
    assert!((last - before).abs() < 1e-12);
    close("last", &[last], &[book::mean_log_likelihood(&fine.mixture, &x)], 1e-12);
    // A threshold of 0 is never reached, not even by a change of 0.
    let never = fit(0.0);
    assert_eq!((never.stop_reason, never.log_likelihoods.len()), (StopReason::MaxIterations, 101));
    assert_eq!(never.log_likelihoods[99], never.log_likelihoods[100]);
}

/// A repair may make the likelihood fall.
#[test]
fn a_fall_of_the_likelihood_is_a_change() {
    let x = Matrix::from_data(2, 1, vec![-1.0, 1.0]);
    let initial = Some(mixture(&[1.0], &[vec![0.0]], &[vec![1.0]]));
    let fit = fit_em(&x, 1, &EmOptions { initial, covariance_floor: 1.0, ..EmOptions::default() }).expect("a fit");
    let [start, floored, last] = fit.log_likelihoods[..] else { panic!("{fit:?}") };
    assert!(floored < start - 0.05 && floored == last);
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let EmOptions { initial, n_init, max_iterations, threshold, covariance_floor, seed } = EmOptions::default();
    assert!(initial.is_none());
    assert_eq!((n_init, max_iterations, threshold, covariance_floor, seed), (4, 200, 1e-6, 1e-6, 0));
}

#[test]
fn a_fit_says_how_it_ended() {
    let said = |max_iterations: usize, flow: ControlFlow<()>| {
        let options = EmOptions { max_iterations, ..EmOptions::default() };
        fit_em_with(&two_clusters(), 2, &options, |_| flow).expect("a fit").to_string()
    };
    assert!(said(200, ControlFlow::Continue(())).contains(", converged after iteration "));
    assert!(said(1, ControlFlow::Continue(())).ends_with(", not converged after iteration 1"));
    assert!(said(200, ControlFlow::Break(())).ends_with(", interrupted after iteration 0"));
    // Where nothing can be written it is an error.
    let fit = fit_em(&two_clusters(), 1, &EmOptions::default()).expect("a fit");
    assert!(write!(&mut [0u8; 8][..], "{fit}").is_err());
}

/// What it got is not the best fit here: the first initialisation had converged.
#[test]
fn an_interrupted_fit_tries_no_other_initialisation() {
    let mut inits = vec![];
    let fit = fit_em_with(&two_clusters(), 2, &EmOptions::default(), |progress| {
        inits.push(progress.init);
        if progress.init == 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    inits.dedup();
    assert_eq!((&inits[..], fit.expect("a fit").stop_reason), (&[0, 1][..], StopReason::Converged));
}

#[test]
fn the_bits_are_the_same_with_any_number_of_threads() {
    let (x, initial) = random(7, 20_000, 3, 3);
    let fit = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let fit = pool.install(|| fit_em(&x, 3, &EmOptions { max_iterations: 5, ..start_from(initial.clone()) }));
        fit.expect("a fit")
    };
    let (one, two) = (fit(1), fit(2));
    assert_eq!(one.log_likelihoods, two.log_likelihoods);
    assert_eq!(one.mixture, two.mixture);
}
