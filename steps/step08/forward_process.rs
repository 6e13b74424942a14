//! The forward process: q(x_t | x_0) after t small steps, and in closed form.

use super::{Schedule, T};
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Split;
use crate::common::images::{Captions, save_captioned_grid};
use crate::common::plot::{self, BLUE, Chart, Histogram, Panel, VERMILION};
use crate::step01::Normal;
use anyhow::Result;
use tsukuru::Real;
use tsukuru::data::Dataset;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// x_0 of every point, and how many there are.
const START: f64 = 3.0;
const POINTS: usize = 20_000;
/// The range of x in the figure.
const X_RANGE: (f64, f64) = (-4.5, 5.5);
/// The times of the six pictures.
const SHOWN: [usize; 6] = [10, 50, 100, 200, 400, 1000];

pub fn run(common: &Common, mnist: &MnistArgs) -> Result<()> {
    let dataset = mnist.source()?.load(Split::Train, Some(1))?;
    let schedule = Schedule::linear(T);
    let mut rng = Rng::new(common.seed, "noise", 0);
    let mut x = vec![START; POINTS];
    let mut panels: Vec<Panel> = vec![];
    println!("   t   mean by steps   in closed form   std by steps   in closed form");
    for t in 1..=T {
        x.iter_mut().for_each(|x| *x = schedule.q_step(*x, t, rng.normal()));
        if !SHOWN.contains(&t) {
            continue;
        }
        let (mean, std) = (schedule.alpha_bar(t).sqrt() * START, (1.0 - schedule.alpha_bar(t)).sqrt());
        let found = Normal::fit(&x)?;
        println!("{t:>4}   {:>13.3}   {mean:>14.3}   {:>12.3}   {std:>14.3}", found.mu, found.sigma);
        let density = |x: f64| Normal::new(mean, std).pdf(x);
        let (low, high) = ((mean - 4.0 * std).max(X_RANGE.0), (mean + 4.0 * std).min(X_RANGE.1));
        let named = |name| if t == SHOWN[0] { name } else { "" };
        let chart = Chart::new(&format!("t = {t}"), "x", "density");
        let chart = chart.histogram(named("steps"), BLUE, &Histogram::new(&x, 40));
        panels.push(
            chart
                .line(named("formula"), VERMILION, plot::sampled(low, high, density))
                .x_range(X_RANGE.0, X_RANGE.1)
                .into(),
        );
    }
    common.figure("step08", "forward_process", "density.svg", &panels)?;
    let path = common.folder("step08", "forward_process")?.join("digit.png");
    let captions = Captions {
        above: [0].iter().chain(&SHOWN).map(|t| format!("t = {t}")).collect(),
        beside: ["by steps", "in closed form"].map(String::from).to_vec(),
    };
    save_captioned_grid(&path, &digit(&schedule, &dataset, &mut rng), SHOWN.len() + 1, &captions)?;
    println!("{}", path.display());
    Ok(())
}

/// The first digit at time 0 and at the times that are shown: in the first row step by step, in the second in closed form.
fn digit(schedule: &Schedule, dataset: &Dataset, rng: &mut Rng) -> Tensor {
    let (x_0, _) = dataset.batch(&[0]);
    let x_0: Vec<f64> = x_0.data().iter().map(|&x| f64::from(x)).collect();
    let (mut x, mut steps, mut closed) = (x_0.clone(), x_0.clone(), x_0.clone());
    for t in 1..=T {
        x.iter_mut().for_each(|x| *x = schedule.q_step(*x, t, rng.normal()));
        if SHOWN.contains(&t) {
            steps.extend(&x);
            closed.extend(x_0.iter().map(|&x| schedule.q_sample(x, t, rng.normal())));
        }
    }
    let [c, h, w] = dataset.images().size();
    let pixels: Vec<Real> = steps.iter().chain(&closed).map(|&x| x as Real).collect();
    Tensor::new([pixels.len() / (c * h * w), c, h, w], &pixels)
}
