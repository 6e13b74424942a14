//! `step01::Normal`: densities against SciPy's figures far into the tails, the fit, draws, and errors.

use steps::step01::{FitError, Normal};
use tsukuru::random::Rng;

/// mu, sigma, x, then pdf, logpdf and cdf of `scipy.stats.norm` (SciPy 1.17).
const SCIPY: [[f64; 6]; 15] = [
    [0.0, 1.0, 0.0, 0.3989422804014327, -0.9189385332046727, 0.5],
    [0.0, 1.0, 1.0, 0.24197072451914337, -1.4189385332046727, 0.8413447460685429],
    [0.0, 1.0, -1.0, 0.24197072451914337, -1.4189385332046727, 0.15865525393145707],
    [0.0, 1.0, -8.0, 5.052271083536893e-15, -32.918938533204674, 6.22096057427174e-16],
    [0.0, 1.0, 8.0, 5.052271083536893e-15, -32.918938533204674, 0.9999999999999993],
    [0.0, 1.0, -20.0, 5.520948362159764e-88, -200.91893853320468, 2.7536241186061556e-89],
    [0.0, 1.0, -37.0, 2.120006551524606e-298, -685.4189385332047, 5.7255712225239266e-300],
    [0.0, 1.0, 5.5, 1.0769760042543276e-07, -16.043938533204674, 0.9999999810104375],
    [172.7, 4.83, 160.0, 0.002604131407782863, -5.9506560920907665, 0.00427678943159058],
    [172.7, 4.83, 180.0, 0.026359393447300976, -3.6359305799577557, 0.9346550810528074],
    [-3.0, 0.001, -2.995, 0.0014867195147350901, -6.5111832542220025, 0.9999997133484281],
    [1000000.0, 25.0, 999123.0, 9.554007980953897e-270, -619.4410143580728, 6.803209216287532e-270],
    [0.5, 1e-05, 0.49995, 0.14867195147383913, -1.9060130682316903, 2.866515718800126e-07],
    [2.0, 100000000.0, -400000000.0, 1.3383021505846778e-12, -27.33961935715704, 3.167123915651552e-05],
    [0.0, 1.0, -200.0, 0.0, -20000.918938533203, 0.0],
];

#[track_caller]
fn close(found: f64, expected: f64, what: &str) {
    let allowed = 1e-12 * expected.abs();
    assert!((found - expected).abs() <= allowed, "{what}: {found:e}, expected {expected:e}");
}

#[test]
fn densities_are_scipy_s_to_twelve_digits() {
    for [mu, sigma, x, pdf, log_pdf, cdf] in SCIPY {
        let normal = Normal::new(mu, sigma);
        close(normal.pdf(x), pdf, &format!("pdf({x}) of {normal:?}"));
        close(normal.log_pdf(x), log_pdf, &format!("log_pdf({x}) of {normal:?}"));
        close(normal.cdf(x), cdf, &format!("cdf({x}) of {normal:?}"));
    }
}

#[test]
fn the_fit_divides_by_n_and_keeps_a_small_variance_beside_a_large_mean() {
    assert_eq!(Normal::fit(&[1.0, 2.0, 3.0, 6.0]), Ok(Normal::new(3.0, 3.5_f64.sqrt())));
    // An f64 of this size holds eighths, their sum only halves.
    let fitted = Normal::fit(&[0.125, 0.25, 0.375, 0.875].map(|x| 1e15 + x)).expect("a fit");
    assert_eq!(fitted.mu, 1e15 + 0.375);
}

#[test]
fn draws_have_the_moments_of_their_distribution() {
    let (normal, mut rng) = (Normal::new(-5.0, 0.25), Rng::new(0, "test", 0));
    let draws: Vec<f64> = (0..100_000).map(|_| normal.sample(&mut rng)).collect();
    let fitted = Normal::fit(&draws).expect("a fit");
    // Five standard errors: sigma / sqrt(N) and sigma / sqrt(2 N).
    assert!((fitted.mu + 5.0).abs() < 5.0 * 0.25 / 316.0, "{fitted:?}");
    assert!((fitted.sigma - 0.25).abs() < 5.0 * 0.25 / 447.0, "{fitted:?}");
    let below = draws.iter().filter(|&&x| x <= -5.25).count() as f64 / 1e5;
    assert!((below - normal.cdf(-5.25)).abs() < 0.006, "{below}");
}

#[test]
fn a_fit_without_a_solution_is_an_error() {
    let error = |xs: &[f64]| Normal::fit(xs).expect_err("no fit").to_string();
    assert_eq!(error(&[]), "a normal distribution is fitted to at least one number, found none");
    let nan = "number 2 (counted from 0) is NaN: a normal distribution is fitted to finite numbers";
    assert_eq!(error(&[1.0, 2.0, f64::NAN]), nan);
    assert_eq!(error(&[4.5; 7]), "all 7 numbers are 4.5: a normal distribution needs a variance above 0");
    for xs in [[-1e300, 1e300], [0.0, 1e-300], [-f64::MAX, f64::MAX]] {
        assert_eq!(error(&xs), "the variance of the numbers is too large or too small for an f64");
    }
    assert_eq!(Normal::fit(&[4.5]), Err(FitError::ZeroVariance { count: 1, value: 4.5 }));
}

#[test]
#[should_panic(expected = "sigma is 0, expected a positive, finite number")]
fn sigma_0_is_refused() {
    Normal::new(0.0, 0.0);
}

#[test]
#[should_panic(expected = "mu is NaN, expected a finite number")]
fn a_mean_of_nan_is_refused() {
    Normal::new(f64::NAN, 1.0);
}
