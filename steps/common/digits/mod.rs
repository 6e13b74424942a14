//! The built-in digits: handwriting drawn by the program itself, for when MNIST is not there.
//!
//! A digit begins as a template (`datasets/strokes.txt`: the strokes of a pen), written by a hand that differs each
//! time. [`templates`] chooses the way of writing, [`hand`] slants, stretches and bends it, [`curve`] draws the pen's
//! way, [`raster`] inks it. The format is MNIST's: 28 x 28 bytes, white on black, the ink in a box of 20 x 20 pixels,
//! its centre of mass in the middle.

pub mod curve;
pub mod hand;
pub mod raster;
pub mod templates;

pub use raster::{PIXELS, SIDE};

use hand::Hand;
use raster::Dab;
use rayon::prelude::*;
use templates::Template;
use tsukuru::random::Rng;

/// The digits are always the same ones, as MNIST's are; no flag changes this seed.
const SEED: u64 = 0;

/// Images and what they show.
pub struct LabelledImages {
    /// count x 28 x 28 bytes, row by row: 0 is paper, 255 is ink.
    pub pixels: Vec<u8>,
    /// count digits, 0 to 9.
    pub labels: Vec<u8>,
}

/// The first `count` digits of the endless series called `purpose`. Every image has a random stream of its own, so it
/// is the same however many are drawn and on however many threads.
pub fn generate(purpose: &str, count: usize) -> LabelledImages {
    let (mut pixels, mut labels) = (vec![0; count * PIXELS], vec![0; count]);
    let places = pixels.par_chunks_exact_mut(PIXELS).zip(&mut labels).enumerate();
    places.for_each(|(i, (image, label))| *label = draw(purpose, i as u64, image).digit);
    LabelledImages { pixels, labels }
}

/// Draws number `i` of a series into `image`, and tells what was written and how.
pub fn draw(purpose: &str, i: u64, image: &mut [u8]) -> &'static Template {
    let mut rng = Rng::new(SEED, &format!("digits {purpose}"), i);
    let template = templates::choose(rng.below(10) as u8, &mut rng);
    let hand = Hand::new(&mut rng);
    let ink = |p| {
        let (at, width) = hand.bend(p);
        Dab { at, radius: 0.5 * hand.thickness * width }
    };
    let mut strokes: Vec<Vec<Dab>> = Vec::new();
    for stroke in &template.strokes {
        let way = curve::smooth(&hand.place(stroke, &mut rng));
        strokes.push(way.into_iter().map(ink).collect());
    }
    raster::draw(&mut strokes, image);
    template
}
