//! Trains the hierarchical autoencoder of the book, then makes new digits.

use super::Hvae;
use crate::common::cli::{Common, Mnist, TrainingFlags, capped};
use crate::step07::train::{Book, train};
use anyhow::Result;
use serde_json::json;

const LATENT: usize = 20;
const HIDDEN: usize = 100;
const LR: f64 = 1e-3;

pub fn run(common: &Common, mnist: &Mnist, flags: &TrainingFlags) -> Result<()> {
    let hidden = capped(HIDDEN, 16);
    let settings = json!({ "latent": LATENT, "hidden": hidden });
    let book = Book { step: "step08", program: "hvae".into(), lr: LR, settings };
    train(common, mnist, flags, &book, |pixels, rng| Hvae::new(pixels, hidden, LATENT, rng))
}
