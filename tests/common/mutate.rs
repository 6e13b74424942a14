//! Damaged inputs, always the same ones.

use rayon::prelude::*;
use tsukuru::random::Rng;

/// Good inputs, and what is written over or into them: magic numbers, huge lengths, pieces of syntax.
pub struct Mutations<'a> {
    pub seeds: &'a [Vec<u8>],
    pub tokens: &'a [&'a [u8]],
}

impl Mutations<'_> {
    /// Calls `test` with `count` damaged inputs, in parallel. The i-th is the same on every machine.
    pub fn each(&self, count: u64, test: impl Fn(Vec<u8>) + Sync) {
        (0..count).into_par_iter().for_each(|i| test(self.mutated(&mut Rng::new(0, "mutations", i))));
    }

    /// A good input with one to four changes.
    fn mutated(&self, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = self.seeds[rng.below(self.seeds.len())].clone();
        for _ in 0..=rng.below(4) {
            let [a, b] = [0; 2].map(|_| rng.below(bytes.len() + 1));
            let range = a.min(b)..a.max(b);
            let token = self.tokens[rng.below(self.tokens.len())];
            match rng.below(12) {
                0..=3 => bytes.iter_mut().skip(a).take(1).for_each(|byte| *byte ^= 1 << rng.below(8)),
                4 | 5 => bytes.iter_mut().skip(a).take(1).for_each(|byte| *byte = rng.bits() as u8),
                6 | 7 => drop(bytes.splice(a..a, token.iter().copied())),
                8 => drop(bytes.splice(a..(a + token.len()).min(bytes.len()), token.iter().copied())),
                9 => bytes.truncate(a),
                10 => {
                    let other = &self.seeds[rng.below(self.seeds.len())];
                    bytes.splice(range, other[rng.below(other.len() + 1)..].iter().copied());
                }
                _ => {
                    let part = bytes[range].to_vec();
                    bytes.splice(b..b, part);
                }
            }
            bytes.truncate(1 << 14);
        }
        bytes
    }
}

/// Peak resident memory of this process in bytes; 0 where the system does not tell.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or(0, |line| 1024 * line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kB"))
}
