use super::*;
use tsukuru::kernels::{self, Axes, reference};
use tsukuru::shape::Shape;

fn check(shape: &[usize]) {
    let shape = Shape::new(shape);
    let (x, awkward) = (numbers(shape.count(), 7), awkward_numbers(shape.count(), 8));
    for subset in 0..1 << shape.len() {
        let over: Axes = std::array::from_fn(|axis| subset >> axis & 1 == 1);
        let count = (0..shape.len()).filter(|&axis| !over[axis]).map(|axis| shape[axis]).product();
        let what = format!("of {shape} over {over:?}");
        let want = result(count, |y| reference::sum(&x, &shape, over, y));
        let got = on_any_threads(|| result(count, |y| kernels::sum(&x, &shape, over, y)));
        assert_close(&format!("sum {what}"), &got, &want, 2e-7);
        for x in [&x, &awkward] {
            let want = result(count, |y| reference::max(x, &shape, over, y));
            let got = on_any_threads(|| result(count, |y| kernels::max(x, &shape, over, y)));
            assert_close(&format!("max {what}"), &got, &want, 0.0); // 0 and -0 are equally large
        }
    }
}

#[test]
fn every_subset_of_small_axes() {
    for shape in [&[][..], &[1], &[5], &[3, 4], &[1, 7, 1], &[2, 0, 3], &[3, 1, 4], &[2, 3, 2, 4, 3, 5]] {
        check(shape);
    }
}

#[test]
fn all_lengths() {
    for n in LENGTHS {
        check(&[n]);
    }
}

#[test]
fn large_enough_for_threads() {
    for shape in [
        &[128, 784][..],
        &[17, 13, 28, 28],
        &[3, 70_001],
        &[70_001, 3],
        &[2, 3, 40_009],
        &[601, 7, 41],
        &[3, 301, 7, 29],
    ] {
        check(shape);
    }
}

/// A long sum of numbers that rounding in f32 would lose.
#[test]
fn long_sums_are_exact() {
    let n = 3_000_001;
    let x = vec![0.1f32; n];
    let y = result(1, |y| kernels::sum(&x, &Shape::new(&[n]), [true; 6], y));
    assert_eq!(y[0], (f64::from(0.1f32) * n as f64) as f32);
}

#[test]
fn nothing_sums_to_zero() {
    let shape = Shape::new(&[3, 0]);
    assert_eq!(result(3, |y| kernels::sum(&[], &shape, [false, true, false, false, false, false], y)), [0.0; 3]);
}
