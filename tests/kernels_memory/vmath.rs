use super::*;
use tsukuru::kernels::{self, Implementation, Unary};

/// Measures every 997th f32 of all, which is a few seconds' work, against f64.
fn sweep(op: Unary, exact: fn(f64) -> f64) {
    if kernels::implementation() == Implementation::Reference {
        return; // it is less exact: a sigmoid loses what 1 + e^-x rounds away
    }
    const STEP: usize = 1 << 16;
    let mut worst = (0.0, 0.0f32);
    let bits: Vec<u32> = (0..u32::MAX).step_by(997).collect();
    for bits in bits.chunks(STEP) {
        let x: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits)).collect();
        let y = result(x.len(), |y| kernels::map(op, &x, y));
        for (&x, &y) in x.iter().zip(&y) {
            let want = exact(f64::from(x));
            if want.is_nan() || (want as f32).is_infinite() {
                assert!(
                    y.is_nan() == want.is_nan() && (want.is_nan() || y == want as f32),
                    "{op:?} of {x:e}: {y:e}, expected {want:e}"
                );
                continue;
            }
            let error = (f64::from(y) - want).abs() / unit(want);
            assert!(!error.is_nan(), "{op:?} of {x:e}: {y:e}, expected {want:e}");
            worst = if error > worst.0 { (error, x) } else { worst };
        }
    }
    println!("{op:?}: at most {:.2} units in the last place, at {:e}", worst.0, worst.1);
    assert!(worst.0 <= 2.0, "{op:?}: {:.2} units in the last place at {:e}", worst.0, worst.1);
}

/// The distance from y, rounded to f32, to the next smaller f32.
fn unit(y: f64) -> f64 {
    let y = (y.abs() as f32).max(2.0 * f32::MIN_POSITIVE);
    f64::from(y) - f64::from(y.next_down())
}

#[test]
fn exp_is_right_everywhere() {
    sweep(Unary::Exp, libm::exp);
}

#[test]
fn ln_is_right_everywhere() {
    sweep(Unary::Ln, libm::log);
}

#[test]
fn tanh_is_right_everywhere() {
    sweep(Unary::Tanh, libm::tanh);
}

#[test]
fn sigmoid_is_right_everywhere() {
    sweep(Unary::Sigmoid, |x| 1.0 / (1.0 + libm::exp(-x)));
}

#[test]
fn erf_is_right_everywhere() {
    sweep(Unary::Erf, libm::erf);
}

#[test]
fn special_numbers() {
    let of = |op, x: f32| result(1, |y| kernels::map(op, &[x], y))[0];
    let (inf, tiny) = (f32::INFINITY, f32::from_bits(1));
    for (op, x, want) in [
        (Unary::Exp, inf, inf),
        (Unary::Exp, -inf, 0.0),
        (Unary::Exp, 0.0, 1.0),
        (Unary::Exp, 88.722_84, inf),
        (Unary::Exp, -103.97, tiny),
        (Unary::Exp, -104.0, 0.0),
        (Unary::Exp, f32::MAX, inf),
        (Unary::Exp, f32::MIN, 0.0),
        (Unary::Ln, 0.0, -inf),
        (Unary::Ln, -0.0, -inf),
        (Unary::Ln, inf, inf),
        (Unary::Ln, 1.0, 0.0),
        (Unary::Ln, tiny, -103.278_93),
        (Unary::Ln, -1.0, f32::NAN),
        (Unary::Ln, -inf, f32::NAN),
        (Unary::Tanh, inf, 1.0),
        (Unary::Tanh, -inf, -1.0),
        (Unary::Tanh, -0.0, -0.0),
        (Unary::Tanh, tiny, tiny),
        (Unary::Sigmoid, inf, 1.0),
        (Unary::Sigmoid, -inf, 0.0),
        (Unary::Sigmoid, 0.0, 0.5),
        (Unary::Erf, inf, 1.0),
        (Unary::Erf, -inf, -1.0),
        (Unary::Erf, -0.0, -0.0),
        (Unary::Silu, inf, inf),
        (Unary::Silu, f32::MIN, -0.0),
        (Unary::Gelu, inf, inf),
        (Unary::Gelu, f32::MIN, -0.0),
    ] {
        assert_same_bits(&format!("{op:?} of {x:e}"), &[of(op, x)], &[want]);
    }
    for op in [Unary::Exp, Unary::Ln, Unary::Tanh, Unary::Sigmoid, Unary::Erf, Unary::Silu, Unary::Gelu] {
        assert!(of(op, f32::NAN).is_nan(), "{op:?}");
    }
}
