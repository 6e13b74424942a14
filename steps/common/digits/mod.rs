//! The built-in digits: handwriting drawn by the program itself, for when MNIST is not there.
//!
//! A digit is a template (`datasets/strokes.txt`: the points a pen goes through), written by a hand that differs each
//! time: [`templates`] chooses, [`hand`] slants, stretches and bends, [`curve`] makes it smooth, [`raster`] inks it.
//! The format is MNIST's: 28 x 28 bytes, white on black, the ink in a 20 x 20 box around the centre of mass.

pub mod curve;
pub mod hand;
pub mod raster;
pub mod templates;

use hand::Hand;
use raster::Dab;
use rayon::prelude::*;
use tsukuru::random::Rng;

/// Pixels along an image's side, and in an image.
pub const SIDE: usize = 28;
pub const PIXELS: usize = SIDE * SIDE;

const SEED: u64 = 0;

/// Images and what they show.
pub struct LabelledImages {
    /// count x 28 x 28 bytes, row by row; 0 is paper, 255 is ink.
    pub pixels: Vec<u8>,
    /// count digits, 0 to 9.
    pub labels: Vec<u8>,
}

/// The 60,000 digits to learn from.
pub fn train() -> LabelledImages {
    generate("train", 60_000)
}

/// The 10,000 digits to be tested on.
pub fn test() -> LabelledImages {
    generate("test", 10_000)
}

/// The first `count` digits of the endless series called `purpose`. Every image has its own random stream: it is the
/// same however many are drawn and on however many threads.
pub fn generate(purpose: &str, count: usize) -> LabelledImages {
    let mut images = LabelledImages { pixels: vec![0; count * PIXELS], labels: vec![0; count] };
    let places = images.pixels.par_chunks_exact_mut(PIXELS).zip(&mut images.labels).enumerate();
    places.for_each(|(i, (pixels, label))| *label = draw(purpose, i as u64, pixels).digit);
    images
}

/// Draws number `i` of a series; the template tells which digit it is.
pub fn draw(purpose: &str, i: u64, pixels: &mut [u8]) -> &'static templates::Template {
    let mut rng = Rng::new(SEED, &format!("digits {purpose}"), i);
    let template = templates::choose(rng.below(10) as u8, &mut rng);
    let hand = Hand::new(&mut rng);
    let ink = |p| {
        let (at, width) = hand.bend(p);
        Dab { at, radius: 0.5 * hand.thickness * width }
    };
    let mut write = |stroke: &Vec<_>| curve::smooth(&hand.place(stroke, &mut rng)).into_iter().map(ink).collect();
    let mut strokes: Vec<Vec<Dab>> = template.strokes.iter().map(&mut write).collect();
    raster::draw(&mut strokes, pixels);
    template
}
