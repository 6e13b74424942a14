//! Trains a U-Net that is told the digit most of the time, and exaggerates what it sees more when it is told.

use super::DIGITS;
use super::conditional::every_digit_twice;
use super::gammas::{self, draw_grids};
use crate::common::cli::{Common, Mnist};
use crate::step09::{self, JudgeFlag, Kind, Label, Lesson, UNet};
use anyhow::Result;
use clap::Args;
use tsukuru::Real;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    #[command(flatten)]
    pub unet: step09::Flags,
    /// How much guidance there is in the pictures after each epoch [default: 3]
    #[arg(long, allow_negative_numbers = true)]
    pub gamma: Option<f64>,
    /// Drop the labels of all images of a batch or of none, as the book does, instead of each by itself
    #[arg(long)]
    pub book: bool,
    #[command(flatten)]
    pub judge: JudgeFlag,
}

/// The probability that a label is not told.
const DROP: f64 = 0.1;

pub fn run(common: &Common, mnist: &Mnist, flags: &Flags) -> Result<()> {
    let gamma = gammas::check(flags.gamma)?;
    let judge = flags.judge.find(common, mnist)?;
    let lesson = Lesson {
        place: ("step10", "classifier_free_guidance"),
        labels: DIGITS,
        told: &|labels, step| told(labels, flags.book, common.seed, step),
        name_of_told: if flags.book { "dropped by batch" } else { "dropped" },
        asked: every_digit_twice(),
        eps: &|model, x, t, labels| guided(model, x, t, labels, gamma),
        sampler: Kind::Ddim,
    };
    let trained = lesson.train(common, mnist, &flags.unet)?;
    let sampler = flags.unet.sampler.choose(Kind::Ddim, &trained.diffuser)?;
    let eps = |x: &Tensor, t: usize, labels: &[Label], gamma: f64| guided(&trained.model, x, t, labels, gamma);
    draw_grids(common, &trained.run, &trained.diffuser, sampler, trained.size, judge.as_ref(), eps)
}

/// What the model is told in a step of the training: no label with probability [`DROP`], so that it also learns to see
/// noise without one. The book drops those of a whole `batch` at once.
fn told(labels: &[usize], batch: bool, seed: u64, step: u64) -> Vec<Label> {
    let mut rng = Rng::new(seed, "labels", step);
    let mut keeps = || rng.uniform() >= DROP;
    if batch {
        let kept = keeps();
        return labels.iter().map(|&label| kept.then_some(label)).collect();
    }
    labels.iter().map(|&label| keeps().then_some(label)).collect()
}

/// The noise without a label, and from there gamma times the way to the noise with it (Ho and Salimans, 2022,
/// equation 6, where 1 + w is gamma): eps = eps_untold + gamma (eps_told - eps_untold). x is (N, C, H, W), labels (N).
pub fn guided(model: &UNet, x: &Tensor, t: usize, labels: &[Label], gamma: f64) -> Tensor {
    // Both in one batch: every image once with its label and once without.
    let (x, n) = (Variable::new(x.clone()), labels.len());
    let twice = Variable::cat(&[&x, &x], 0);
    let eps = Variable::new(model.noise(&twice.value(), t, &[labels, &vec![None; n]].concat()));
    let (told, untold) = (eps.narrow(0, 0, n), eps.narrow(0, n, n));
    let eps = &untold + gamma as Real * (told - &untold);
    eps.value().clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_labels_is_dropped() {
        let labels: Vec<usize> = (0..1000).map(|i| i % DIGITS).collect();
        let untold = |told: &[Label]| told.iter().filter(|label| label.is_none()).count();
        let told_once = told(&labels, false, 0, 0);
        assert!(told_once.iter().zip(&labels).all(|(told, &label)| told.is_none_or(|told| told == label)));
        assert!((70..130).contains(&untold(&told_once)), "{}", untold(&told_once));
        assert!(told_once != told(&labels, false, 0, 1) && told_once == told(&labels, false, 0, 0));

        // The book's way: all or none.
        let counts: Vec<usize> = (0..1000).map(|step| untold(&told(&labels[..8], true, 0, step))).collect();
        assert!(counts.iter().all(|&count| count == 0 || count == 8));
        let dropped = counts.iter().filter(|&&count| count == 8).count();
        assert!((70..130).contains(&dropped), "{dropped}");
    }

    /// One batch of both branches is the two branches.
    #[test]
    fn guidance_is_the_way_from_one_branch_to_the_other() {
        let mut rng = Rng::new(0, "init", 0);
        let model = UNet::new(1, 4, &mut rng).with_labels(DIGITS, &mut rng);
        let x = rng.normal_tensor([3, 1, 8, 8]);
        let labels = [Some(7), Some(0), Some(3)];
        let (told, untold) = (model.noise(&x, 500, &labels), model.noise(&x, 500, &[None; 3]));
        let far = |a: &Tensor, b: &Tensor| {
            a.data().iter().zip(b.data()).map(|(a, b)| f64::from(a - b).abs()).fold(0.0, f64::max)
        };
        assert!(far(&told, &untold) > 1e-2, "labels make a difference");
        assert!(far(&guided(&model, &x, 500, &labels, 0.0), &untold) < 1e-5);
        assert!(far(&guided(&model, &x, 500, &labels, 1.0), &told) < 1e-5);
        let beyond = told.data().iter().zip(untold.data()).map(|(told, untold)| untold + 3.0 * (told - untold));
        let beyond = Tensor::new([3, 1, 8, 8], &beyond.collect::<Vec<_>>());
        assert!(far(&guided(&model, &x, 500, &labels, 3.0), &beyond) < 1e-5);
    }
}
