//! Makes digits of a drawing (SDEdit: Meng et al., 2022): noise is added to it, and removed again.

use super::editor::rms;
use super::{COLUMNS, DIGITS, Editor, EditorFlags};
use crate::common::cli::{Common, MnistArgs};
use crate::common::drawing;
use crate::common::images::{Captions, save_captioned_grid};
use crate::common::run::RunFolder;
use crate::step09::{Diffuser, Sampler, in_batches, print_metrics};
use anyhow::{Result, ensure};
use clap::Args;
use std::path::PathBuf;
use tsukuru::Real;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    #[command(flatten)]
    pub editor: EditorFlags,
    /// A PNG or JPEG file with a digit, light on dark or dark on light; without it, a 3 of four straight lines
    #[arg(long, value_name = "FILE")]
    pub drawing: Option<PathBuf>,
    /// The digit that it is to become; without it, the model is told none
    #[arg(long, value_name = "DIGIT")]
    pub label: Option<usize>,
    /// How much noise is added, one row for each: 0 none, 1 nothing but noise
    #[arg(
        long,
        value_name = "SHARES",
        value_delimiter = ',',
        allow_negative_numbers = true,
        default_value = "0.3,0.5,0.7"
    )]
    pub strength: Vec<f64>,
    /// Images of each strength
    #[arg(long, value_name = "N", default_value_t = COLUMNS - 1)]
    pub count: usize,
}

/// Images of each strength, at most.
const MAX_IMAGES: usize = 10_000;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    let (strengths, count) = (&flags.strength, flags.count);
    for strength in strengths {
        ensure!((0.0..=1.0).contains(strength), "--strength {strength}: expected 0 to 1");
    }
    ensure!((1..=MAX_IMAGES).contains(&count), "--count {count}: expected 1 to {MAX_IMAGES}");
    let digit = flags.label;
    ensure!(digit.is_none_or(|digit| digit < DIGITS), "--label {}: expected 0 to 9", digit.unwrap_or(0));
    let editor = flags.editor.resolve(common, mnist, &mnist.source()?)?;
    ensure!(
        digit.is_some() || !editor.needs_labels(),
        "--label: expected with a model that was always conditioned on one"
    );
    let Editor { diffuser, sampler, size: [h, w], evaluator, .. } = &editor;
    let drawing = match &flags.drawing {
        Some(path) => {
            ensure!(h == w, "--drawing: expected a model of square images, found {h} x {w}");
            drawing::light_on_dark(&drawing::read(path, *h)?)
        }
        None => a_three(editor.size),
    };
    let folder = RunFolder::open(&common.out, "step10", "sdedit", false)?;

    let labels = vec![digit.and_then(|digit| editor.label(digit)); count];
    let (columns, mut rows) = (1 + count.min(COLUMNS - 1), vec![]);
    for &strength in strengths {
        let start = start(diffuser, strength);
        let steps = sampler.timesteps_from(diffuser, start).len() - 1;
        let x = in_batches(common, steps, [1, *h, *w], count, |images, rng, step| {
            let (n, labels) = (images.len(), &labels[images]);
            let x_0 = Tensor::new([n, 1, *h, *w], &drawing.data().repeat(n));
            sdedit((diffuser, *sampler), |x, t| editor.eps(x, t, labels), &x_0, start, rng, step)
        })?;
        let far = rms(x.data(), &drawing.data().repeat(count));
        println!("strength {strength}, from t = {start}: root mean square of the change {far:.3}");
        if let (Some(evaluator), Some(_)) = (evaluator, digit) {
            print_metrics(evaluator, &x, &vec![digit; count])?;
        }
        rows.extend([drawing.data(), &x.data()[..(columns - 1) * h * w]].concat());
    }
    let path = folder.file("edited.png")?;
    let captions = Captions::beside(strengths.iter().map(f64::to_string));
    save_captioned_grid(&path, &Tensor::new([strengths.len() * columns, 1, *h, *w], &rows), columns, &captions)?;
    println!("{}", path.display());
    Ok(())
}

/// The time to which noise is added: so much of T.
fn start(diffuser: &Diffuser, strength: f64) -> usize {
    (strength * diffuser.num_timesteps() as f64).round() as usize
}

/// Images x_0 (N, C, H, W) with the noise of time `start`, and without it again. `eps(x_t, t)` is the predicted noise;
/// `step` is called after every step.
fn sdedit(
    (diffuser, sampler): (&Diffuser, Sampler),
    eps: impl Fn(&Tensor, usize) -> Tensor,
    x_0: &Tensor,
    start: usize,
    rng: &mut Rng,
    mut step: impl FnMut(),
) -> Tensor {
    let noise = rng.normal_tensor(*x_0.shape());
    let x = diffuser.add_noise(x_0, &vec![start; x_0.shape()[0]], &noise);
    sampler.denoise(diffuser, eps, x, &sampler.timesteps_from(diffuser, start), rng, |_, _| step())
}

/// A 3 of four straight lines, light on dark, as (1, 1, H, W).
fn a_three([h, w]: [usize; 2]) -> Tensor {
    const CORNERS: [[f64; 2]; 5] = [[0.32, 0.22], [0.66, 0.22], [0.44, 0.46], [0.68, 0.66], [0.32, 0.8]];
    const RADIUS: f64 = 0.05;
    Tensor::from_fn([1, 1, h, w], |i| {
        let [x, y] = [(i % w) as f64 / w as f64, (i / w) as f64 / h as f64];
        let far = |ends: &[[f64; 2]]| {
            let ([dx, dy], [x, y]) =
                ([ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]], [x - ends[0][0], y - ends[0][1]]);
            let along = ((x * dx + y * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
            ((x - along * dx).powi(2) + (y - along * dy).powi(2)).sqrt()
        };
        Real::from(u8::from(CORNERS.windows(2).any(|ends| far(ends) < RADIUS)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step08::{Schedule, T};
    use crate::step09::best_eps;

    #[test]
    fn strength_0_is_the_drawing_and_strength_1_a_plain_sample() {
        let diffuser = Diffuser::new(Schedule::cosine(T));
        let drawing = a_three([28, 28]);
        for sampler in [Sampler::Ancestral, Sampler::FIFTY_STEPS, Sampler::DDIM] {
            let rng = || Rng::new(0, "sampling", 0);
            let eps = |x: &Tensor, t| best_eps(&diffuser, x, t);
            let edit =
                |strength| sdedit((&diffuser, sampler), eps, &drawing, start(&diffuser, strength), &mut rng(), || ());
            assert_eq!(edit(0.0), drawing);
            let sample = sampler.sample(&diffuser, eps, [1, 1, 28, 28], &mut rng(), |_, _| ());
            let far =
                |x: &Tensor, y: &Tensor| x.zip(y, |x, y| (x - y).abs()).data().iter().copied().fold(0.0, Real::max);
            assert!(far(&edit(1.0), &sample) < 1e-3, "{sampler:?}: {}", far(&edit(1.0), &sample));
            // The pixels keep less of the drawing, the more noise there was.
            let kept = |strength| {
                let x = edit(strength);
                let pairs = || x.data().iter().zip(drawing.data()).map(|(&x, &drawn)| [x, drawn].map(f64::from));
                let mean = |light: Real| {
                    let of = Vec::from_iter(pairs().filter(|pair| pair[1] == f64::from(light)).map(|pair| pair[0]));
                    of.iter().sum::<f64>() / of.len() as f64
                };
                mean(1.0) - mean(0.0)
            };
            let kept = [0.3, 0.6].map(kept);
            assert!(kept[0] > 0.4 && kept[1] < 0.6 * kept[0], "{sampler:?}: {kept:?}");
        }
    }
}
