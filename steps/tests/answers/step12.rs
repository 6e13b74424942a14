use super::is;
use std::f64::consts::{E, PI};
use steps::step07::likelihood::importance_weighted;
use steps::step11::Solver;
use steps::step12::linear::{LinearHierarchy, Normal2d};
use steps::step12::{Denoiser, Estimate, Trace, bits_per_dim, log_density, log_weight};
use tsukuru::Real;
use tsukuru::mode::no_grad;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

#[test]
fn exercise_1_a_black_pixel() {
    is(bits_per_dim(0.0, 1), 8.0, 1e-12);
    // The entropy of a normal distribution with the variance of uniform noise of the width of a byte.
    let variance = (1.0_f64 / 256.0).powi(2) / 12.0;
    is(bits_per_dim(-0.5 * (2.0 * PI * E * variance).ln(), 1), 0.2546, 1e-4);
}

/// u^T J u for many u.
fn estimates(j: &Tensor, u: impl Fn(&mut Rng, usize) -> Tensor) -> Vec<f64> {
    let u = Variable::new(u(&mut Rng::new(0, "test", 0), 200_000));
    let products = (u.matmul(&Variable::new(j)) * u).sum(1);
    products.value().data().iter().map(|&x| x.into()).collect()
}

#[test]
fn exercise_3_signs_and_normal_numbers() {
    let signs = |rng: &mut Rng, n| rng.uniform_tensor([n, 2], -1.0, 1.0).map(Real::signum);
    let normal = |rng: &mut Rng, n| rng.normal_tensor([n, 2]);
    let variance = |estimates: &[f64]| {
        let Estimate { mean, error } = Estimate::of(estimates);
        is(mean, 3.0, 0.03);
        error * error * estimates.len() as f64
    };
    let full = Tensor::from([[1.0, 0.2], [0.6, 2.0]]);
    // Of the symmetric part S: 4 S_12^2, and 2 (S_11^2 + S_22^2 + 2 S_12^2).
    is(variance(&estimates(&full, signs)), 0.64, 0.02);
    is(variance(&estimates(&full, normal)), 10.64, 0.2);
    let diagonal = Tensor::from([[1.0, 0.5], [-0.5, 2.0]]); // diagonal, but for what is antisymmetric
    is(variance(&estimates(&diagonal, signs)), 0.0, 1e-9);
}

fn data() -> Normal2d {
    Normal2d::new([0.7, -0.4], [0.3, 1.7], 0.9)
}

#[test]
fn exercise_4_more_draws() {
    let (x, draws) = ([0.5, -1.0], 2_000_000);
    let exact = data().log_pdf(x);
    let many = Variable::new(Tensor::from_fn([draws, 2], |i| x[i % 2] as Real));
    let model = LinearHierarchy { data: data(), levels: 1 };
    let log_w = no_grad(|| log_weight(&model, &many, &mut Rng::new(0, "z", 0)));
    let log_w: Vec<f64> = log_w.value().data().iter().map(|&w| w.into()).collect();
    for (k, below) in [(1, 0.0945), (10, 0.0062), (100, 0.0006)] {
        println!("k = {k}: {:.4}", exact - importance_weighted(&log_w, k));
        is(exact - importance_weighted(&log_w, k), below, 0.0012);
    }
}

/// ln p by Euler's method in ln sigma, of x and of the integral.
fn euler(x: &Tensor, steps: usize) -> Vec<f64> {
    let n = x.shape()[0];
    let (low, high): (f64, f64) = (0.002_f64.ln(), 80.0_f64.ln());
    // The state is (N, 3): the trace of this denoiser is the same everywhere.
    let trace = |sigma: f64| [0.3, 1.7].iter().map(|v| 1.0 - v / (v + sigma * sigma)).sum::<f64>();
    let field = |state: &Tensor, t: f64| {
        let (x, sigma) = (Variable::new(state).narrow(1, 0, 2), t.exp());
        let slope = no_grad(|| &x - data().denoise(&x, &vec![sigma; n]));
        Variable::cat(&[&slope, &Tensor::full([n, 1], trace(sigma) as Real).into()], 1).value().clone()
    };
    let state = Variable::cat(&[&Variable::new(x), &Tensor::zeros([n, 1]).into()], 1).value().clone();
    let end = Solver::Euler.solve(field, state, (low, high), steps);
    let variance = 1.0 + 80.0_f64.powi(2);
    let log_p = |row: &[Real]| {
        let square: f64 = row[..2].iter().map(|&x| f64::from(x).powi(2)).sum();
        -0.5 * square / variance - (2.0 * PI * variance).ln() + f64::from(row[2])
    };
    end.data().chunks(3).map(log_p).collect()
}

#[test]
fn exercise_5_euler_and_heun() {
    let x = Rng::new(0, "test", 0).normal_tensor([200, 2]);
    let heun = |steps| log_density(&data(), &x, steps, Trace::Exact, &mut Rng::new(0, "u", 0), || ());
    let exact = heun(1600);
    let error = |found: Vec<f64>| {
        let squares: f64 = found.iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum();
        (squares / 200.0).sqrt()
    };
    for (steps, of_euler, of_heun) in [(25, 2.55, 0.131), (50, 2.00, 0.0351), (100, 1.32, 0.0090), (200, 0.77, 0.0023)]
    {
        is(error(euler(&x, steps)), of_euler, 0.01);
        is(error(heun(steps)), of_heun, 0.0005);
    }
}
