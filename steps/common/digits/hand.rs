//! One person's hand, this once: how far the drawing strays from its template.

use super::curve::{Knot, Point};
use tsukuru::random::Rng;

// The figures below are chosen so that slant, width, thickness and ink spread as much as MNIST's do.
const WOBBLE: f64 = 0.016; // of each knot on its own, in heights of the digit
const BEND: f64 = 0.06; // of the smooth displacement
const PRESSURE: f64 = 0.10; // of the pen's width along the way
const WAVES: usize = 4;

/// Slant, stretch, rotation, thickness and a smooth displacement of the plane.
pub struct Hand {
    matrix: [Point; 2],
    waves: [Wave; WAVES],
    /// Of the stroke, in pixels of the finished image.
    pub thickness: f64,
}

/// One term of the displacement: `push * sin(frequency . p + phase)`.
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
        let half_turn = 0.04 * moderate(rng);
        // stretch x, lean to the right (y points down), rotate: c and s are the cosine and sine of 2 atan(half_turn).
        let (c, s) = (
            (1.0 - half_turn * half_turn) / (1.0 + half_turn * half_turn),
            2.0 * half_turn / (1.0 + half_turn * half_turn),
        );
        let matrix = [[c * aspect, -c * slant - s], [s * aspect, c - s * slant]];
        let waves = std::array::from_fn(|_| Wave::new(rng));
        let thickness = (2.3 * libm::exp(0.27 * moderate(rng))).max(1.3);
        Hand { matrix, waves, thickness }
    }

    /// The template's knots as this hand places them. Strokes as a whole and their ends stray more than the rest.
    pub fn place(&self, stroke: &[Knot], rng: &mut Rng) -> Vec<Knot> {
        let shift = [WOBBLE * moderate(rng), WOBBLE * moderate(rng)];
        let last = stroke.len() - 1;
        let place = |(i, knot): (usize, &Knot)| {
            let wobble = if i == 0 || i == last { 1.5 * WOBBLE } else { WOBBLE };
            let at = [0, 1].map(|k| knot.at[k] + shift[k] + wobble * moderate(rng));
            Knot { at, corner: knot.corner }
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
        let [row0, row1] = self.matrix;
        ([row0[0] * q[0] + row0[1] * q[1], row1[0] * q[0] + row1[1] * q[1]], width.max(0.5))
    }
}

impl Wave {
    fn new(rng: &mut Rng) -> Wave {
        const TURN: f64 = 2.0 * std::f64::consts::PI;
        // Up to 3/4 of a wave over the digit in x and in y. A sine's variance is 1/2, and WAVES of them add up.
        let frequency = [0, 1].map(|_| 0.75 * TURN * (2.0 * rng.uniform() - 1.0));
        let phase = TURN * rng.uniform();
        let share = (2.0 / WAVES as f64).sqrt();
        let push = [BEND * share * moderate(rng), BEND * share * moderate(rng)];
        Wave { frequency, phase, push, pressure: PRESSURE * share * moderate(rng) }
    }
}

/// Standard normal without its tails: nobody writes that badly.
fn moderate(rng: &mut Rng) -> f64 {
    rng.normal().clamp(-2.2, 2.2)
}
