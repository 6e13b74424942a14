//! Flow matching in the plane: a network learns with which velocity noise must move to become data, and what it has
//! learned is measured and drawn. Then its paths are made straighter (reflow).

use super::points::{energy_distance, rows};
use super::{Points, Solver, Velocity, figures, log_density};
use crate::common::cli::Common;
use crate::common::progress::Progress;
use crate::common::training::RunningMean;
use anyhow::{Result, ensure};
use clap::Args;
use std::path::PathBuf;
use tsukuru::Real;
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// Which points are learned
    #[arg(long, value_enum, default_value_t = Points::Moons)]
    pub points: Points,
    /// Points of your own: a CSV file with the header x,y
    #[arg(long, value_name = "FILE", conflicts_with = "points")]
    pub csv: Option<PathBuf>,
    /// Steps of the training, of each of the two networks
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub steps: usize,
    /// Learning rate at the beginning; it falls to 0
    #[arg(long, default_value_t = 0.01, allow_negative_numbers = true)]
    pub lr: f64,
}

const BATCH: usize = 256;
/// Points of the table and the figures.
const POINTS: usize = 2000;
/// Pairs that reflow learns from.
const PAIRS: usize = 20_000;
/// Steps of Heun's method that count as exact.
const STEPS: usize = 50;
/// How often the network may be asked, in the table.
const EVALUATIONS: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// Trains a velocity on pairs (x_0, x_1) of noise and data, both (B, 2), that `pairs` draws. On the straight line
///
///   x_t = (1 - t) x_0 + t x_1,   dx_t / dt = x_1 - x_0
///
/// the network is asked for the velocity. Many lines cross in a point x; the answer with the least squared error is the mean
/// of their velocities there, and the flow of that mean carries all of the noise to the data (Lipman et al., 2023, theorems 1
/// and 2).
///
/// # Errors
/// If the training diverges.
pub fn train(
    name: &str,
    common: &Common,
    flags: &Flags,
    mut pairs: impl FnMut(&mut Rng) -> [Variable; 2],
) -> Result<Velocity> {
    let rng = &mut Rng::new(common.seed, name, 0);
    let steps = flags.steps.min(common.limits.train_steps);
    let model = Velocity::new(rng);
    let mut optimizer = Adam::new(model.parameters(), flags.lr);
    let (mut progress, mut mean) = (Progress::new(name, steps, 0, common.quiet), RunningMean::default());
    for step in 0..steps {
        let [x_0, x_1] = pairs(rng);
        let t = Variable::new(rng.uniform_tensor([x_0.shape()[0], 1], 0.0, 1.0));
        let x_t = (1.0 - &t) * &x_0 + &t * &x_1;
        let loss = model.forward(&x_t, &t).mse_loss(&(x_1 - x_0), Reduction::Mean);
        optimizer.zero_grad();
        loss.backward();
        optimizer.lr = flags.lr * (1.0 - step as f64 / steps as f64);
        optimizer.step();
        let loss = loss.item();
        ensure!(
            loss.is_finite(),
            "{name}, step {}: the loss is {loss}; try a smaller --lr, or look for the cause with --detect-anomaly",
            step + 1
        );
        mean.push(loss.into());
        progress.step(|| mean.to_string());
    }
    progress.finish();
    let finite = model.parameters().iter().all(|x| x.value().data().iter().all(|x| x.is_finite()));
    ensure!(finite, "{name}: after the last step a parameter is not finite; try a smaller --lr");
    println!("{name}: {mean} after {steps} steps");
    Ok(model)
}

/// Learns the points, and then the paths of its own flow.
///
/// # Errors
/// If the points cannot be read, the training diverges, or a figure cannot be written.
pub fn run(common: &Common, flags: &Flags) -> Result<()> {
    ensure!(flags.steps > 0, "--steps 0: expected at least 1");
    ensure!(flags.lr > 0.0 && flags.lr.is_finite(), "--lr {}: expected a positive number", flags.lr);
    let data = flags.csv.as_deref().map_or(Ok(flags.points.clone()), Points::read)?;
    let (batch, exact) = (BATCH.min(common.limits.batch_size), STEPS.min(common.limits.sample_steps));
    let rng = &mut Rng::new(common.seed, "flow_2d", 0);

    let flow = train("flow", common, flags, |rng| {
        [rng.normal_tensor([batch, 2]), data.sample(batch, rng)].map(Variable::new)
    })?;

    // Reflow: the pairs are noise, and where the first flow carries it.
    let noise = rng.normal_tensor([PAIRS.min(common.limits.points), 2]);
    let ends = Solver::Heun.solve(flow.field(), noise.clone(), (0.0, 1.0), exact);
    let all_pairs = [noise, ends].map(Variable::new);
    let reflow = train("reflow", common, flags, |rng| {
        let rows: Vec<usize> = (0..batch).map(|_| rng.below(all_pairs[0].shape()[0])).collect();
        all_pairs.each_ref().map(|x| x.index_select(0, &rows))
    })?;

    let models = [("flow", &flow), ("reflow", &reflow)];
    let n = POINTS.min(common.limits.points);
    let (noise, held_out) = (rng.normal_tensor([n, 2]), data.held_out(n, rng));
    print_likelihood(&data, &flow, &held_out, exact);
    let others: Vec<Tensor> = (0..10).map(|_| data.sample(n, rng)).collect();
    let curves = measure(&models, &noise, &held_out, &others);
    for (name, model) in models {
        println!("{name}: straightness {:.4}", straightness(model, &noise, exact));
    }
    figures::draw(common, &models, noise, &held_out, curves, exact)
}

/// Prints how probable points are that no training has seen.
fn print_likelihood(data: &Points, model: &Velocity, held_out: &Tensor, steps: usize) {
    let mean = |log_p: Vec<f64>| log_p.iter().sum::<f64>() / log_p.len() as f64;
    let of_flow = mean(log_density(|x, t| model.at(x, t), held_out, Solver::Heun, steps));
    let own = rows(held_out).map(|(x, y)| data.log_pdf(x, y)).collect::<Option<Vec<f64>>>();
    let own = own.map_or(String::new(), |log_p| format!(", by the distribution itself {:.3}", mean(log_p)));
    println!("\nmean of ln p(x) of {} held-out points [nats]: by the flow {of_flow:.3}{own}", held_out.shape()[0]);
}

/// The energy distance of what a solver generates from `noise` to the data, over the evaluations of the network that it takes.
pub(super) struct Curve {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// Prints for each number of evaluations how far the generated points are from the data, and how far other points of the data are.
fn measure(models: &[(&str, &Velocity)], noise: &Tensor, held_out: &Tensor, others: &[Tensor]) -> Vec<Curve> {
    println!("\nenergy distance to the held-out points, times 1000, by evaluations of the network");
    println!("{:<18}{}", "", EVALUATIONS.map(|evaluations| format!("{evaluations:>8}")).concat());
    let mut curves = vec![];
    for (name, model) in models {
        for solver in [Solver::Euler, Solver::Midpoint, Solver::Heun] {
            let name = format!("{name}, {solver:?}");
            let (mut row, mut points) = (format!("{name:<18}"), vec![]);
            for evaluations in EVALUATIONS {
                match evaluations / solver.evaluations() {
                    0 => row += &format!("{:>8}", ""),
                    steps => {
                        let x = solver.solve(model.field(), noise.clone(), (0.0, 1.0), steps);
                        let distance = energy_distance(&x, held_out);
                        row += &format!("{:>8.2}", 1000.0 * distance);
                        points.push((evaluations as f64, distance));
                    }
                }
            }
            println!("{row}");
            curves.push(Curve { name, points });
        }
    }
    let distance = others.iter().map(|x| energy_distance(x, held_out)).sum::<f64>() / others.len() as f64;
    println!("for comparison, {} points of the data: {:.2}\n", noise.shape()[0], 1000.0 * distance);
    let ends = [EVALUATIONS[0], EVALUATIONS[EVALUATIONS.len() - 1]];
    curves.push(Curve { name: "data and data".into(), points: ends.map(|i| (i as f64, distance)).to_vec() });
    curves
}

/// The mean over paths x(t) that begin in `noise` (N, 2), and over t, of |v(x(t), t) - (x(1) - x(0))|^2: 0 if the paths are
/// straight and their velocities constant (Liu et al., 2023). They are followed in `steps` steps.
pub fn straightness(model: &Velocity, noise: &Tensor, steps: usize) -> f64 {
    let path: Vec<(f64, Tensor)> = Solver::Heun.trajectory(model.field(), noise.clone(), (0.0, 1.0), steps).collect();
    let way = &path[steps].1 - noise;
    let away = |(t, x): &(f64, Tensor)| {
        let difference = model.field()(x, *t) - &way;
        difference.data().iter().map(|&d: &Real| f64::from(d) * f64::from(d)).sum::<f64>()
    };
    path.iter().map(away).sum::<f64>() / (path.len() * noise.shape()[0]) as f64
}
