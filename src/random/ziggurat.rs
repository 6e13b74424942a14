//! Standard normal numbers by the ziggurat (Marsaglia and Tsang, "The ziggurat method for generating random variables",
//! 2000) as Doornik mends it ("An improved ziggurat method to generate normal random samples", 2005).
//!
//! 256 layers of equal area cover the density e^(-x^2/2), x >= 0: layer i reaches from 0 to x_i, and all of it left of
//! x_(i+1) is under the curve. So a layer and a place in it, both from one draw, are nearly always a normal number; in one
//! draw of 68, the curve or the tail beyond x_1 has to be asked. The lowest layer is a rectangle and the tail; it counts
//! as a rectangle of the same area, which reaches to x_0.

use rand::{Rng, RngExt};
use std::sync::LazyLock;

/// x_1, where the tail begins, and the area of a layer (Doornik, table 1, for 256 layers).
const TAIL: f64 = 3.654_152_885_361_009;
const AREA: f64 = 0.004_928_673_233_99;

/// Where the layers end, x_0 > x_1 > .. > x_256 = 0.
static ENDS: LazyLock<[f64; 257]> = LazyLock::new(|| {
    let mut ends = [0.0; 257];
    (ends[0], ends[1]) = (AREA / density(TAIL), TAIL);
    for i in 2..256 {
        // A layer is as high as its area over its length.
        let height = AREA / ends[i - 1] + density(ends[i - 1]);
        ends[i] = (-2.0 * libm::log(height)).sqrt();
    }
    ends
});

/// e^(-x^2/2)
fn density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x)
}

/// One number of mean 0 and variance 1.
pub fn standard_normal(source: &mut impl Rng) -> f64 {
    let ends = &*ENDS;
    loop {
        let bits = source.next_u64();
        let layer = (bits & 0xff) as usize;
        // The upper 52 bits, as a number in [-1, 1).
        let place = (bits >> 12) as f64 / (1u64 << 51) as f64 - 1.0;
        let x = place * ends[layer];
        if x.abs() < ends[layer + 1] {
            return x;
        }
        if layer == 0 {
            return tail(source).copysign(place);
        }
        let [top, bottom] = [density(ends[layer + 1]), density(ends[layer])];
        if top + (bottom - top) * source.random::<f64>() < density(x) {
            return x;
        }
    }
}

/// A number beyond [`TAIL`] (Marsaglia, "Generating a variable from the tail of the normal distribution", 1964).
fn tail(source: &mut impl Rng) -> f64 {
    // Uniform in (0, 1): the logarithm is finite.
    let mut uniform = || ((source.next_u64() >> 12) as f64 + 0.5) / (1u64 << 52) as f64;
    loop {
        let (beyond, y) = (-libm::log(uniform()) / TAIL, -libm::log(uniform()));
        if 2.0 * y >= beyond * beyond {
            return TAIL + beyond;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    /// The share of numbers below x, against the distribution function, in the middle and in the tails.
    #[test]
    fn the_numbers_are_normal() {
        let mut source = Xoshiro256PlusPlus::seed_from_u64(0);
        let n = 4_000_000;
        let numbers: Vec<f64> = (0..n).map(|_| standard_normal(&mut source)).collect();
        for x in [-4.2, -3.8, -3.654, -3.0, -1.5, -0.3, 0.0, 0.3, 1.0, 2.5, 3.5, 3.654, 3.7, 4.0] {
            let expected = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
            let count = numbers.iter().filter(|&&number| number < x).count() as f64;
            let deviation = (count - n as f64 * expected) / (n as f64 * expected * (1.0 - expected)).sqrt();
            assert!(deviation.abs() < 4.0, "{count} of {n} numbers are below {x}: {deviation} standard deviations off");
        }
    }
}
