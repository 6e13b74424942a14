//! All kernels but matmul and convolution against the reference. `KERNELS=avx2` and `KERNELS=portable` test the other
//! instruction sets.
#![cfg(not(feature = "f64"))]

mod attention;
mod elementwise;
mod layer_norm;
mod lookup;
mod norm;
mod reduce;
mod spatial;
mod strided;
mod vmath;

/// Lengths around the width of vectors and lanes, and two for which the work is shared among threads.
const LENGTHS: [usize; 14] = [0, 1, 2, 7, 15, 16, 17, 31, 32, 33, 1009, 1025, 40_009, 200_003];

/// n numbers between -2 and 2, the same at every call with the same seed.
fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 22) as f32 - 2.0
    };
    (0..n).map(|_| next()).collect()
}

/// Numbers among which NaN, infinities, zeros of both signs and equals are frequent.
fn awkward_numbers(n: usize, seed: u64) -> Vec<f32> {
    const SPECIAL: [f32; 8] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1.0, 1e-40, f32::MAX];
    let place = |x: f32| ((x + 2.0) * 1000.0) as usize;
    let pick = |x: f32| if place(x) % 3 == 0 { SPECIAL[place(x) / 3 % 8] } else { x };
    numbers(n, seed).into_iter().map(pick).collect()
}

/// Whether all bits are equal; any NaN equals any other.
fn same_bits(a: &[f32], b: &[f32]) -> bool {
    let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    a.len() == b.len() && a.iter().zip(b).all(same)
}

#[track_caller]
fn assert_same_bits(what: &str, got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len(), "{what}");
    let different = (0..got.len()).find(|&i| !same_bits(&got[i..=i], &want[i..=i]));
    assert!(
        different.is_none(),
        "{what}: place {0:?}: {1:?}, expected {2:?}",
        different,
        different.map(|i| got[i]),
        different.map(|i| want[i])
    );
}

#[track_caller]
fn assert_close(what: &str, got: &[f32], want: &[f32], tolerance: f32) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let close = (got - want).abs() <= tolerance * want.abs().max(1.0);
        assert!(close || got == want || (got.is_nan() && want.is_nan()), "{what}: place {i}: {got}, expected {want}");
    }
}

/// Runs `write` on a result of n numbers that hold something else at first.
fn result(n: usize, write: impl FnOnce(&mut [f32])) -> Vec<f32> {
    let mut y = vec![123.0; n];
    write(&mut y);
    y
}

/// What `run` gives on one thread, after checking that it gives the same bits on two and on five.
#[track_caller]
fn on_any_threads(run: impl Fn() -> Vec<f32> + Sync) -> Vec<f32> {
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&run);
    let alone = on(1);
    assert!([2, 5].iter().all(|&threads| same_bits(&alone, &on(threads))), "other bits on other numbers of threads");
    alone
}

/// All of these tests once more with the other instruction sets.
#[test]
fn with_the_other_instruction_sets() {
    if std::env::var_os("KERNELS").is_some() {
        return;
    }
    let names = ["portable", "avx2"].into_iter();
    #[cfg(target_arch = "x86_64")]
    let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let has_avx2 = false;
    for name in names.filter(|&name| name == "portable" || has_avx2) {
        let tests = std::env::current_exe().unwrap();
        let output = std::process::Command::new(tests).env("KERNELS", name).output().unwrap();
        assert!(output.status.success(), "KERNELS={name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
