//! Where formulas come to their edges (kinks, infinities, NaN, nothing at all): there, too, as PyTorch does it.

use tsukuru::Real;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

const INF: Real = Real::INFINITY;
const NAN: Real = Real::NAN;

/// f(x) and the gradient of its sum are `y` and `gx`; NaN equals NaN.
#[track_caller]
fn check<const N: usize>(f: impl Fn(&Variable) -> Variable, x: [Real; N], y: &[Real], gx: [Real; N]) {
    let x = Variable::parameter(x);
    let result = f(&x);
    assert_same("value", result.value().data(), y);
    result.sum(..).backward();
    assert_same("gradient", x.grad().data(), &gx);
}

#[track_caller]
fn assert_same(what: &str, got: &[Real], want: &[Real]) {
    let same = |(a, b): (&Real, &Real)| a == b || a.is_nan() && b.is_nan();
    assert!(got.len() == want.len() && got.iter().zip(want).all(same), "{what} {got:?}, expected {want:?}");
}

#[test]
fn slopes_at_zero_and_at_nan() {
    let x = [-2.0, 0.0, 1.0, NAN, INF, -INF];
    check(|x| x.leaky_relu(0.25), x, &[-0.5, 0.0, 1.0, NAN, INF, -INF], [0.25, 0.25, 1.0, 0.25, 1.0, 0.25]);
    check(|x| x.abs(), x, &[2.0, 0.0, 1.0, NAN, INF, INF], [-1.0, 0.0, 1.0, 0.0, 1.0, -1.0]);
    check(|x| x.relu(), x, &[0.0, 0.0, 1.0, NAN, INF, 0.0], [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
}

#[test]
fn clamp_lets_gradients_through_strictly_within() {
    let x = [-2.0, -1.0, 0.0, 1.0, 2.0, NAN];
    check(|x| x.clamp(-1.0, 1.0), x, &[-1.0, -1.0, 0.0, 1.0, 1.0, NAN], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    check(|x| x.clamp(1.0, -1.0), x, &[-1.0, -1.0, -1.0, -1.0, -1.0, NAN], [0.0; 6]);
}

#[test]
fn the_softmax_family_at_infinities() {
    for x in [[INF, 0.0], [INF, INF], [-INF, -INF], [NAN, 0.0]] {
        check(|x| x.softmax(0), x, &[NAN; 2], [NAN; 2]);
        check(|x| x.log_softmax(0), x, &[NAN; 2], [NAN; 2]);
    }
    check(|x| x.softmax(0), [-INF, 0.0], &[0.0, 1.0], [0.0, 0.0]);
    check(|x| x.log_softmax(0), [-INF, 0.0], &[-INF, 0.0], [1.0, -1.0]);
    check(|x| x.logsumexp(0), [INF, 0.0], &[INF], [NAN, 0.0]);
    check(|x| x.logsumexp(0), [-INF, -INF], &[-INF], [NAN, NAN]);
    check(|x| x.logsumexp(0), [-INF, 0.0], &[0.0], [0.0, 1.0]);
}

#[test]
fn the_softmax_family_does_not_overflow() {
    check(|x| x.softmax(0), [1000.0, 0.0], &[1.0, 0.0], [0.0, 0.0]);
    check(|x| x.log_softmax(0), [1000.0, 0.0], &[0.0, -1000.0], [-1.0, 1.0]);
    check(|x| x.logsumexp(0), [1000.0, 0.0], &[1000.0], [1.0, 0.0]);
}

#[test]
fn the_softmax_family_of_nothing() {
    for shape in [[2, 0], [0, 3]] {
        let x = Variable::new(Tensor::zeros(shape));
        assert_eq!(x.softmax(1).shape()[..], shape);
        assert_eq!(x.log_softmax(1).shape()[..], shape);
        assert_same("logsumexp", x.logsumexp(1).value().data(), &vec![-INF; shape[0]]);
        assert_eq!(x.logsumexp(..).item(), -INF);
    }
}

/// 1 / k is infinite for the k here, and 1 / 3 is rounded.
#[test]
fn division_by_a_number_is_a_division() {
    let k = Real::MIN_POSITIVE / 8.0;
    check(|x| x / k, [k, 0.0, -3.0 * k], &[1.0, 0.0, -3.0], [INF; 3]);
    check(|x| x / 3.0, [5.0, 7.0, 11.0], &[5.0 / 3.0, 7.0 / 3.0, 11.0 / 3.0], [1.0 / 3.0; 3]);
}

#[test]
fn a_power_of_zero_is_one_everywhere() {
    check(|x| x.pow(0.0), [0.0, 2.0, INF, NAN], &[1.0; 4], [0.0; 4]);
}

#[test]
fn equal_maxima_share_the_gradient() {
    check(|x| x.max(0), [3.0, 1.0, 3.0, -2.0], &[3.0], [0.5, 0.0, 0.5, 0.0]);
    check(|x| x.max(..), [INF, INF], &[INF], [0.5, 0.5]);
}

/// The loss is at most 100, and p (1 - p) at least 1e-12.
#[test]
fn the_cross_entropy_of_a_certain_mistake_is_finite() {
    let t = || Variable::new([1.0, 0.0, 1.0, 0.0]);
    let steep = 0.25 / 1e-12;
    check(|p| p.binary_cross_entropy(&t()), [0.0, 1.0, 1.0, 0.0], &[50.0], [-steep, steep, 0.0, 0.0]);
}
