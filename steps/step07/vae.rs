//! Trains the variational autoencoder of the book, then makes new digits.

use super::Vae;
use super::train::{Book, train};
use crate::common::cli::{Common, Mnist, TrainingFlags, capped};
use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;

#[derive(Args, Clone, Debug)]
pub struct Flags {
    #[command(flatten)]
    pub training: TrainingFlags,
    /// Numbers that describe an image
    #[arg(long, value_name = "N", default_value_t = LATENT)]
    pub latent: usize,
    /// Width of the hidden layers
    #[arg(long, value_name = "N", default_value_t = HIDDEN)]
    pub hidden: usize,
}

pub const LATENT: usize = 20;
pub const HIDDEN: usize = 200;
const LR: f64 = 3e-4;
/// Twenty times the book's width.
const WIDEST: usize = 4000;

pub fn run(common: &Common, mnist: &Mnist, flags: &Flags) -> Result<()> {
    let &Flags { latent, hidden, ref training } = flags;
    ensure!((1..=WIDEST).contains(&latent), "--latent {latent}: expected 1 to {WIDEST}");
    ensure!((1..=WIDEST).contains(&hidden), "--hidden {hidden}: expected 1 to {WIDEST}");
    let hidden = capped(hidden, 16);
    let settings = json!({ "latent": latent, "hidden": hidden });
    let book = Book { step: "step07", program: folder(latent), lr: LR, settings };
    train(common, mnist, training, &book, |pixels, rng| Vae::new(pixels, hidden, latent, rng))
}

/// Where a training with that many latent numbers goes.
pub fn folder(latent: usize) -> String {
    if latent == LATENT { "vae".into() } else { format!("vae_latent{latent}") }
}
