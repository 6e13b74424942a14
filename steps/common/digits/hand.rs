//! [`Hand`]: one person's hand, this once. It decides how far a drawing strays from its template.

use super::curve::{Guide, Point};
use tsukuru::random::Rng;

// The figures here were chosen by measuring: slant, width, thickness and ink of the drawings vary as MNIST's do.
// Lengths are in heights of the digit.

/// How far each guide strays by itself (standard deviation).
const WOBBLE: f64 = 0.016;
/// How far a smooth displacement moves the whole drawing, here and there.
const BEND: f64 = 0.06;
/// How much the pen's width varies along the way.
const PRESSURE: f64 = 0.10;
/// The smooth displacement is a sum of so many waves.
const WAVES: usize = 4;

/// Stretch, slant, rotation, thickness, and a smooth displacement of the plane.
pub struct Hand {
    matrix: [Point; 2],
    waves: [Wave; WAVES],
    /// Mean width of the stroke, in pixels of the finished image.
    pub thickness: f64,
}

/// A displacement by `push * sin(frequency . p + phase)`; the pen's width follows the same wave.
struct Wave {
    frequency: Point,
    phase: f64,
    push: Point,
    pressure: f64,
}

impl Hand {
    pub fn new(rng: &mut Rng) -> Hand {
        let aspect = libm::exp(0.19 * moderate(rng));
        let slant = 0.08 + 0.18 * moderate(rng);
        let (sin, cos) = libm::sincos(0.08 * moderate(rng));
        // Rotation times slant times stretch; y points down, so a lean to the right is -slant:
        //
        //   | cos -sin | | 1 -slant | | aspect 0 |
        //   | sin  cos | | 0    1   | |   0    1 |
        let matrix = [[cos * aspect, -cos * slant - sin], [sin * aspect, -sin * slant + cos]];
        let waves = std::array::from_fn(|_| Wave::new(rng));
        let thickness = (2.3 * libm::exp(0.27 * moderate(rng))).max(1.3);
        Hand { matrix, waves, thickness }
    }

    /// A stroke's guides, a little astray. The stroke as a whole strays as well, and its ends more than its middle.
    pub fn place(&self, stroke: &[Guide], rng: &mut Rng) -> Vec<Guide> {
        let shift = [0, 1].map(|_| WOBBLE * moderate(rng));
        let last = stroke.len() - 1;
        let place = |(i, guide): (usize, &Guide)| {
            let wobble = if i == 0 || i == last { 1.5 * WOBBLE } else { WOBBLE };
            Guide { at: [0, 1].map(|k| guide.at[k] + shift[k] + wobble * moderate(rng)), ..*guide }
        };
        stroke.iter().enumerate().map(place).collect()
    }

    /// Where a point of the drawing ends up, and the pen's width there relative to its mean.
    pub fn bend(&self, p: Point) -> (Point, f64) {
        let (mut q, mut width) = (p, 1.0);
        for wave in &self.waves {
            let height = libm::sin(wave.frequency[0] * p[0] + wave.frequency[1] * p[1] + wave.phase);
            q = [q[0] + wave.push[0] * height, q[1] + wave.push[1] * height];
            width += wave.pressure * height;
        }
        (self.matrix.map(|row| row[0] * q[0] + row[1] * q[1]), width.max(0.5))
    }
}

impl Wave {
    fn new(rng: &mut Rng) -> Wave {
        const TURN: f64 = 2.0 * std::f64::consts::PI;
        // At most 3/4 of a wave across the digit and 3/4 down.
        let frequency = [0, 1].map(|_| 0.75 * TURN * (2.0 * rng.uniform() - 1.0));
        let phase = TURN * rng.uniform();
        // The variance of a sine is 1/2, and those of all waves add up to 1.
        let share = (2.0 / WAVES as f64).sqrt();
        let push = [0, 1].map(|_| BEND * share * moderate(rng));
        Wave { frequency, phase, push, pressure: PRESSURE * share * moderate(rng) }
    }
}

/// A standard normal number without its tails: nobody writes that badly.
fn moderate(rng: &mut Rng) -> f64 {
    rng.normal().clamp(-2.2, 2.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far the drawing leans and turns on average over many hands.
    #[test]
    fn hands_lean_to_the_right_and_differ() {
        let slants: Vec<f64> = (0..4000)
            .map(|i| {
                let hand = Hand::new(&mut Rng::new(0, "hand", i));
                let [[_, x], [_, y]] = hand.matrix;
                -x / y
            })
            .collect();
        let mean = slants.iter().sum::<f64>() / slants.len() as f64;
        let variance = slants.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / slants.len() as f64;
        assert!((mean - 0.08).abs() < 0.02 && (variance.sqrt() - 0.2).abs() < 0.03, "{mean} {variance}");
    }

    #[test]
    fn the_displacement_is_as_wide_as_it_says() {
        let mut squares = 0.0;
        for i in 0..4000 {
            let mut hand = Hand::new(&mut Rng::new(0, "hand", i));
            hand.matrix = [[1.0, 0.0], [0.0, 1.0]];
            let ([x, _], _) = hand.bend([0.3, 0.6]);
            squares += (x - 0.3) * (x - 0.3) / 4000.0;
        }
        assert!((squares.sqrt() / BEND - 1.0).abs() < 0.1, "{}", squares.sqrt());
    }
}
