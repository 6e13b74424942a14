//! The forward process of an image: step by step, and in closed form for any time.

use super::{Diffuser, Schedule, T};
use crate::common::cli::Common;
use crate::common::images::{Captions, save_captioned_grid};
use anyhow::Result;
use tsukuru::Real;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// Side of the image in pixels.
const SIDE: usize = 64;
/// The times that are shown.
const SHOWN: [usize; 8] = [0, 20, 50, 100, 200, 300, 500, 1000];

pub fn run(common: &Common) -> Result<()> {
    let diffuser = Diffuser::new(Schedule::linear(T));
    let x_0 = flower();

    // x_t = sqrt(1 - beta_t) x_(t-1) + sqrt(beta_t) noise, a thousand times
    let mut rng = Rng::new(common.seed, "noise", 0);
    let mut x = x_0.clone();
    let mut by_steps = vec![x.clone()];
    for t in 1..=T {
        let (scale, sigma) = ((1.0 - diffuser.beta(t)).sqrt() as Real, diffuser.beta(t).sqrt() as Real);
        x = x * scale + rng.normal_tensor(*x_0.shape()) * sigma;
        if SHOWN.contains(&t) {
            by_steps.push(x.clone());
        }
    }

    // x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise, for any t
    let mut in_closed_form = vec![x_0.clone()];
    for t in &SHOWN[1..] {
        let noise = rng.normal_tensor(*x_0.shape());
        in_closed_form.push(diffuser.add_noise(&x_0, &[*t], &noise));
    }

    println!("   t   alpha_bar   std by steps   std in closed form");
    for (i, &t) in SHOWN.iter().enumerate() {
        let [steps, closed] = [&by_steps[i], &in_closed_form[i]].map(std);
        println!("{t:>4}   {:>9.5}   {steps:>12.3}   {closed:>18.3}", diffuser.alpha_bar(t));
    }
    let folder = common.folder("step09", "gaussian_noise")?;
    for (name, images) in [("by_steps.png", &by_steps), ("in_closed_form.png", &in_closed_form)] {
        let path = folder.join(name);
        let captions = Captions::above(SHOWN.map(|t| format!("t = {t}")));
        save_captioned_grid(&path, &stack(images), SHOWN.len(), &captions)?;
        println!("{}", path.display());
    }
    Ok(())
}

/// A flower of six petals, with the edge r = 0.68 + 0.28 cos(6 angle), around a bright centre.
fn flower() -> Tensor {
    let middle = (SIDE as f64 - 1.0) / 2.0;
    let brightness = |row: usize, col: usize| {
        let (y, x) = ((row as f64 - middle) / middle, (col as f64 - middle) / middle);
        let (r, angle) = ((x * x + y * y).sqrt(), libm::atan2(y, x));
        let edge = 0.68 + 0.28 * libm::cos(6.0 * angle);
        let soft = |inside: f64| 1.0 / (1.0 + libm::exp(-20.0 * inside));
        0.75 * soft(edge - r) * (1.0 - soft(0.2 - r)) + soft(0.2 - r)
    };
    let pixels: Vec<Real> = (0..SIDE * SIDE).map(|i| brightness(i / SIDE, i % SIDE) as Real).collect();
    Tensor::new([1, 1, SIDE, SIDE], &pixels)
}

fn stack(images: &[Tensor]) -> Tensor {
    let pixels: Vec<Real> = images.iter().flat_map(|image| image.data()).copied().collect();
    Tensor::new([images.len(), 1, SIDE, SIDE], &pixels)
}

/// Standard deviation of the pixels.
fn std(x: &Tensor) -> f64 {
    let count = x.data().len() as f64;
    let mean = x.data().iter().map(|&x| f64::from(x)).sum::<f64>() / count;
    (x.data().iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / count).sqrt()
}
