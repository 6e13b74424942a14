//! The ELBO of a diffusion model, estimated from T, from two and from one draw of noise: the mean, the variance and the
//! cost of each estimate.

use super::{GaussianDiffusion, Schedule, T};
use crate::common::cli::Common;
use crate::common::plot::{BLACK, BLUE, Chart, GREEN, VERMILION};
use crate::step01::Normal;
use anyhow::Result;
use tsukuru::random::Rng;

/// x_0 is drawn from N(1, 0.5^2); the ELBO is that of this x_0.
const MEAN: f64 = 1.0;
const STD: f64 = 0.5;
const X_0: f64 = 1.7;
/// Estimates of the same cost, T calls of the denoiser each, and how many of them the picture shows.
const ESTIMATES: usize = 5000;
const DOTS: usize = 150;

type Estimate = fn(&GaussianDiffusion, f64, &mut Rng) -> f64;

pub fn run(common: &Common) -> Result<()> {
    let model = GaussianDiffusion::new(Schedule::linear(T), MEAN, STD);
    let exact = model.elbo(X_0);
    println!("ln p(x_0)   {:>9.4}   exact", model.log_likelihood(X_0));
    println!("ELBO        {exact:>9.4}   exact");

    println!("\nELBO from   mean, standard error   std of one   calls of the denoiser for one");
    let estimates: [(&str, Estimate, usize); 3] = [
        ("T draws", GaussianDiffusion::elbo_from_t_draws, T),
        ("two draws", GaussianDiffusion::elbo_from_two_draws, 1),
        ("one draw", GaussianDiffusion::elbo_from_one_draw, 1),
    ];
    let mut dots = Chart::new("Estimates from T calls each", "ELBO from", "estimate [nats]");
    let mut errors = Chart::new("Standard error", "calls of the denoiser", "standard error [nats]").log_x().log_y();
    for (i, (name, estimate, calls)) in estimates.into_iter().enumerate() {
        let color = [BLUE, VERMILION, GREEN][i];
        let mut rng = Rng::new(common.seed, name, 0);
        let samples: Vec<f64> = (0..ESTIMATES * T / calls).map(|_| estimate(&model, X_0, &mut rng)).collect();
        let Normal { mu: mean, sigma: std } = Normal::fit(&samples)?;
        let error = std / (samples.len() as f64).sqrt();
        println!("{name:<9}   {mean:>9.4} +- {error:<7.4}   {std:>10.3}   {calls:>4}");
        let of_equal_cost: Vec<f64> =
            samples.chunks(T / calls).map(|part| part.iter().sum::<f64>() / part.len() as f64).collect();
        let xs = (0..DOTS).map(|dot| i as f64 + 0.8 * (dot as f64 / DOTS as f64 - 0.5));
        dots = dots.dots("", color, 2.0, xs.zip(of_equal_cost));
        let at = |n: f64| (n * calls as f64, std / n.sqrt());
        let ends = [at(1.0), at((ESTIMATES * T / calls) as f64)];
        // The line of two draws covers that of T draws, so it is dashed.
        errors = if i == 1 { errors.dashes(name, color, ends) } else { errors.line(name, color, ends) };
    }
    dots = dots.dashes("exact", BLACK, [(-0.5, exact), (2.5, exact)]);
    let panels = [dots.categories(&estimates.map(|(name, ..)| name)).into(), errors.into()];
    common.figure("step08", "elbo", "elbo.svg", &panels)
}
