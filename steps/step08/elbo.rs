//! The ELBO of a diffusion model from T, from two and from one draw: the same mean, ever less work.

use super::{GaussianDiffusion, Schedule};
use crate::common::cli::{Common, capped};
use crate::common::plot::{BLACK, BLUE, Chart, GREEN, VERMILION};
use crate::step01::Normal;
use anyhow::Result;
use tsukuru::random::Rng;

const T: usize = 1000;
/// x_0 is drawn from N(1, 0.5^2); this one is looked at.
const MEAN: f64 = 1.0;
const STD: f64 = 0.5;
const X_0: f64 = 1.7;
/// Estimates of the same cost, T calls of the denoiser each, and how many of them the picture shows.
const ESTIMATES: usize = 5000;
const DOTS: usize = 150;

type Estimate = fn(&GaussianDiffusion, f64, &mut Rng) -> f64;

pub fn run(common: &Common) -> Result<()> {
    let steps = capped(T, 50);
    let model = GaussianDiffusion::new(Schedule::new(steps), MEAN, STD);
    let exact = model.elbo(X_0);
    println!("ln p(x_0)   {:>9.4}   exact", model.log_likelihood(X_0));
    println!("ELBO        {exact:>9.4}   exact");

    println!("\nELBO from   mean, standard error   spread of one   calls of the denoiser for one");
    let ways: [(&str, Estimate, usize); 3] = [
        ("T draws", GaussianDiffusion::elbo_from_t_draws, steps),
        ("two draws", GaussianDiffusion::elbo_from_two_draws, 1),
        ("one draw", GaussianDiffusion::elbo_from_one_draw, 1),
    ];
    let mut dots = Chart::new("The same work: T calls for each dot", "side by side", "estimate [nats]");
    let mut spreads = Chart::new("More work", "calls of the denoiser", "standard error [nats]").log_x().log_y();
    let count = capped(ESTIMATES, 20);
    for (place, (name, estimate, calls)) in ways.into_iter().enumerate() {
        let color = [BLUE, VERMILION, GREEN][place];
        let mut rng = Rng::new(common.seed, name, 0);
        let ones: Vec<f64> = (0..count * steps / calls).map(|_| estimate(&model, X_0, &mut rng)).collect();
        let Normal { mu: mean, sigma: std } = Normal::fit(&ones)?;
        let error = std / (ones.len() as f64).sqrt();
        println!("{name:<9}   {mean:>9.4} +- {error:<7.4}   {std:>13.3}   {calls:>4}");
        let equal: Vec<f64> =
            ones.chunks(steps / calls).map(|part| part.iter().sum::<f64>() / part.len() as f64).collect();
        let places = (0..DOTS).map(|i| 0.8 * i as f64 / DOTS as f64 + place as f64);
        dots = dots.dots(name, color, 2.0, places.zip(equal));
        let at = |n: f64| (n * calls as f64, std / n.sqrt());
        let ends = [at(1.0), at((count * steps / calls) as f64)];
        // T draws lie upon two draws, which are seen between the dashes.
        spreads = if place == 1 { spreads.dashes(name, color, ends) } else { spreads.line(name, color, ends) };
    }
    dots = dots.dashes("exact", BLACK, [(0.0, exact), (3.0, exact)]).y_range(-80.0, 100.0);
    let panels = [dots.into(), spreads.into()];
    common.figure("step08", "elbo", "elbo.svg", &panels)
}
