//! The posterior p(z|x) that the E-step of EM would need, on a grid of z. Its cost is points^dimensions.

use super::likelihood::{importance_weighted, log_joint, log_weights};
use super::model::Vae;
use super::model_file::ModelFlag;
use super::vae::HIDDEN;
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Split;
use crate::common::plot::{BLUE, Chart, Grid, Panel, VERMILION};
use crate::common::progress::duration;
use crate::step04::log_sum_exp;
use anyhow::{Result, ensure};
use std::f64::consts::TAU;
use std::time::Instant;
use tsukuru::Real;
use tsukuru::mode::no_grad;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// The grid goes from -GRID_LIMIT to GRID_LIMIT along each axis.
const GRID_LIMIT: f64 = 6.0;
/// Points along an axis.
const POINTS: [usize; 6] = [10, 20, 40, 80, 160, 320];
/// z that are decoded at once.
const BATCH: usize = 2000;
/// Samples of the importance-weighted bound.
const SAMPLES: usize = 500;
/// Test images whose p(z|x) is drawn.
const SHOWN: [usize; 4] = [0, 1, 2, 4];

pub fn run(common: &Common, mnist: &MnistArgs, flags: &ModelFlag) -> Result<()> {
    let source = mnist.source()?;
    let dataset = source.load(Split::Test, Some(SHOWN[3] + 1))?;
    let (location, found) = (source.location(), dataset.len());
    ensure!(found > SHOWN[3], "{location}: expected at least {} test images, found {found}", SHOWN[3] + 1);
    let model = flags.read(common, mnist, 2, &dataset)?;
    ensure!(model.latent() == 2, "e_step needs a model of two latent numbers, this one has {}", model.latent());
    let pixels = model.inputs();
    let (x, _) = dataset.batch(&SHOWN);
    let images: Vec<&[Real]> = x.data().chunks(pixels).collect();

    println!("-ln p(x) of one image, in nats:");
    for points in POINTS {
        let start = Instant::now();
        let value = grid_log_likelihood(&model, images[0], points);
        let time = duration(start.elapsed().as_secs_f64());
        println!("grid of {points:>3} x {points:>3}   {:>9.3}   {:>6} decodings, {time}", -value, points * points);
    }
    let weights = log_weights(&model, images[0], SAMPLES, &mut Rng::new(common.seed, "evaluation", 0));
    for k in [1, SAMPLES] {
        println!("-L_k for k = {k:>3}    {:>9.3}   {k:>6} decodings", -importance_weighted(&weights, k));
    }
    costs(pixels);

    let panels: Vec<Panel> = images
        .iter()
        .zip(SHOWN)
        .map(|(x, i)| posterior(&model, x, &dataset.classes()[usize::from(dataset.labels()[i])]).into())
        .collect();
    common.figure("step07", "e_step", "posterior.svg", &panels)
}

/// ln p(x) = ln of the integral of p(x, z), as a sum over a grid of points x points z.
fn grid_log_likelihood(model: &Vae, x: &[Real], points: usize) -> f64 {
    let width = 2.0 * GRID_LIMIT / points as f64;
    let coordinate = |i: usize| (-GRID_LIMIT + (i as f64 + 0.5) * width) as Real;
    let z: Vec<Real> = (0..points * points).flat_map(|i| [coordinate(i % points), coordinate(i / points)]).collect();
    let joint = z.chunks(2 * BATCH).flat_map(|z| log_joint(model, x, &Tensor::new([z.len() / 2, 2], z)));
    log_sum_exp(&joint.collect::<Vec<_>>()) + libm::log(width * width)
}

/// What one image costs by the size of z, with twenty points along each axis: measured up to size 3, extrapolated above.
fn costs(pixels: usize) {
    const SIDE: usize = 20;
    println!("\n{SIDE} points along each axis, for one image:");
    let mut per_decoding = 0.0;
    for dimensions in [1, 2, 3, 4, 6, 10, 20] {
        let count = (SIDE as f64).powi(dimensions);
        let model = Vae::new(pixels, HIDDEN, dimensions as usize, &mut Rng::new(0, "init", 0));
        let measured = SIDE.pow(3).min(count as usize);
        if dimensions <= 3 {
            let start = Instant::now();
            let z = Tensor::zeros([measured.min(BATCH), dimensions as usize]);
            (0..measured.div_ceil(BATCH)).for_each(|_| drop(no_grad(|| model.decode(&z.clone().into()))));
            per_decoding = start.elapsed().as_secs_f64() / measured as f64;
        }
        let seconds = count * per_decoding;
        let year = 365.25 * 24.0 * 3600.0;
        let time = if seconds < year { duration(seconds) } else { format!("{:.0e} years", seconds / year) };
        println!("size of z {dimensions:>3}   {count:>8.0e} decodings   {time}");
    }
}

/// Contours of p(z|x) around the mean of q(z|x), and the ellipses of q at one and two standard deviations.
fn posterior(model: &Vae, x: &[Real], class: &str) -> Chart {
    let q = no_grad(|| model.encode(&Tensor::new([1, x.len()], x).into()));
    let at = |tensor: &Tensor, i: usize| f64::from(tensor.data()[i]);
    let mu = [0, 1].map(|i| at(&q.mu.value(), i));
    let sigma = [0, 1].map(|i| libm::exp(at(&q.logvar.value(), i) / 2.0));
    let reach = |i: usize| (mu[i] - 4.0 * sigma[i], mu[i] + 4.0 * sigma[i]);
    const STEPS: usize = 60;
    let mut grid = Grid::new(reach(0), reach(1), STEPS, |_, _| 0.0);
    let z: Vec<Real> =
        grid.ys.iter().flat_map(|&y| grid.xs.iter().flat_map(move |&x| [x as Real, y as Real])).collect();
    grid.z = log_joint(model, x, &Tensor::new([z.len() / 2, 2], &z));
    let peak = grid.extent().1;
    grid.z.iter_mut().for_each(|z| *z = libm::exp(*z - peak));
    // Of a normal density in two dimensions, e^(-r^2 / 2) of the peak is the ellipse at r standard deviations.
    let contours = [1.0, 2.0].map(|r: f64| grid.contour(libm::exp(-r * r / 2.0)));
    let ellipse = |r: f64| {
        let angle = |i: usize| TAU * i as f64 / 90.0;
        (0..=90).map(move |i| (mu[0] + r * sigma[0] * libm::cos(angle(i)), mu[1] + r * sigma[1] * libm::sin(angle(i))))
    };
    let mut chart = Chart::new(&format!("a {class}, at 1σ and 2σ"), "z₁", "z₂").equal();
    for line in contours.concat() {
        chart = chart.line("", BLUE, line);
    }
    chart = chart.dashes("", VERMILION, ellipse(1.0)).dashes("", VERMILION, ellipse(2.0));
    chart.line("p(z|x)", BLUE, []).dashes("q(z|x)", VERMILION, [])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsukuru::nn::Module;

    /// With weights of 0 the mean image is 1/2 for every z: p(x) is N(x; 1/2, I).
    #[test]
    fn the_grid_covers_p_x() {
        let model = Vae::new(3, 4, 2, &mut Rng::new(0, "init", 0));
        model.parameters().iter().for_each(|parameter| parameter.update(|x| x.data_mut().fill(0.0)));
        let x = [0.0, 0.25, 1.0];
        let ln_p = -0.5 * (0.25 + 0.0625 + 0.25 + 3.0 * libm::log(TAU));
        for points in [20, 40] {
            let found = grid_log_likelihood(&model, &x, points);
            assert!((found - ln_p).abs() < 1e-5, "{points} points: {found}, not {ln_p}");
        }
    }
}
