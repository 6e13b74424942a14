//! Points too far away, degenerate components, and data, files and options with which no mixture can be fitted.

use super::{book_initial_mixture, close, mixture, start_from, two_clusters};
use steps::em::{EmError, EmOptions, Repair, RepairKind, fit_em};
use steps::step03::Matrix;
use steps::step04::OldFaithfulArgs;

#[test]
fn far_away_points_give_no_nan() {
    let mixture = book_initial_mixture();
    for far in [1e3, 1e100, 1e150, 1e160, 1e300, -1e300] {
        let x = [far, far];
        let log_pdf = mixture.log_pdf(&x);
        assert!(log_pdf < -1e5 && log_pdf.is_finite() == (far.abs() < 1e154), "{far:e}: {log_pdf}");
        let q = mixture.responsibilities(&x);
        assert!((q.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{far:e}: {q:?}");
    }
    assert_eq!(mixture.responsibilities(&[1e300, 0.0]), [0.5, 0.5]);
    // Only NaN gives NaN.
    assert!(mixture.log_pdf(&[f64::NAN, 50.0]).is_nan() && mixture.pdf(&[0.0, f64::NAN]).is_nan());
    assert!(mixture.responsibilities(&[f64::NAN, 50.0]).iter().all(|q| q.is_nan()));
    // One of three hundred points lies 1e6 standard deviations away from all others.
    let mut points = two_clusters().data().to_vec();
    points[0] = 1e6;
    let fit = fit_em(&Matrix::from_data(300, 2, points), 3, &EmOptions::default()).expect("a fit");
    assert!(fit.log_likelihoods.iter().all(|l| l.is_finite()));
    assert!(fit.repairs.iter().any(|repair| repair.kind == RepairKind::Floored));
}

#[test]
fn data_that_cannot_be_fitted_are_explained() {
    let options = EmOptions::default();
    let error = |x: &Matrix, k: usize| fit_em(x, k, &options).expect_err("no fit").to_string();
    let x = two_clusters();
    assert_eq!(error(&x, 0), "K = 0: a mixture needs at least one component");
    assert_eq!(error(&x, 301), "K = 301 components for 300 points: at least as many points as components are needed");
    let none = "the data are 0 x 2: a mixture is fitted to at least one point of at least one coordinate";
    assert_eq!(error(&Matrix::zeros(0, 2), 1), none);
    assert_eq!(error(&Matrix::zeros(2, 0), 1), none.replace("0 x 2", "2 x 0"));
    for hole in [f64::NAN, f64::INFINITY] {
        let mut points = x.data().to_vec();
        points[401] = hole;
        let message = format!("row 200, column 1 of the data is {hole}: expected a finite number");
        assert_eq!(error(&Matrix::from_data(300, 2, points), 2), message);
    }
    let repeated = Matrix::from_data(50, 2, [1.5, -2.0].repeat(50));
    let constant = "column 0 of the data is 1.5 in every row: without variance there is no density; leave it out";
    assert_eq!(error(&repeated, 2), constant);
    assert_eq!(error(&Matrix::from_data(1, 1, vec![1.5]), 1), constant);
    let column: Vec<f64> = x.rows().flat_map(|row| [row[0], 7.0]).collect();
    let message = constant.replace("column 0", "column 1").replace("1.5", "7");
    assert_eq!(error(&Matrix::from_data(300, 2, column), 2), message);
    let wide = Matrix::from_data(3, 1, vec![1e200, -1e200, 0.0]);
    assert!(error(&wide, 1).starts_with("the numbers in column 0 of the data are so large or so small"));
}

#[test]
fn options_that_make_no_sense_are_explained() {
    let x = two_clusters();
    let error = |options: EmOptions| fit_em(&x, 2, &options).expect_err("no fit").to_string();
    let default = EmOptions::default;
    assert_eq!(error(EmOptions { n_init: 0, ..default() }), "n_init is 0: expected at least 1");
    let message = "threshold is -1: expected a finite number that is not negative";
    assert_eq!(error(EmOptions { threshold: -1.0, ..default() }), message);
    assert!(error(EmOptions { threshold: f64::NAN, ..default() }).starts_with("threshold is NaN"));
    assert!(error(EmOptions { threshold: f64::INFINITY, ..default() }).starts_with("threshold is inf"));
    assert!(error(EmOptions { covariance_floor: f64::NAN, ..default() }).starts_with("covariance_floor is NaN"));
    let message = "covariance_floor is 1.5: expected a share from 0 to 1";
    assert_eq!(error(EmOptions { covariance_floor: 1.5, ..default() }), message);
    fit_em(&x, 2, &EmOptions { covariance_floor: 1.0, ..default() }).expect("a share");
    let initial = Some(mixture(&[1.0], &[vec![0.0]], &[vec![1.0]]));
    let message = "the initial mixture has 1 components of 1 dimensions: expected 2 of 2";
    assert_eq!(error(EmOptions { initial, ..default() }), message);
    let eye = vec![1e-300, 0.0, 0.0, 1e-300];
    let initial = Some(mixture(&[0.5, 0.5], &[vec![0.0, 1e6], vec![0.0, 2e6]], &[eye.clone(), eye]));
    assert!(error(EmOptions { initial, ..default() }).starts_with("iteration 1: all points are so far"));
}

/// A component whose points are all the same, or lie on a line, gets the floor; without a floor it is an error.
#[test]
fn a_component_with_a_singular_covariance_is_floored() {
    let mut points = two_clusters().data().to_vec();
    points[..200].copy_from_slice(&[100.0, 50.0].repeat(100));
    let x = Matrix::from_data(300, 2, points);
    let eye = vec![1.0, 0.0, 0.0, 1.0];
    let initial = mixture(&[0.5, 0.5], &[vec![100.0, 50.0], vec![6.0, 0.0]], &[eye.clone(), eye]);
    let without = fit_em(&x, 2, &start_from(initial.clone())).expect_err("singular");
    assert_eq!(without, EmError::Singular { component: 0, iteration: 1 });
    let message = "iteration 1: the covariance of component 0 is singular; a larger covariance_floor \
                   prevents that, such as the default of 1e-6";
    assert_eq!(without.to_string(), message);
    let fit = fit_em(&x, 2, &EmOptions { initial: Some(initial), ..EmOptions::default() }).expect("a fit");
    assert_eq!(fit.repairs, [Repair { component: 0, iteration: 1, kind: RepairKind::Floored }]);
    let component = &fit.mixture.components()[0];
    close("mean", component.mean(), &[100.0, 50.0], 1e-12);
    close("weight", fit.mixture.weights(), &[1.0 / 3.0, 2.0 / 3.0], 1e-12);
    let column = |i: usize| -> Vec<f64> { x.rows().map(|row| row[i]).collect() };
    for i in 0..2 {
        let sigma = steps::step01::Normal::fit(&column(i)).expect("a fit").sigma;
        close("floor", &[component.covariance()[(i, i)]], &[1e-6 * sigma * sigma], 1e-9);
    }

    // All points on a line: every component needs the floor.
    let line = Matrix::from_data(300, 2, (0..300).flat_map(|i| [f64::from(i), 2.0 * f64::from(i)]).collect());
    let fit = fit_em(&line, 3, &EmOptions::default()).expect("a fit");
    assert_eq!(fit.repairs.len(), 3);
    assert!(fit.log_likelihoods.iter().all(|l| l.is_finite()));
}

#[test]
fn a_floor_below_the_variance_changes_nothing() {
    let x = Matrix::from_data(2, 1, vec![-1.0, 1.0]);
    let fit = fit_em(&x, 1, &EmOptions { covariance_floor: 0.6, ..EmOptions::default() }).expect("a fit");
    assert_eq!((&fit.repairs[..], fit.mixture.components()[0].covariance().data()), (&[][..], &[1.0][..]));
}

#[test]
fn an_empty_component_keeps_its_mean_and_gets_weight_0() {
    let x = two_clusters();
    let eye = vec![1.0, 0.0, 0.0, 1.0];
    let means = [vec![0.0, 0.0], vec![12.0, 0.0], vec![1e4, 1e4]];
    let initial = mixture(&[0.4, 0.4, 0.2], &means, &[eye.clone(), eye.clone(), eye.clone()]);
    let fit = fit_em(&x, 3, &EmOptions { initial: Some(initial), ..EmOptions::default() }).expect("a fit");
    assert_eq!(fit.repairs, [Repair { component: 2, iteration: 1, kind: RepairKind::Empty }]);
    assert_eq!((fit.mixture.weights()[2], fit.mixture.components()[2].mean()), (0.0, &[1e4, 1e4][..]));
    assert!(fit.log_likelihoods.is_sorted() && fit.log_likelihoods.iter().all(|l| l.is_finite()));
    close("weights", &fit.mixture.weights()[..2], &[1.0 / 3.0, 2.0 / 3.0], 1e-9);

    // With z = L^-1 d = (inf, inf - inf) the density is 0, too.
    let means = [vec![0.0, 0.0], vec![12.0, 0.0], vec![-1e160, -1e160]];
    let tiny = vec![1e-300, 0.5e-300, 0.5e-300, 1e-300];
    let initial = mixture(&[0.4, 0.4, 0.2], &means, &[eye.clone(), eye, tiny]);
    let overflow = fit_em(&x, 3, &EmOptions { initial: Some(initial), ..EmOptions::default() }).expect("a fit");
    assert_eq!((overflow.repairs, overflow.log_likelihoods), (fit.repairs, fit.log_likelihoods));
}

/// Two different points and two components: k-means++ has to choose both.
#[test]
fn as_many_points_as_components() {
    let x = Matrix::from_data(2, 1, vec![-1.0, 3.0]);
    let fit = fit_em(&x, 2, &EmOptions::default()).expect("a fit");
    let mut means: Vec<f64> = fit.mixture.components().iter().map(|component| component.mean()[0]).collect();
    means.sort_by(f64::total_cmp);
    close("means", &means, &[-1.0, 3.0], 1e-12);
    assert_eq!(fit.repairs.len(), 2);
}

#[test]
fn a_malformed_line_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("old_faithful.csv");
    let geyser = OldFaithfulArgs { data: Some(folder.path().into()) };
    let error = || {
        let message = format!("{:#}", geyser.eruptions().expect_err("malformed"));
        message.replace(&path.display().to_string(), "FILE")
    };
    let error_for = |text: &str| {
        std::fs::write(&path, text).expect("a file");
        error()
    };
    assert!(error().starts_with("FILE: cannot be read: "));
    let line = "FILE, line 3: expected two numbers like 3.6,79, found ";
    for cells in ["3.6", "3.6,79,1", "3.6,x", "3.6,NaN", "3.6,inf", "3.6,,79", "3.6 79"] {
        assert_eq!(error_for(&format!("eruptions,waiting\n3.6,79\n{cells}\n1.8,54\n")), format!("{line}{cells:?}"));
    }
    assert_eq!(error_for("3.6,79\n"), "FILE, line 1: expected the header \"eruptions,waiting\", found \"3.6,79\"");
    assert_eq!(error_for(""), "FILE, line 1: expected the header \"eruptions,waiting\", found the end of the file");
    let end = "FILE, line 2: expected two numbers like 3.6,79, found the end of the file";
    assert_eq!(error_for("eruptions,waiting\n"), end);
    std::fs::write(&path, b"eruptions,waiting\n\xff\xfe\n").expect("a file");
    assert!(error().starts_with("FILE, line 2: expected two numbers"));
    for text in
        ["eruptions,waiting\r\n3.6,79\r\n\r\n", "\u{feff}eruptions,waiting\n3.6, 79", "\"eruptions\",waiting\n3.6,79"]
    {
        std::fs::write(&path, text).expect("a file");
        assert_eq!(geyser.eruptions().expect("one row").data(), [3.6, 79.0]);
    }
    assert_eq!(OldFaithfulArgs::default().eruptions().expect("the repository's").shape(), (272, 2));
}
