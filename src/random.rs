//! [`Rng`]: random numbers that are the same on every machine, in streams that do not disturb each other.

use crate::Real;
use crate::shape::Shape;
use crate::tensor::Tensor;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, SeedableRng};

/// One stream of random numbers (xoshiro256++, seeded by splitmix64).
///
/// A stream is named by what it is for and counted by when: `Rng::new(seed, "noise", step)`. So a program that
/// resumes at step 1000 continues the very numbers that an unbroken run would have drawn, without saving any state,
/// and one more draw in the data loader changes nothing in the noise.
pub struct Rng {
    source: Xoshiro256PlusPlus,
    /// Normal numbers are born in pairs; this is the second of one.
    spare: Option<f64>,
}

impl Rng {
    pub fn new(seed: u64, purpose: &str, count: u64) -> Rng {
        // FNV-1a over all three; xoshiro's own seeding spreads the bits.
        let bytes = seed.to_le_bytes().into_iter().chain(count.to_le_bytes()).chain(purpose.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
        Rng { source: Xoshiro256PlusPlus::seed_from_u64(hash), spare: None }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.source.next_u64()
    }

    /// Uniform in [0, 1), with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal: mean 0, variance 1.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // Marsaglia's polar method (1964): for a point (u, v) anywhere in the unit disc, at s = u^2 + v^2,
        // u sqrt(-2 ln(s) / s) and the same of v are independent and normal.
        loop {
            let (u, v) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let s = u * u + v * v;
            if 0.0 < s && s < 1.0 {
                let scale = (-2.0 * libm::log(s) / s).sqrt();
                self.spare = Some(v * scale);
                return u * scale;
            }
        }
    }

    /// A whole number in 0..n, every one equally likely.
    ///
    /// # Panics
    /// If n is 0.
    #[track_caller]
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "rng: no whole number lies below 0");
        // Lemire, "Fast random integer generation in an interval" (2019): multiply, and redraw the biased few.
        let n = n as u64;
        loop {
            let wide = u128::from(self.bits()) * u128::from(n);
            if wide as u64 >= n.wrapping_neg() % n {
                return (wide >> 64) as usize;
            }
        }
    }

    /// 0..n in random order (Fisher and Yates).
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }

    /// A tensor of independent standard normal numbers.
    #[track_caller]
    pub fn normal_tensor(&mut self, shape: impl Into<Shape>) -> Tensor {
        Tensor::build(shape, |data| data.iter_mut().for_each(|x| *x = self.normal() as Real))
    }

    /// A tensor of independent numbers, uniform between `low` and `high`.
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
