//! How good the images of several networks are, by evaluations of the network.

use super::draw::{evaluation_labels, generate};
use super::{Model, Objective, Path, Sampler};
use crate::common::cli::Common;
use crate::common::images::{Captions, save_captioned_grid};
use crate::common::plot::{self, BLACK, BLUE, Chart, GREEN, ORANGE, PURPLE, RGBColor, SKY, VERMILION};
use crate::common::run::RunFolder;
use crate::step06::{Evaluator, SIDE};
use crate::step09::UNet;
use crate::step10::DIGITS;
use anyhow::Result;
use tsukuru::tensor::Tensor;

/// A network that is compared.
pub struct Variant<'a> {
    pub name: &'static str,
    pub network: &'a UNet,
    pub objective: Objective,
    pub path: &'a Path,
}

/// One for each of the variants.
const COLORS: [RGBColor; 7] = [ORANGE, VERMILION, PURPLE, GREEN, SKY, BLUE, BLACK];

/// The rows of the table: which of the variants, sampled how.
const ROWS: [(usize, Sampler); 10] = [
    (0, Sampler::Ddim),
    (0, Sampler::DpmSolver),
    (1, Sampler::Ddim),
    (1, Sampler::DpmSolver),
    (2, Sampler::Ddim),
    (3, Sampler::Ddim),
    (4, Sampler::Ddim),
    (5, Sampler::Ddim),
    (6, Sampler::Euler),
    (6, Sampler::Heun),
];
/// Evaluations of the network for each image.
const EVALUATIONS: [usize; 6] = [1, 2, 4, 8, 16, 50];

/// The table of accuracies and distances by evaluations, the same as a figure, and digits of each row.
pub fn compare(common: &Common, folder: &RunFolder, variants: &[Variant], evaluator: &Evaluator) -> Result<()> {
    let labels = evaluation_labels(common);
    let targets: Vec<usize> = labels.iter().flatten().copied().collect();
    let (mut accuracies, mut distances, mut shown) = (vec![], vec![], vec![]);
    for (variant, sampler) in ROWS {
        let Variant { network, path, objective, .. } = variants[variant];
        let model = Model { network, objective, path, labels: &labels, gamma: 1.0 };
        let (mut accuracy, mut distance) = (vec![], vec![]);
        for evaluations in EVALUATIONS.into_iter().filter(|n| *n >= sampler.evaluations()) {
            let x = generate(common, model, sampler, sampler.steps(common, evaluations)?, [1, SIDE, SIDE])?;
            let metrics = evaluator.evaluate(&x, Some(&targets))?;
            accuracy.push((evaluations as f64, metrics.accuracy.expect("labels")));
            distance.extend(metrics.distance.map(|distance| (evaluations as f64, distance.generated)));
            if evaluations == 8 {
                shown.extend_from_slice(&x.data()[..DIGITS * SIDE * SIDE]);
            }
        }
        accuracies.push(accuracy);
        distances.push(distance);
    }
    let name = |(variant, sampler): (usize, Sampler)| {
        format!("{}, {}", variants[variant].name.replace('_', " "), sampler.name())
    };
    let names = ROWS.map(name);
    for (title, rows, scale) in [("accuracy [%]", &accuracies, 100.0), ("Fréchet distance", &distances, 1.0)] {
        println!("\n{title:<28}{}", EVALUATIONS.map(|n| format!("{n:>9}")).concat());
        for (name, row) in names.iter().zip(rows) {
            let cell = |n: usize| match row.iter().find(|(evaluations, _)| *evaluations == n as f64) {
                Some((_, value)) => format!("{:>9.1}", value * scale),
                None => format!("{:>9}", "-"),
            };
            println!("{name:<28}{}", EVALUATIONS.map(cell).concat());
        }
    }
    let chart = |title: &str, y_label: &str, names: &[String], rows: Vec<Vec<(f64, f64)>>| {
        let chart = Chart::new(title, "evaluations of the network", y_label).log_x();
        let rows = names.iter().zip(rows).enumerate();
        rows.fold(chart, |chart, (i, (name, row))| match ROWS[i].1 {
            Sampler::DpmSolver | Sampler::Heun => chart.dashes(name, COLORS[ROWS[i].0], row),
            _ => chart.line(name, COLORS[ROWS[i].0], row),
        })
    };
    // One legend for both panels.
    let no_names = ROWS.map(|_| String::new());
    let panels = [
        chart("accuracy on the target labels", "share of the digits", &names, accuracies).into(),
        chart("Fréchet distance to test images", "distance", &no_names, distances).log_y().into(),
    ];
    let path = folder.file("objectives.svg")?;
    plot::save(&path, &panels)?;
    println!("{}", path.display());
    let path = folder.file("digits.png")?;
    let x = Tensor::new([shown.len() / (SIDE * SIDE), 1, SIDE, SIDE], &shown);
    save_captioned_grid(&path, &x, DIGITS, &Captions::beside(names))?;
    println!("{}", path.display());
    Ok(())
}
