//! What the numbers z mean: walks from one digit to another, and, where there are two of them, the map of all digits.

use super::model::{Vae, flatten};
use super::model_file::ModelFlag;
use crate::common::cli::{Common, Mnist};
use crate::common::data::Split;
use crate::common::images::save_grid;
use crate::common::plot::{BLACK, BLUE, Chart, GREEN, ORANGE, PURPLE, RGBColor, SKY, VERMILION};
use anyhow::{Context, Result};
use tsukuru::Real;
use tsukuru::data::Dataset;
use tsukuru::mode::no_grad;
use tsukuru::tensor::Tensor;

/// Without `--model`, so many numbers.
const LATENT: usize = 2;
/// From which digit to which.
const WALKS: [[u8; 2]; 5] = [[0, 6], [1, 7], [3, 2], [4, 9], [7, 0]];
/// Images of a walk.
const STEPS: usize = 12;
/// Images along a side of the map, which reaches as far as nearly all of N(0, I).
const SIDE: usize = 16;
const REACH: f64 = 2.5;
/// Test images that are shown as dots.
const DOTS: usize = 2000;

pub fn run(common: &Common, mnist: &Mnist, flags: &ModelFlag) -> Result<()> {
    let source = mnist.source()?;
    let dataset = source.load(Split::Test, Some(DOTS))?;
    let ends = ends(dataset.labels()).with_context(|| format!("{}, interpolations", source.location()))?;
    let model = flags.read(common, mnist, LATENT, &dataset)?;
    let [h, w] = [dataset.images().rows, dataset.images().cols];

    let folder = common.folder("step07", "latent")?;
    let draw = |name: &str, z: &[Real], columns: usize| {
        let x = no_grad(|| model.decode(&Tensor::new([z.len() / model.latent(), model.latent()], z).into()));
        let path = folder.join(name);
        save_grid(&path, &x.value().reshape([x.shape()[0], 1, h, w]), columns)?;
        println!("{}", path.display());
        Ok::<(), anyhow::Error>(())
    };
    let z = means(&model, &dataset);
    draw("walks.png", &walks(&z, &ends), STEPS)?;
    if model.latent() != 2 {
        println!("{} numbers describe an image: a map needs two", model.latent());
        return Ok(());
    }
    // From the upper left: the first number grows to the right, the second upwards.
    let place = |i: usize| (REACH * (2.0 * i as f64 / (SIDE - 1) as f64 - 1.0)) as Real;
    let map = (0..SIDE * SIDE).flat_map(|i| [place(i % SIDE), -place(i / SIDE)]);
    draw("map.png", &map.collect::<Vec<_>>(), SIDE)?;

    let mut chart = Chart::new("Where test images lie", "z1", "z2");
    for (digit, color) in colors().into_iter().enumerate() {
        let dots = z.iter().zip(dataset.labels()).filter(|(_, label)| usize::from(**label) == digit);
        chart = chart.dots(&digit.to_string(), color, 2.0, dots.map(|(z, _)| (f64::from(z[0]), f64::from(z[1]))));
    }
    common.figure("step07", "latent", "dots.svg", &[chart.into()])
}

/// The mean of q(z|x) of every image.
fn means(model: &Vae, dataset: &Dataset) -> Vec<Vec<Real>> {
    let (x, _) = dataset.all();
    let q = no_grad(|| model.encode(&flatten(&x)));
    q.mu.value().data().chunks(model.latent()).map(<[Real]>::to_vec).collect()
}

/// The images that the walks lead from and to: the first of each digit.
fn ends(labels: &[u8]) -> Result<Vec<[usize; 2]>> {
    let first = |digit: u8| labels.iter().position(|&label| label == digit);
    let first = |digit| first(digit).with_context(|| format!("expected a {digit} among the test images, found none"));
    WALKS.into_iter().map(|[from, to]| Ok([first(from)?, first(to)?])).collect()
}

/// z of each walk, evenly from one end to the other.
fn walks(z: &[Vec<Real>], ends: &[[usize; 2]]) -> Vec<Real> {
    let mut way = Vec::new();
    for &[from, to] in ends {
        for i in 0..STEPS {
            let share = i as Real / (STEPS - 1) as Real;
            way.extend(z[from].iter().zip(&z[to]).map(|(a, b)| a + share * (b - a)));
        }
    }
    way
}

/// One for each digit.
fn colors() -> [RGBColor; 10] {
    let (grey, brown, lime) = (RGBColor(150, 150, 150), RGBColor(130, 80, 30), RGBColor(170, 200, 50));
    [BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK, grey, brown, lime]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_leads_evenly_from_one_digit_to_the_other() {
        let (z, ends) = ([vec![0.5], vec![2.0], vec![-1.0]], [[0, 1], [1, 2]]);
        let way = walks(&z, &ends);
        assert_eq!(way.len(), ends.len() * STEPS);
        for (walk, [from, to]) in way.chunks(STEPS).zip(ends) {
            let (from, to) = (z[from][0], z[to][0]);
            assert_eq!((walk[0], walk[STEPS - 1]), (from, to));
            let step = (to - from) / (STEPS - 1) as Real;
            assert!(walk.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 1e-5), "{walk:?}");
        }
    }
}
