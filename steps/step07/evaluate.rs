//! How good a model is: its negative ELBO and importance-weighted bounds on test images, beside a model whose likelihood
//! is known.

use super::likelihood::{LatentModel, importance_weighted, log_weights};
use super::linear_gaussian::LinearGaussian;
use super::model_file::ModelFlag;
use super::vae::LATENT;
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Split;
use crate::common::plot::{BLUE, Chart, VERMILION};
use crate::common::progress::Progress;
use anyhow::{Result, ensure};
use clap::Args;
use tsukuru::Real;
use tsukuru::random::Rng;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    #[command(flatten)]
    pub model: ModelFlag,
    /// Test images to evaluate
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub images: usize,
}

/// Samples of z per image, and the k of L_k: each divides it.
const SAMPLES: usize = 500;
const K: [usize; 7] = [1, 2, 5, 20, 50, 250, 500];

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    ensure!(flags.images > 0, "--images 0: expected at least 1");
    let source = mnist.source()?;
    let dataset = source.load(Split::Test, Some(flags.images))?;
    let model = flags.model.read(common, mnist, LATENT, &dataset)?;
    println!("{} test images, {source}", dataset.len());
    let (x, _) = dataset.all();
    let seed = common.seed;

    println!("\nthe model, in nats per image:");
    let images: Vec<&[Real]> = x.data().chunks(model.inputs()).collect();
    let of_model = bounds(&model, &images, seed, common.quiet);

    // x = W z + b + noise, of six numbers, with z of two
    let mut rng = Rng::new(seed, "linear", 0);
    let linear = LinearGaussian::new(rng.normal_tensor([6, 2]), rng.normal_tensor([6]));
    let points = rng.normal_tensor([images.len(), 6]);
    let points: Vec<&[Real]> = points.data().chunks(6).collect();
    println!("\na linear model, whose likelihood is known:");
    let of_linear = bounds(&linear, &points, seed, common.quiet);
    let exact = -points.iter().map(|x| linear.log_likelihood(x)).sum::<f64>() / points.len() as f64;
    println!("exact  {exact:>11.3}");

    let chart = |title: &str, bounds: &[(f64, f64)]| {
        let points = || K.map(|k| k as f64).into_iter().zip(bounds).map(|(k, &(bound, error))| (k, bound, error));
        let chart = Chart::new(title, "samples k", "-L_k [nats per point]").log_x();
        let chart = chart.line("-L_k", BLUE, points().map(|(k, bound, _)| (k, bound)));
        chart.errors("std. error of the gain", BLUE, points())
    };
    let left = chart("The VAE, test images", &of_model);
    let right = chart("A linear model", &of_linear);
    let right = right.dashes("-ln p(x), exact", VERMILION, [(1.0, exact), (SAMPLES as f64, exact)]);
    common.figure("step07", "evaluate", "bounds.svg", &[left.into(), right.into()])
}

/// Prints and returns for each k -L_k, mean over the points, and the standard error of its gain over k = 1.
fn bounds(model: &impl LatentModel, points: &[&[Real]], seed: u64, quiet: bool) -> Vec<(f64, f64)> {
    let mut progress = Progress::new("sampling", points.len(), 0, quiet);
    let weights = points.iter().enumerate().map(|(i, x)| {
        progress.step(String::new);
        log_weights(model, x, SAMPLES, &mut Rng::new(seed, "evaluation", i as u64))
    });
    let weights: Vec<Vec<f64>> = weights.collect();
    progress.finish();
    println!("   k          -L_k   gain over k = 1, with its standard error");
    let of = |k: usize| weights.iter().map(move |weights| -importance_weighted(weights, k));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    K.map(|k| {
        let gains: Vec<f64> = of(1).zip(of(k)).map(|(elbo, bound)| elbo - bound).collect();
        let (bound, gain) = (mean(&of(k).collect::<Vec<_>>()), mean(&gains));
        let variance = mean(&gains.iter().map(|g| (g - gain).powi(2)).collect::<Vec<_>>());
        let error = (variance / gains.len() as f64).sqrt();
        println!("{k:>4}   {bound:>11.3}   {gain:>8.3} +- {error:.3}");
        (bound, error)
    })
    .to_vec()
}
