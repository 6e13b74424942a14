use super::is;
use steps::em::{EmOptions, fit_em};
use steps::step03::{Matrix, MultivariateNormal};
use steps::step04::{GaussianMixture, OldFaithfulArgs};
use steps::step05::book::{e_step, m_step, mean_elbo, mean_log_likelihood};

fn eruptions() -> Matrix {
    OldFaithfulArgs::default().eruptions().unwrap()
}

fn start(means: [[f64; 2]; 2]) -> GaussianMixture {
    let component = |mu: [f64; 2]| MultivariateNormal::new(mu.to_vec(), Matrix::identity(2)).unwrap();
    GaussianMixture::new(vec![0.5, 0.5], means.map(component).to_vec()).unwrap()
}

/// ln p after each iteration of EM, and the mixture in the end.
fn em(x: &Matrix, mut mixture: GaussianMixture, iterations: usize) -> (Vec<f64>, GaussianMixture) {
    let mut history = vec![];
    for _ in 0..iterations {
        mixture = m_step(x, &e_step(&mixture, x)).unwrap();
        history.push(mean_log_likelihood(&mixture, x));
    }
    (history, mixture)
}

#[test]
fn exercise_1_equal_components_stay_equal() {
    let x = eruptions();
    let (history, mixture) = em(&x, start([[3.0, 75.0]; 2]), 100);
    let single = MultivariateNormal::fit(&x).unwrap();
    let ln_p = x.rows().map(|x| single.log_pdf(x)).sum::<f64>() / x.shape().0 as f64;
    println!(
        "equal means: ln p = {:.4} after 1 and {:.4} after 100 iterations; one normal distribution: {ln_p:.4}",
        history[0], history[99]
    );
    is(history[0], ln_p, 1e-12);
    is(history[99], ln_p, 1e-12);
    assert_eq!(mixture.components()[0], mixture.components()[1]);

    let (history, mixture) = em(&x, start([[3.0, 75.0], [3.001, 75.0]]), 100);
    let left = history.iter().position(|l| l - ln_p > 0.01).unwrap() + 1;
    let done = history.iter().position(|l| history[99] - l < 1e-4).unwrap() + 1;
    println!("one moved by 0.001: after 1, 2, 5, 10 iterations {:.4?}", [0, 1, 4, 9].map(|i| history[i]));
    println!(
        "0.01 nats higher from iteration {left}, within 1e-4 nats of {:.4} from {done}, phi = {:.4?}",
        history[99],
        mixture.weights()
    );
    is(history[99], -4.1555, 0.0005);
}

#[test]
fn exercise_2_hard_assignments_leave_a_gap() {
    let x = eruptions();
    let hard = |mixture: &GaussianMixture| -> Vec<Vec<f64>> {
        let assign = |q: Vec<f64>| if q[0] >= q[1] { vec![1.0, 0.0] } else { vec![0.0, 1.0] };
        e_step(mixture, &x).into_iter().map(assign).collect()
    };
    let mut mixture = start([[0.0, 50.0], [0.0, 100.0]]);
    let mut before = vec![];
    let mut iterations = 0;
    while before != hard(&mixture) {
        before = hard(&mixture);
        mixture = m_step(&x, &before).unwrap();
        iterations += 1;
    }
    let (ln_p, elbo) = (mean_log_likelihood(&mixture, &x), mean_elbo(&mixture, &x, &before));
    println!(
        "no assignment changes after {iterations} iterations, phi = {:.4?}, ln p = {ln_p:.5}, ELBO = {elbo:.5}",
        mixture.weights()
    );
    // KL(q || p(z | x)) for a q of one component is -ln p(z = k | x)
    let q = e_step(&mixture, &x);
    let kl = q.iter().map(|q| -libm::log(q[0].max(q[1]))).sum::<f64>() / q.len() as f64;
    is(ln_p - elbo, kl, 1e-12);
    assert!(kl > 1e-4);
    let soft = em(&x, start([[0.0, 50.0], [0.0, 100.0]]), 100).1;
    println!("by EM: phi = {:.4?}, ln p = {:.5}", soft.weights(), mean_log_likelihood(&soft, &x));
    assert!(mean_log_likelihood(&soft, &x) > ln_p);
}

#[test]
fn exercise_3_two_components_are_enough() {
    let x = eruptions();
    let rows = |keep: &dyn Fn(usize) -> bool| {
        let rows = x.rows().enumerate().filter(|(i, _)| keep(*i)).map(|(_, x)| [x[0], x[1]]);
        Matrix::new(&rows.collect::<Vec<[f64; 2]>>())
    };
    println!("K   ln p of the others   of the eruptions kept out, every fifth from the first, second, ..   their mean");
    let mut means = vec![];
    for k in 1..=6 {
        let of = |fold: usize| {
            let (train, test) = (rows(&|i| i % 5 != fold), rows(&|i| i % 5 == fold));
            let fit = fit_em(&train, k, &EmOptions { n_init: 10, ..EmOptions::default() }).unwrap();
            (*fit.log_likelihoods.last().unwrap(), mean_log_likelihood(&fit.mixture, &test))
        };
        let folds: Vec<(f64, f64)> = (0..5).map(of).collect();
        let mean = folds.iter().map(|(_, test)| test).sum::<f64>() / 5.0;
        println!(
            "{k}   {:.3}   {:.3?}   {mean:.3}",
            folds[0].0,
            folds.iter().map(|(_, test)| *test).collect::<Vec<_>>()
        );
        means.push(mean);
    }
    assert!(means[1] > means[0] + 0.4, "two are much better than one");
    assert!((2..6).all(|k| means[k] < means[1] + 0.05), "more are no better");
}
