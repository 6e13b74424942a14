//! The latent space: interpolations between digits, and, if it has two dimensions, a map of it.

use super::model::{Vae, flatten};
use super::model_file::ModelFlag;
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Split;
use crate::common::images::{Captions, save_captioned_grid};
use crate::common::letters::with_minus_signs;
use crate::common::plot::{BLACK, BLUE, Chart, GREEN, ORANGE, PURPLE, RGBColor, SKY, VERMILION};
use anyhow::Result;
use tsukuru::Real;
use tsukuru::data::Dataset;
use tsukuru::mode::no_grad;
use tsukuru::tensor::Tensor;

/// Size of the latent variable without `--model`.
const LATENT: usize = 2;
/// From which digit to which.
const PAIRS: [[usize; 2]; 5] = [[0, 6], [1, 7], [3, 2], [4, 9], [7, 0]];
/// Images of an interpolation.
const STEPS: usize = 12;
/// Images along a side of the map, whose coordinates go from -GRID_LIMIT to GRID_LIMIT.
const SIDE: usize = 16;
const GRID_LIMIT: f64 = 2.5;
/// Test images whose latent means are shown as dots.
const DOTS: usize = 2000;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &ModelFlag) -> Result<()> {
    let source = mnist.source()?;
    let dataset = source.load(Split::Test, Some(DOTS))?;
    let ([c, h, w], classes) = (dataset.images().size(), dataset.classes());
    let pairs = pairs(classes.len(), dataset.labels());
    let endpoints = endpoints(&pairs, dataset.labels());
    let model = flags.read(common, mnist, LATENT, &dataset)?;

    let folder = common.folder("step07", "latent")?;
    let draw = |name: &str, z: &[Real], columns: usize, captions: Captions| {
        let x = no_grad(|| model.decode(&Tensor::new([z.len() / model.latent(), model.latent()], z).into()));
        let path = folder.join(name);
        save_captioned_grid(&path, &x.value().reshape([x.shape()[0], c, h, w]), columns, &captions)?;
        println!("{}", path.display());
        Ok::<(), anyhow::Error>(())
    };
    let z = means(&model, &dataset);
    let names = pairs.iter().map(|pair| pair.map(|label| &classes[label][..]).join(" → "));
    draw("interpolations.png", &interpolations(&z, &endpoints), STEPS, Captions::beside(names))?;
    if model.latent() != 2 {
        println!("no map: it needs a latent variable of size 2, this one has {}", model.latent());
        return Ok(());
    }
    // From the upper left: the first number grows to the right, the second upwards.
    let coordinate = |i: usize| (GRID_LIMIT * (2.0 * i as f64 / (SIDE - 1) as f64 - 1.0)) as Real;
    let map = (0..SIDE * SIDE).flat_map(|i| [coordinate(i % SIDE), -coordinate(i / SIDE)]);
    let number = |z: Real| with_minus_signs(&format!("{z:.2}"));
    let axis = |name: &str, i: usize, z: Real| match i {
        0 => format!("{name} = {}", number(z)),
        _ if i.is_multiple_of(2) => number(z),
        _ => String::new(), // the first caption is two images wide
    };
    let captions = Captions {
        above: (0..SIDE).map(|i| axis("z₁", i, coordinate(i))).collect(),
        beside: (0..SIDE).map(|i| axis("z₂", i, -coordinate(i))).collect(),
    };
    draw("map.png", &map.collect::<Vec<_>>(), SIDE, captions)?;

    // The same square as the map, whose outer images have their middle at GRID_LIMIT.
    let edge = GRID_LIMIT * SIDE as f64 / (SIDE - 1) as f64;
    let mut chart = Chart::new("Latent means of test images, in the square of the map", "z₁", "z₂").equal();
    chart = chart.x_range(-edge, edge).y_range(-edge, edge);
    for (label, (class, color)) in classes.iter().zip(colors().into_iter().cycle()).enumerate() {
        let dots = z.iter().zip(dataset.labels()).filter(|(_, found)| usize::from(**found) == label);
        chart = chart.dots(class, color, 2.0, dots.map(|(z, _)| (f64::from(z[0]), f64::from(z[1]))));
    }
    common.figure("step07", "latent", "dots.svg", &[chart.into()])
}

/// The mean of q(z|x) of every image.
fn means(model: &Vae, dataset: &Dataset) -> Vec<Vec<Real>> {
    let (x, _) = dataset.all();
    let q = no_grad(|| model.encode(&flatten(&x)));
    q.mu.value().data().chunks(model.latent()).map(<[Real]>::to_vec).collect()
}

/// From which class to which: of ten digits those that look well, of other classes each that has images to the next.
fn pairs(classes: usize, labels: &[u8]) -> Vec<[usize; 2]> {
    let found: Vec<usize> = (0..classes).filter(|&label| labels.iter().any(|&of| usize::from(of) == label)).collect();
    match (classes, found.len()) {
        (10, 10) => PAIRS.into(),
        (_, n) => (0..n.min(PAIRS.len())).map(|i| [found[i], found[(i + 1) % n]]).collect(),
    }
}

/// The images to interpolate between: the first of each class, and within a class its first and its last.
fn endpoints(pairs: &[[usize; 2]], labels: &[u8]) -> Vec<[usize; 2]> {
    let of = |label: usize| labels.iter().enumerate().filter(move |(_, of)| usize::from(**of) == label).map(|(i, _)| i);
    let first = |label: usize| of(label).next().expect("a class that has images");
    let last = |label: usize| of(label).next_back().expect("a class that has images");
    pairs.iter().map(|&[from, to]| [first(from), if to == from { last(to) } else { first(to) }]).collect()
}

/// z of each interpolation, linearly from one endpoint to the other.
fn interpolations(z: &[Vec<Real>], endpoints: &[[usize; 2]]) -> Vec<Real> {
    let mut path = Vec::new();
    for &[from, to] in endpoints {
        for i in 0..STEPS {
            let share = i as Real / (STEPS - 1) as Real;
            path.extend(z[from].iter().zip(&z[to]).map(|(a, b)| a + share * (b - a)));
        }
    }
    path
}

/// One for each digit; more than ten classes share them.
fn colors() -> [RGBColor; 10] {
    let (grey, brown, lime) = (RGBColor(150, 150, 150), RGBColor(130, 80, 30), RGBColor(170, 200, 50));
    [BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK, grey, brown, lime]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_that_are_no_digits_have_pairs_too() {
        let between = |classes: usize, labels: &[u8]| endpoints(&pairs(classes, labels), labels);
        assert_eq!(between(3, &[2, 1, 1, 0]), [[3, 1], [1, 0], [0, 3]]);
        assert_eq!(between(3, &[2, 0]), [[1, 0], [0, 1]], "a class without images is left out");
        assert_eq!(between(1, &[0, 0, 0]), [[0, 2]]);
        assert_eq!(pairs(10, &[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]), PAIRS);
        assert_eq!(pairs(11, &[9, 8, 7, 6, 5, 4, 3, 2, 1, 0])[0], [0, 1]);
    }

    #[test]
    fn an_interpolation_is_linear() {
        let (z, endpoints) = ([vec![0.5], vec![2.0], vec![-1.0]], [[0, 1], [1, 2]]);
        let path = interpolations(&z, &endpoints);
        assert_eq!(path.len(), endpoints.len() * STEPS);
        for (part, [from, to]) in path.chunks(STEPS).zip(endpoints) {
            let (from, to) = (z[from][0], z[to][0]);
            assert_eq!((part[0], part[STEPS - 1]), (from, to));
            let step = (to - from) / (STEPS - 1) as Real;
            assert!(part.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 1e-5), "{part:?}");
        }
    }
}
