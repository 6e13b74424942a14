//! How much memory a fit takes. It has a test binary of its own, because the system reports the peak of a whole process.
#![cfg(target_os = "linux")]

use steps::em::{EmOptions, fit_em};
use steps::step03::Matrix;
use tsukuru::random::Rng;

/// Peak resident memory of this process in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    1024 * line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number of kB")
}

#[test]
fn a_fit_takes_no_more_memory_than_its_data() {
    let (n, d, k) = (2_000_000, 2, 8);
    let mut rng = Rng::new(0, "points", 0);
    let mut data = Vec::with_capacity(n * d);
    data.extend((0..n * d).map(|i| rng.normal() + (i % 14) as f64));
    let x = Matrix::from_data(n, d, data);
    let before = peak();
    fit_em(&x, k, &EmOptions { n_init: 1, max_iterations: 2, ..EmOptions::default() }).expect("a fit");
    let (taken, of_data) = (peak() - before, n * d * size_of::<f64>());
    assert!(taken <= of_data, "{taken} bytes beside {of_data} of data");
}
