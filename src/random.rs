//! [`Rng`]: random numbers that repeat, in named streams that do not disturb each other.

mod ziggurat;

use crate::Real;
use crate::shape::Shape;
use crate::tensor::Tensor;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{Rng as _, RngExt, SeedableRng};

/// One stream of random numbers (xoshiro256++, seeded by splitmix64).
///
/// A stream is named by its purpose and a count: `Rng::new(seed, "noise", step)`. So a program that resumes at step 1000
/// continues the numbers that an uninterrupted run would have drawn, without saving any state, and one more draw in the
/// data loader changes nothing in the noise.
///
/// The numbers are the same bits on every system: [`rand`] draws a `usize` from u32 where the bound allows (its
/// `UniformUsize`), so it may be 32 or 64 bits wide; and normal numbers take their logarithms from the libm crate.
pub struct Rng {
    source: Xoshiro256PlusPlus,
}

impl Rng {
    /// The stream of `seed`, `purpose` and `count`.
    pub fn new(seed: u64, purpose: &str, count: u64) -> Rng {
        // FNV-1a over all three; xoshiro's own seeding spreads the bits.
        let bytes = seed.to_le_bytes().into_iter().chain(count.to_le_bytes()).chain(purpose.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
        Rng { source: Xoshiro256PlusPlus::seed_from_u64(hash) }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.source.next_u64()
    }

    /// A number uniform in [0, 1), a multiple of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        self.source.random()
    }

    /// A standard normal number: mean 0, variance 1.
    pub fn normal(&mut self) -> f64 {
        ziggurat::standard_normal(&mut self.source)
    }

    /// An integer uniform in 0..n.
    ///
    /// # Panics
    /// If n is 0.
    #[track_caller]
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "rng: there is no integer in 0..0");
        self.source.random_range(0..n)
    }

    /// 0..n in random order, every order equally likely.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut self.source);
        order
    }

    /// A tensor of this shape, filled in row-major order with independent standard normal numbers.
    ///
    /// # Panics
    /// If the shape is too large for memory.
    #[track_caller]
    pub fn normal_tensor(&mut self, shape: impl Into<Shape>) -> Tensor {
        Tensor::build(shape, |data| data.iter_mut().for_each(|x| *x = self.normal() as Real))
    }

    /// A tensor of this shape, filled in row-major order with independent numbers, uniform in [`low`, `high`): rounding
    /// to `Real` may give `high` itself.
    ///
    /// # Panics
    /// If the shape is too large for memory.
    #[track_caller]
    pub fn uniform_tensor(&mut self, shape: impl Into<Shape>, low: f64, high: f64) -> Tensor {
        Tensor::build(shape, |data| data.iter_mut().for_each(|x| *x = (low + (high - low) * self.uniform()) as Real))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let first = |seed, purpose, count| Rng::new(seed, purpose, count).bits();
        assert_eq!(first(0, "noise", 0), first(0, "noise", 0));
        let streams = [first(0, "noise", 0), first(1, "noise", 0), first(0, "init", 0), first(0, "noise", 1)];
        assert!((0..4).all(|i| (0..i).all(|j| streams[i] != streams[j])));
    }

    #[test]
    fn moments_are_right() {
        let mut rng = Rng::new(0, "test", 0);
        let n = 200_000;
        let moments = |draw: &mut dyn FnMut() -> f64| {
            let xs: Vec<f64> = (0..n).map(|_| draw()).collect();
            let mean = xs.iter().sum::<f64>() / n as f64;
            (mean, xs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64)
        };
        let (mean, var) = moments(&mut || rng.normal());
        assert!(mean.abs() < 0.01 && (var - 1.0).abs() < 0.01, "normal: {mean} {var}");
        let (mean, var) = moments(&mut || rng.uniform());
        assert!((mean - 0.5).abs() < 0.003 && (var - 1.0 / 12.0).abs() < 0.001, "uniform: {mean} {var}");
    }

    #[test]
    fn a_permutation_holds_every_number_once() {
        let mut order = Rng::new(0, "test", 0).permutation(1000);
        assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        order.sort_unstable();
        assert!(order.into_iter().eq(0..1000));
    }
}
