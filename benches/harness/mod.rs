//! A small harness for timings: what this machine can do is measured first, then each piece of work beside it.
//!
//! ```text
//! cargo bench --bench matmul -- 1024 --quick --json times.json
//! ```
//!
//! A word keeps only the names that contain it, or with `--exact` the one name that it is. The clock rate of a shared
//! machine may drop to half at any moment, so each repetition stands between two short probes of the multiply-add
//! rate; what ran slowed down is repeated up to as often again, and dropped if enough did not. Fresh memory is counted
//! per run too: pages that the system had to give, and buffers that the pool did not have.

#[allow(dead_code)] // no bench times all of them
pub mod kernels;

use rayon::prelude::*;
use std::hint::black_box;
use std::time::Instant;
use tsukuru::Real;
use tsukuru::pool::statistics;
use tsukuru::profile::profiled;

pub struct Harness {
    words: Vec<String>,
    exact: bool,
    json: Option<String>,
    quick: bool,
    profile: bool,
    /// Multiply-adds per second, times two, of all threads.
    peak: f64,
    /// Bytes per second that a copy reads and writes.
    bandwidth: f64,
    results: Vec<serde_json::Value>,
}

impl Harness {
    pub fn new() -> Harness {
        tsukuru::threads::start(None).expect("nothing has calculated yet");
        let (mut words, mut json) = (Vec::new(), None);
        let (mut exact, mut quick, mut profile) = (false, false, false);
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            match &arg[..] {
                "--bench" => {} // cargo says so
                "--exact" => exact = true,
                "--quick" => quick = true,
                "--profile" => profile = true,
                "--json" => json = Some(args.next().expect("--json needs a file")),
                word if !word.starts_with('-') => words.push(arg),
                _ => panic!("{arg} is unknown: expected words, --exact, --quick, --profile or --json FILE"),
            }
        }
        let best = |f: &dyn Fn() -> f64| (0..if quick { 3 } else { 15 }).map(|_| f()).fold(0.0, f64::max);
        let (peak, bandwidth) = (best(&multiply_add_rate), best(&copy_rate));
        println!(
            "{} threads: multiply-add {:.0} GFLOP/s, copy {:.1} GB/s",
            rayon::current_num_threads(),
            peak / 1e9,
            bandwidth / 1e9
        );
        println!(
            "{:<36} {:>11} {:>11} {:>14} {:>6} {:>9} {:>8} {:>7}",
            "", "median", "best", "rate", "share", "dropped", "faults", "misses"
        );
        Harness { words, exact, json, quick, profile, peak, bandwidth, results: Vec::new() }
    }

    /// Whether `name` is selected. (What a bench needs may be expensive to make.)
    pub fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name == word || !self.exact && name.contains(&word[..]))
    }

    /// Times `run`, which does so many floating-point operations (a multiply-add is two), for about a second.
    pub fn time(&mut self, name: &str, flops: f64, mut run: impl FnMut()) {
        if !self.wants(name) {
            return;
        }
        run();
        let begin = Instant::now();
        run();
        let once = begin.elapsed().as_secs_f64();
        // Short work is repeated between two looks at the clock.
        let batch = (2e-4 / once).ceil().clamp(1.0, 1e4) as usize;
        let repeats = if self.quick { 3 } else { (1.0 / (once * batch as f64 + 1.2e-3)).clamp(9.0, 60.0) as usize };
        let (mut kept, mut slowed) = (Vec::new(), Vec::new());
        let (faults, misses) = (page_faults(), statistics().misses);
        let mut before = multiply_add_rate();
        while kept.len() < repeats && kept.len() + slowed.len() < 2 * repeats {
            let begin = Instant::now();
            (0..batch).for_each(|_| run());
            let time = begin.elapsed().as_secs_f64() / batch as f64;
            let after = multiply_add_rate();
            if before.min(after) < 0.85 * self.peak { &mut slowed } else { &mut kept }.push(time);
            before = after;
        }
        let all = kept.len() + slowed.len();
        let per_run = |count: u64| count as f64 / (all * batch) as f64;
        let (faults, misses) = (per_run(page_faults() - faults), per_run(statistics().misses - misses));
        let mut times = if kept.len() >= 3 { kept } else { [kept, slowed].concat() };
        times.sort_by(f64::total_cmp);
        let (median, min, max) = (times[times.len() / 2], times[0], times[times.len() - 1]);
        let (rate, share) = (format!("{:.1} GFLOP/s", flops / median / 1e9), flops / median / self.peak);
        println!(
            "{name:<36} {:>8.3} ms {:>8.3} ms {rate:>14} {:>5.0}% {:>9} {faults:>8.1} {misses:>7.1}",
            median * 1e3,
            min * 1e3,
            share * 100.0,
            format!("{}/{all}", all - times.len()),
        );
        self.results.push(serde_json::json!({
            "name": name, "median_s": median, "min_s": min, "max_s": max, "repeats": all, "dropped": all - times.len(),
            "share_of_peak": share, "peak_gflops": self.peak / 1e9, "page_faults": faults, "pool_misses": misses,
        }));
    }
}

#[allow(dead_code)] // not every bench has a profile
impl Harness {
    /// With `--profile`, runs `work` once more and tells what each kind of operation took, and its rate beside that of
    /// this machine.
    pub fn profile(&self, work: impl FnOnce()) {
        if !self.profile {
            return;
        }
        let ((), costs) = profiled(work);
        let all: f64 = costs.iter().map(|cost| cost.time.as_secs_f64()).sum();
        println!(
            "{:<36} {:>5} {:>11} {:>6} {:>22} {:>18}",
            "operation", "count", "time", "share", "of peak", "of copying"
        );
        for cost in costs.iter().filter(|cost| cost.time.as_secs_f64() > 1e-3 * all) {
            let time = cost.time.as_secs_f64();
            let (flops, bytes) = (cost.flops / time, (size_of::<Real>() * cost.numbers) as f64 / time);
            print!("{:<36} {:>5} {:>8.3} ms {:>5.1}%", cost.name, cost.count, time * 1e3, 100.0 * time / all);
            match cost.flops > 0.0 {
                true => print!(" {:>9.1} GFLOP/s {:>3.0}%", flops / 1e9, 100.0 * flops / self.peak),
                false => print!("{:23}", ""),
            }
            println!(" {:>8.1} GB/s {:>3.0}%", bytes / 1e9, 100.0 * bytes / self.bandwidth);
        }
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        if let Some(file) = &self.json {
            let text = serde_json::to_string_pretty(&self.results).expect("plain numbers");
            std::fs::write(file, text + "\n").unwrap_or_else(|error| panic!("{file}: {error}"));
        }
    }
}

/// Pages that this process has asked for since it began, where the system tells: without reading from a disk.
fn page_faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in parentheses, may hold spaces; the faults are the eighth number after it.
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(7)?.parse().ok()).unwrap_or(0)
}

/// Floating-point operations per second of all threads on registers alone, over about a millisecond.
fn multiply_add_rate() -> f64 {
    const ROUNDS: usize = 300_000;
    let begin = Instant::now();
    let flops: f64 = rayon::broadcast(|_| multiply_adds(ROUNDS)).into_iter().sum();
    flops / begin.elapsed().as_secs_f64()
}

/// Multiply-adds on registers, as many as their latency takes to hide; returns the number of operations.
fn multiply_adds(rounds: usize) -> f64 {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        #[target_feature(enable = "avx512f")]
        fn avx512(rounds: usize) -> f64 {
            let (a, b) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(1e-3)));
            let mut sums = [a; 14];
            for _ in 0..rounds {
                for sum in &mut sums {
                    *sum = _mm512_fmadd_ps(*sum, a, b);
                }
            }
            black_box(sums);
            (rounds * 14 * 16 * 2) as f64
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2(rounds: usize) -> f64 {
            let (a, b) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(black_box(1e-3)));
            let mut sums = [a; 12];
            for _ in 0..rounds {
                for sum in &mut sums {
                    *sum = _mm256_fmadd_ps(*sum, a, b);
                }
            }
            black_box(sums);
            (rounds * 12 * 8 * 2) as f64
        }
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the CPU has AVX-512, as just asked.
            return unsafe { avx512(rounds) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the CPU has AVX2 and FMA, as just asked.
            return unsafe { avx2(rounds) };
        }
    }
    let (a, b) = (black_box(0.999f32), black_box(1e-3f32));
    let mut sums = [a; 32];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = *sum * a + b;
        }
    }
    black_box(sums);
    (rounds * 32 * 2) as f64
}

/// Bytes per second read and written by copying 64 MB with all threads.
fn copy_rate() -> f64 {
    use std::sync::OnceLock;
    static FROM: OnceLock<Vec<f32>> = OnceLock::new();
    thread_local!(static TO: std::cell::RefCell<Vec<f32>> = const { std::cell::RefCell::new(Vec::new()) });
    let from = FROM.get_or_init(|| vec![1.0; 16 << 20]);
    TO.with_borrow_mut(|to| {
        to.resize(from.len(), 0.0);
        let begin = Instant::now();
        let part = from.len().div_ceil(4 * rayon::current_num_threads());
        to.par_chunks_mut(part).zip(from.par_chunks(part)).for_each(|(to, from)| to.copy_from_slice(from));
        black_box(&to);
        2.0 * size_of_val(&from[..]) as f64 / begin.elapsed().as_secs_f64()
    })
}
