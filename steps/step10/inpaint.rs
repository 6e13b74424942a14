//! Fills a hidden part of test images.

use super::repaint::{repaint, resampled, select};
use super::{COLUMNS, Editor, EditorFlags};
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Split;
use crate::common::drawing;
use crate::common::images::{Captions, save_captioned_grid, size_name};
use crate::common::run::RunFolder;
use crate::step09::{in_batches, print_metrics};
use anyhow::{Result, ensure};
use clap::Args;
use std::path::Path;
use tsukuru::Real;
use tsukuru::tensor::Tensor;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    #[command(flatten)]
    pub editor: EditorFlags,
    /// What is hidden: centre, a square with half the sides of the image; bottom, the lower half; or the white pixels of a PNG or JPEG file
    #[arg(long, value_name = "WHAT", default_value = "centre")]
    pub mask: String,
    /// How many test images
    #[arg(long, value_name = "N", default_value_t = COLUMNS)]
    pub count: usize,
    /// How often each jump is gone through; 1: what is known is put back, and nothing else
    #[arg(long, value_name = "TIMES", default_value_t = 5)]
    pub resample: usize,
    /// Steps of a jump
    #[arg(long, value_name = "STEPS", default_value_t = 1)]
    pub jump: usize,
}

pub fn run(common: &Common, mnist: &MnistArgs, flags: &Flags) -> Result<()> {
    ensure!((1..=100).contains(&flags.resample), "--resample {}: expected 1 to 100", flags.resample);
    ensure!(flags.jump > 0, "--jump 0: expected at least 1");
    let source = mnist.source()?;
    let dataset = source.load(Split::Test, None)?;
    let most = dataset.len();
    ensure!((1..=most).contains(&flags.count), "--count {}: expected 1 to {most}, the test images", flags.count);
    let editor = flags.editor.resolve(common, mnist, &source)?;
    let Editor { diffuser, sampler, size: [h, w], evaluator, .. } = &editor;
    let (location, found) = (source.location(), size_name(dataset.images().size()));
    ensure!(found == size_name([1, *h, *w]), "{location}: expected images of {h} x {w} as the model's, found {found}");
    let hidden = mask(&flags.mask, editor.size)?;
    let folder = RunFolder::open(&common.out, "step10", "inpaint", false)?;

    let (x_0, digits) = dataset.batch(&Vec::from_iter(0..flags.count));
    let labels = Vec::from_iter(digits.iter().map(|&digit| editor.label(digit)));
    let hidden = Tensor::new(*x_0.shape(), &hidden.data().repeat(flags.count));
    let times = resampled(&sampler.timesteps(diffuser), flags.jump, flags.resample);
    let x = in_batches(common, times.len() - 1, [1, *h, *w], flags.count, |images, rng, step| {
        let labels = &labels[images.clone()];
        let [x_0, hidden] = [&x_0, &hidden].map(|x| {
            let pixels = &x.data()[images.start * h * w..images.end * h * w];
            Tensor::new([images.len(), 1, *h, *w], pixels)
        });
        repaint((diffuser, *sampler), |x, t| editor.eps(x, t, labels), &x_0, &hidden, &times, rng, step)
    })?;

    let path = folder.file("inpainted.png")?;
    let columns = flags.count.min(COLUMNS);
    let given = select(&hidden, &hidden.map(|_| 0.5), &x_0);
    let rows = Vec::from_iter([&x_0, &given, &x].map(|x| &x.data()[..columns * h * w]));
    let captions = Captions::beside(["image", "given", "filled"].map(String::from));
    save_captioned_grid(&path, &Tensor::new([3 * columns, 1, *h, *w], &rows.concat()), columns, &captions)?;
    println!("{}", path.display());
    let labels = Vec::from_iter(digits.into_iter().map(Some));
    evaluator.as_ref().map_or(Ok(()), |evaluator| print_metrics(evaluator, &x, &labels))
}

/// 1 for the pixels that are hidden, as (1, 1, H, W).
///
/// # Errors
/// If a file cannot be read, or nothing or everything is hidden.
fn mask(name: &str, [h, w]: [usize; 2]) -> Result<Tensor> {
    let hidden = match name {
        "centre" => Tensor::from_fn([1, 1, h, w], |i| {
            let inside = |i: usize, n: usize| (n / 4..n - n / 4).contains(&i);
            Real::from(u8::from(inside(i / w, h) && inside(i % w, w)))
        }),
        "bottom" => Tensor::from_fn([1, 1, h, w], |i| Real::from(u8::from(i / w >= h / 2))),
        file => {
            let white = |shade: Real| Real::from(u8::from(shade >= 0.5));
            ensure!(h == w, "--mask {file}: expected a model of square images, found {h} x {w}");
            drawing::read(Path::new(file), h)?.map(white)
        }
    };
    let count = hidden.data().iter().filter(|&&hidden| hidden == 1.0).count();
    let all = h * w;
    ensure!(
        (1..all).contains(&count),
        "{name}: expected white pixels, and black ones, found {count} white ones of {all}"
    );
    Ok(hidden)
}
