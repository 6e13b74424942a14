//! The likelihood of test images by five models, on one scale.

use super::{Estimate, NetworkDenoiser, Trace, bounds, dequantize, diffusion_elbo, log_density, model_file, unet, vae};
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::{Source, Split};
use crate::common::images::size_name;
use crate::common::plot::{BLACK, BLUE, Chart, GREEN, RGBColor, VERMILION};
use crate::common::progress::Progress;
use crate::common::quick_model::find_or_train;
use crate::common::training::TrainingFlags;
use crate::em::{EmOptions, fit_em};
use crate::step03::Matrix;
use crate::step07::flatten;
use crate::step09::UNetFlags;
use crate::step11::{Objective, to_signed};
use anyhow::{Result, bail, ensure};
use clap::Args;
use std::f64::consts::LN_2;
use tsukuru::mode::eval_mode;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// Test images [default: 500; quick: 100]
    #[arg(long, value_name = "N")]
    pub images: Option<usize>,
    /// Components of the mixture [default: 10; quick: 2]
    #[arg(long, value_name = "K")]
    pub components: Option<usize>,
    /// Training images of the mixture [default: all; quick: 12,000]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Steps of the probability-flow ODE [default: 100; quick: 50]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// A preset that is done within a minute or two on two cores
    #[arg(long)]
    pub quick: bool,
}

/// Draws of the latent variables, and noise levels, for each image.
const K: usize = 500;
const LEVELS: usize = 50;
/// Images that go through a network at once.
const BATCH: usize = 50;

/// How ln p was found, and so what it may be compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Exact,
    Elbo,
    /// The importance-weighted bound of [`K`] draws.
    Weighted,
    /// The probability-flow ODE, by a solver and with an unbiased estimate of the trace.
    Ode,
}

impl Kind {
    const ALL: [(Kind, &str, RGBColor); 4] = [
        (Kind::Exact, "exact", BLACK),
        (Kind::Elbo, "ELBO", BLUE),
        (Kind::Weighted, "L_500", GREEN),
        (Kind::Ode, "ODE", VERMILION),
    ];

    fn name(self) -> &'static str {
        Kind::ALL.iter().find(|(kind, ..)| *kind == self).expect("one of all").1
    }
}

/// A model's ln p of images in 0..1, in nats.
struct Row {
    model: &'static str,
    kind: Kind,
    log_p: Estimate,
}

impl Row {
    /// # Errors
    /// If one of the values is not finite.
    fn new(model: &'static str, kind: Kind, log_p: &[f64]) -> Result<Row> {
        if let Some(i) = log_p.iter().position(|log_p| !log_p.is_finite()) {
            let found = log_p[i];
            bail!("{model}, {}: ln p of test image {i} (counted from 0) is {found}; try a smaller --lr", kind.name());
        }
        Ok(Row { model, kind, log_p: Estimate::of(log_p) })
    }
}

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let (images, k, limit, steps) = if flags.quick { (100, 2, 12_000, 50) } else { (500, 10, usize::MAX, 100) };
    let (images, k) = (flags.images.unwrap_or(images), flags.components.unwrap_or(k));
    let (limit, steps) = (flags.limit.unwrap_or(limit), flags.steps.unwrap_or(steps));
    ensure!((2..=10_000).contains(&images), "--images {images}: expected 2 to 10000");
    ensure!((1..=10_000).contains(&steps), "--steps {steps}: expected 1 to 10000");
    ensure!((1..=100).contains(&k), "--components {k}: expected 1 to 100");
    ensure!(limit >= 20, "--limit {limit}: expected at least 20");
    let steps = steps.min(common.limits.sample_steps);
    let source = mnist.source()?;
    let dataset = source.load(Split::Test, Some(images))?;
    ensure!(dataset.len() > 1, "{}: expected at least 2 test images, found 1", source.location());
    println!("{} test images, {source}", dataset.len());
    // All models get the same noise.
    let x = dequantize(&dataset.all().0, &mut Rng::new(common.seed, "dequantize test", 0));

    let mut rows = vec![mixture(common, &source, limit, k, &x)?];
    rows.extend(autoencoders(common, mnist, &source, &x)?);
    for objective in [Objective::Noise, Objective::Velocity] {
        rows.extend(network(common, mnist, &source, &x, objective, steps)?);
    }
    print(&rows, x.shape().count() / x.shape()[0]);
    draw(common, &rows)
}

/// A Gaussian mixture, fitted by EM.
fn mixture(common: &Common, source: &Source, limit: usize, k: usize, x: &Tensor) -> Result<Row> {
    let train = source.load(Split::Train, Some(limit))?;
    let k = k.min(common.limits.width);
    println!("mixture: {k} components, {} images", train.len());
    let wide = |x: &Tensor| {
        let data = Vec::from_iter(x.data().iter().map(|&x| f64::from(x)));
        Matrix::from_data(x.shape()[0], x.shape().count() / x.shape()[0], data)
    };
    let all = wide(&dequantize(&train.all().0, &mut Rng::new(common.seed, "dequantize", 0)));
    let options =
        EmOptions { n_init: 1, max_iterations: 20, threshold: 1.0, seed: common.seed, ..EmOptions::default() };
    let fit = fit_em(&all, k, &options)?;
    println!("{fit}");
    let log_p = Vec::from_iter(wide(x).rows().map(|x| fit.mixture.log_pdf(x)));
    Row::new("mixture", Kind::Exact, &log_p)
}

/// The autoencoders with one and with two levels.
fn autoencoders(common: &Common, mnist: &MnistArgs, source: &Source, x: &Tensor) -> Result<Vec<Row>> {
    let mut rows = vec![];
    let x = flatten(x);
    let k = K.min(common.limits.points);
    for (levels, model) in [(1, "VAE"), (2, "HVAE")] {
        let line = if levels == 1 { "vae --quick" } else { "vae --quick --levels 2" };
        let path = find_or_train(common, source, &format!("step12/{}", vae::folder(levels)), line, |common| {
            vae::run(common, mnist, &vae::Flags { training: TrainingFlags::quick(), levels })
        })?;
        let vae = model_file::read_vae(&path, x.shape()[1])?;
        let mut progress = Progress::new(model, x.shape()[0], 0, common.quiet);
        let rng = &mut Rng::new(common.seed, "latent", levels as u64);
        let found = bounds(&vae, &x.value(), k, rng, || progress.step(String::new));
        progress.finish();
        rows.push(Row::new(model, Kind::Elbo, &found[0])?);
        rows.push(Row::new(model, Kind::Weighted, &found[1])?);
    }
    Ok(rows)
}

/// A U-Net with this objective: its ELBO, and its probability-flow ODE.
fn network(
    common: &Common,
    mnist: &MnistArgs,
    source: &Source,
    x: &Tensor,
    objective: Objective,
    steps: usize,
) -> Result<[Row; 2]> {
    let line = if objective == Objective::Noise { "unet --quick --objective noise" } else { "unet --quick" };
    let path = find_or_train(common, source, &format!("step12/{}", unet::folder(objective)), line, |common| {
        let unet = UNetFlags { training: TrainingFlags::quick(), ..UNetFlags::default() };
        unet::run(common, mnist, &unet::Flags { unet, objective })
    })?;
    let trained = model_file::read_unet(&path)?;
    let size @ [c, h, w] = trained.size;
    let images = [x.shape()[1], x.shape()[2], x.shape()[3]];
    ensure!(
        images == size,
        "{}: expected a network for images of {}, found one for {}",
        path.display(),
        size_name(images),
        size_name(size)
    );
    let model = NetworkDenoiser { network: &*trained.network, objective: trained.objective, path: &trained.path };
    let levels = LEVELS.min(common.limits.train_steps);
    let batches = x.shape()[0].div_ceil(BATCH);
    let [mut elbos, mut densities] = [vec![], vec![]];
    let mut progress = Progress::new(unet::folder(objective), batches * (levels + steps + 1), 0, common.quiet);
    // From 0..1 to -1..1, a density loses the factor 2 in each dimension.
    let of_scale = (c * h * w) as f64 * LN_2;
    for (i, batch) in x.data().chunks(BATCH * c * h * w).enumerate() {
        let x = to_signed(&Tensor::new([batch.len() / (c * h * w), c, h, w], batch));
        let rng = &mut Rng::new(common.seed, unet::folder(objective), i as u64);
        let mut done = || progress.step(String::new);
        let elbo = eval_mode(|| diffusion_elbo(&model, &x, levels, rng, &mut done));
        let density = eval_mode(|| log_density(&model, &x, steps, Trace::Hutchinson, rng, &mut done));
        elbos.extend(elbo.iter().map(|log_p| log_p + of_scale));
        densities.extend(density.iter().map(|log_p| log_p + of_scale));
    }
    progress.finish();
    let model = unet::folder(objective);
    Ok([Row::new(model, Kind::Elbo, &elbos)?, Row::new(model, Kind::Ode, &densities)?])
}

fn print(rows: &[Row], dims: usize) {
    println!("\n{:<11}{:<8}{:>24} {:>21}", "model", "ln p by", "-ln p [nats per image]", "[bits per dimension]");
    for Row { model, kind, log_p } in rows {
        let nats = format!("{:.1}", Estimate { mean: -log_p.mean, ..*log_p });
        println!("{model:<11}{:<8}{nats:>24} {:>21}", kind.name(), format!("{:.4}", log_p.bits_per_dim(dims)));
    }
}

/// All models on one axis; what was found by different ways of one model stands side by side.
fn draw(common: &Common, rows: &[Row]) -> Result<()> {
    let mut models: Vec<&str> = rows.iter().map(|row| row.model).collect();
    models.dedup();
    let mut chart = Chart::new("", "model", "-ln p of test images [nats per image]");
    for (kind, name, color) in Kind::ALL {
        let side = match kind {
            Kind::Exact => 0.0,
            Kind::Elbo => -0.12,
            Kind::Weighted | Kind::Ode => 0.12,
        };
        let place = |row: &Row| models.iter().position(|model| *model == row.model).expect("one of the models") as f64;
        let of_kind = rows.iter().filter(|row| row.kind == kind);
        let points = Vec::from_iter(of_kind.map(|row| (place(row) + side, -row.log_p.mean, row.log_p.error)));
        chart = chart.dots(name, color, 4.0, points.iter().map(|&(x, y, _)| (x, y))).errors("", color, points);
    }
    common.figure("step12", "likelihoods", "likelihoods.svg", &[chart.categories(&models).into()])
}
