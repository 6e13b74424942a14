use super::{is, trains_fast};
use clap::Parser;
use std::f64::consts::{FRAC_PI_2, PI};
use steps::common::cli::{Common, Limits};
use steps::step11::flow_2d::{Flags, straightness, train};
use steps::step11::{Dit, DitSize, Network, Points, Solver, energy_distance, log_density};
use tsukuru::Real;
use tsukuru::mode::no_grad;
use tsukuru::nn::{Entry, Module, MultiheadAttention};
use tsukuru::ops::Reduction;
use tsukuru::optim::{Optimizer, Sgd};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

const SOLVERS: [Solver; 3] = [Solver::Euler, Solver::Midpoint, Solver::Heun];

/// The eight Gaussians: their middles c (8, 2), all 1.4 from the origin, and their standard deviation.
fn centers() -> Variable {
    let angles = (0..8).map(|k| PI * f64::from(k) / 4.0);
    let centers: Vec<[Real; 2]> = angles.map(|a| [1.4 * a.cos(), 1.4 * a.sin()].map(|x| x as Real)).collect();
    Variable::new(Tensor::new([8, 2], centers.as_flattened()))
}
const STD: f64 = 0.1;

/// ln of the density of x_t = (1 - t) x_0 + t x_1, without a constant, from each Gaussian: x (N, 2) to (N, 8).
fn log_components(x: &Variable, t: f64) -> Variable {
    let away = x.reshape([x.shape()[0], 1, 2]) - centers() * t as Real;
    away.square().sum(2) * (-0.5 / variance(t)) as Real
}

/// Of x_t around t c.
fn variance(t: f64) -> f64 {
    (1.0 - t) * (1.0 - t) + t * t * STD * STD
}

/// E[x_1 - x_0 | x_t = x]: of the points from Gaussian c it is c + slope (x - t c), and the mean over c is one over how
/// probable each is.
fn velocity(x: &Variable, t: f64) -> Variable {
    let slope = (t * STD * STD - (1.0 - t)) / variance(t);
    let c = log_components(x, t).softmax(1).matmul(&centers());
    &c + (x - &c * t as Real) * slope as Real
}

fn field(x: &Tensor, t: f64) -> Tensor {
    no_grad(|| velocity(&Variable::new(x), t).value().clone())
}

fn square(x: &Tensor) -> f64 {
    x.data().iter().map(|&x| f64::from(x) * f64::from(x)).sum()
}

#[test]
fn exercise_1_one_step_of_euler() {
    let x_0 = Rng::new(0, "test", 0).normal_tensor([1000, 2]);
    let x = Solver::Euler.solve(field, x_0.clone(), (0.0, 1.0), 1);
    is((square(&x) / 1000.0).sqrt(), 0.0, 1e-6); // all are the mean of the data
    let middle = Solver::Midpoint.solve(field, x_0, (0.0, 1.0), 1);
    let radius = (square(&middle) / 1000.0).sqrt();
    println!("one step of the midpoint method: distance from the origin {radius:.2}");
    is(radius, 1.73, 0.01);
}

#[test]
fn exercise_2_the_smallest_loss() {
    let n = 100_000;
    let rng = &mut Rng::new(0, "test", 0);
    // Of a single standard Gaussian the integral of 1 / (1 - 2 t + 2 t^2) is pi / 2.
    let integral = (0..1000).map(|i| (f64::from(i) + 0.5) / 1000.0).map(|t| 1e-3 / (1.0 - 2.0 * t + 2.0 * t * t));
    is(integral.sum(), FRAC_PI_2, 1e-6);
    let loss = |t: f64, rng: &mut Rng| {
        let (x_0, x_1) = (rng.normal_tensor([n / 100, 2]), Points::Gaussians.sample(n / 100, rng));
        let x_t = &x_0 * (1.0 - t) as Real + &x_1 * t as Real;
        let [v, difference] = [field(&x_t, t), x_1 - x_0].map(Variable::new);
        f64::from(v.mse_loss(&difference, Reduction::Mean).item())
    };
    let loss = (0..100).map(|i| loss((f64::from(i) + 0.5) / 100.0, rng)).sum::<f64>() / 100.0;
    println!("the smallest loss of eight Gaussians: {loss:.3}");
    is(loss, 1.30, 0.02);
}

#[test]
fn exercise_3_the_error_of_the_density() {
    let x = Points::Gaussians.sample(200, &mut Rng::new(0, "test", 0));
    println!("root mean square error of ln p in nats, by steps");
    let mut errors = vec![];
    for solver in SOLVERS {
        errors.push([10, 20, 40, 80, 160].map(|steps| {
            let found = log_density(velocity, &x, solver, steps);
            let squares = x.data().chunks(2).zip(found).map(|(x, found)| {
                let expected = Points::Gaussians.log_pdf(x[0].into(), x[1].into()).expect("it is known");
                (found - expected) * (found - expected)
            });
            (squares.sum::<f64>() / 200.0).sqrt()
        }));
        println!("{solver:?}: {:.5?}", errors.last().expect("one"));
    }
    for (error, order) in errors.iter().zip([1.0, 2.0, 2.0]) {
        is((error[3] / error[4]).log2(), order, 0.5);
    }
    assert!(errors[1][4] < 1e-2 && errors[2][4] < 1e-2, "the flow's density is that of the data");
}

#[test]
fn exercise_4_to_noise_and_back() {
    let rng = &mut Rng::new(0, "test", 0);
    let x = Points::Gaussians.sample(2000, rng);
    let normal = rng.normal_tensor([2000, 2]);
    println!("from data to noise and back, by steps: root mean square distance");
    let mut distances = vec![];
    for solver in SOLVERS {
        distances.push([5, 10, 20, 50].map(|steps| {
            let noise = solver.solve(field, x.clone(), (1.0, 0.0), steps);
            let back = solver.solve(field, noise, (0.0, 1.0), steps);
            (square(&(&back - &x)) / 2000.0).sqrt()
        }));
        println!("{solver:?}: {:.4?}", distances.last().expect("one"));
    }
    assert!(distances[0][3] > 2.0 * distances[1][3] && distances[0][3] > 2.0 * distances[2][3]);
    let noise = Solver::Heun.solve(field, x, (1.0, 0.0), 50);
    println!("energy distance of the noise to normal points: {:.4}", energy_distance(&noise, &normal));
    assert!(energy_distance(&noise, &normal) < 0.01);
}

#[test]
fn exercise_5_the_score() {
    let x = Variable::parameter(Rng::new(0, "test", 0).normal_tensor([100, 2]));
    for t in [0.1, 0.5, 0.9] {
        let [score] = tsukuru::backward::grad(&log_components(&x, t).logsumexp(1), [&x], false);
        let by_velocity = (velocity(&x, t) * t as Real - &x) / (1.0 - t) as Real;
        let away = square(&(score.value().clone() - by_velocity.value().clone()));
        is((away / square(&score.value())).sqrt(), 0.0, 1e-4);
    }
}

#[test]
fn exercise_7_the_first_steps_of_the_transformer() {
    let (rng, labels) = (&mut Rng::new(0, "test", 0), [Some(0), Some(1)]);
    let size = DitSize { dim: 8, depth: 2, heads: 2, patch: 4 };
    let model = Dit::new(size, [1, 8, 8], 10, rng);
    let [x, target] = [0, 1].map(|_| Variable::new(rng.normal_tensor([2, 1, 8, 8])));
    let mut optimizer = Sgd::new(model.parameters(), 0.1);
    let steps = [1, 2, 3].map(|_| {
        optimizer.zero_grad();
        model.forward(&x, &[0.3, 0.6], &labels).mse_loss(&target, Reduction::Mean).backward();
        let has_gradient = |entry: &Entry| match entry {
            Entry::Parameter(p) => p.grad().data().iter().any(|&g| g != 0.0),
            _ => false,
        };
        let names = model.entries().into_iter().filter(|(_, entry)| has_gradient(entry)).map(|(name, _)| name);
        let names = Vec::from_iter(names);
        optimizer.step();
        names
    });
    for names in &steps {
        println!("{}: {}", names.len(), names.join(", "));
    }
    assert_eq!(steps[0], ["final_layer.linear.weight", "final_layer.linear.bias"]);
    let counts = steps.map(|names| names.len());
    assert_eq!(counts, [2, 10, model.parameters().len()]);
}

#[test]
fn exercise_8_attention_does_not_know_where_a_token_is() {
    let rng = &mut Rng::new(0, "test", 0);
    let attention = MultiheadAttention::new(8, 2, rng);
    let x = Variable::new(rng.normal_tensor([3, 6, 8]));
    let order = [3, 0, 5, 1, 4, 2];
    let y = attention.forward(&x, &x, &x).index_select(1, &order);
    let shuffled = x.index_select(1, &order);
    let y_of_shuffled = attention.forward(&shuffled, &shuffled, &shuffled);
    is(square(&(y.value().clone() - y_of_shuffled.value().clone())), 0.0, 1e-10);
}

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    flags: Flags,
}

#[test]
fn exercise_6_the_wrong_pairs() {
    if !trains_fast() {
        return;
    }
    let Cli { common, flags } = Cli::parse_from(["", "--steps", "2000", "--quiet"]);
    let common = Common { limits: Limits::NONE, ..common };
    let rng = &mut Rng::new(0, "test", 0);
    let flow = train("flow", &common, &flags, |rng| {
        [rng.normal_tensor([256, 2]), Points::Moons.sample(256, rng)].map(Variable::new)
    });
    let flow = flow.expect("it does not diverge");
    let noise = rng.normal_tensor([10_000, 2]);
    let ends = Solver::Heun.solve(flow.field(), noise.clone(), (0.0, 1.0), 20);
    let pairs = [noise, ends].map(Variable::new);
    let straight = |same: bool| {
        let model = train("reflow", &common, &flags, |rng| {
            let mut rows = || (0..256).map(|_| rng.below(10_000)).collect::<Vec<usize>>();
            let first = rows();
            let second = if same { first.clone() } else { rows() };
            [pairs[0].index_select(0, &first), pairs[1].index_select(0, &second)]
        });
        straightness(&model.expect("it does not diverge"), &Rng::new(0, "test", 1).normal_tensor([1000, 2]), 50)
    };
    let of_flow = straightness(&flow, &Rng::new(0, "test", 1).normal_tensor([1000, 2]), 50);
    let (reflow, wrong) = (straight(true), straight(false));
    println!("straightness: flow {of_flow:.3}, reflow {reflow:.4}, with the wrong pairs {wrong:.3}");
    assert!(reflow < 0.01 * of_flow && (wrong / of_flow - 1.0).abs() < 0.1);
}
