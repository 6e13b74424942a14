//! exp, ln, tanh, sigmoid and erf without a branch or a table, so that a loop over them becomes vector instructions.
//!
//! Every path is calculated and one is selected at the end. A power of two is made from the bits of its exponent.
//! exp and ln are the formulas of FreeBSD's `expf` and `logf`, which `libm` has, too; tanh is that of Cephes. At most
//! 2 units in the last place are wrong, at every 997th f32 (tests/kernels_memory/vmath.rs). One core with AVX-512 takes
//! 0.5 (exp), 0.6 (ln), 0.8 (tanh) and 0.9 ns (sigmoid) per number.
//!
//! No `mul_add`: where the CPU lacks the instruction it is slow.

const LN2_HIGH: f32 = f32::from_bits(0x3f31_7200); // 15 bits: times an exponent it is exact
const LN2_LOW: f32 = f32::from_bits(0x35bf_be8e); // ln 2 - LN2_HIGH

/// 1.5 * 2^23. Added to it, a number loses its fraction, and its integer part stands in the lowest bits.
const MAGIC: f32 = 12_582_912.0;

/// 2^k for -126 <= k <= 127.
#[inline(always)]
fn power_of_two(k: i32) -> f32 {
    f32::from_bits((k.wrapping_add(127) as u32) << 23)
}

/// e^x
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let (t, factors) = exp_parts(x);
    (1.0 + t) * factors[0] * factors[1]
}

/// e^x = 2^k e^r with k = round(x / ln 2) and |r| <= ln 2 / 2, as e^r - 1 and two factors of 2^k.
#[inline(always)]
fn exp_parts(x: f32) -> (f32, [f32; 2]) {
    // Beyond these bounds the result is infinity or 0 anyway; NaN passes both comparisons.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + MAGIC;
    let (k, whole) = (shifted.to_bits().wrapping_sub(MAGIC.to_bits()) as i32, shifted - MAGIC);
    let (high, low) = (x - whole * LN2_HIGH, whole * LN2_LOW);
    // With c = r - r^2 P(r^2): e^r = 1 + r + r c / (2 - c)
    let r = high - low;
    let rr = r * r;
    let c = r - rr * (1.666_662_5e-1 + rr * -2.766_733_3e-3);
    let t = r * c / (2.0 - c) - low + high;
    // Two factors, because k runs from -150 (a denormal result) to 128 (infinity).
    let half = k >> 1;
    (t, [power_of_two(half), power_of_two(k.wrapping_sub(half))])
}

/// e^x for x <= 0, and 0 for x < -86.6, where it is below 3e-38: what a softmax needs, and erf. There is no division, e^r being a
/// polynomial, and one factor of 2^k is enough.
#[inline(always)]
pub fn exp_of_negative(x: f32) -> f32 {
    let shifted = x * std::f32::consts::LOG2_E + MAGIC;
    let (k, whole) = (shifted.to_bits().wrapping_sub(MAGIC.to_bits()) as i32, shifted - MAGIC);
    let r = x - whole * LN2_HIGH - whole * LN2_LOW;
    let p = ((1.381_446_7e-3 * r + 8.368_78e-3) * r + 4.166_839_4e-2) * r + 1.666_652e-1;
    let y = (p * r + 0.5) * (r * r) + r + 1.0;
    // A mask: an `if` around numbers may become a branch, and then nothing is vectorised.
    let kept = if x < -86.6 { 0 } else { u32::MAX };
    f32::from_bits((y * power_of_two(k)).to_bits() & kept)
}

/// ln x = k ln 2 + ln m with x = 2^k m and sqrt(1/2) <= m < sqrt(2).
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    // A denormal number is made larger first.
    let tiny = x < f32::MIN_POSITIVE;
    let bits = (if tiny { x * 8_388_608.0 } else { x }).to_bits();
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let k = (bits.wrapping_sub(SQRT_HALF) as i32) >> 23;
    let f = f32::from_bits(bits.wrapping_sub((k as u32) << 23)) - 1.0;
    let k = k as f32 - if tiny { 23.0 } else { 0.0 };
    // With s = f / (2 + f): ln(1 + f) = 2 s + 2/3 s^3 + 2/5 s^5 + ..
    let s = f / (2.0 + f);
    let (z, half_square) = (s * s, 0.5 * f * f);
    let w = z * z;
    let odd = w * (0.400_009_72 + w * 0.242_790_79);
    let even = z * (0.666_666_6 + w * 0.284_987_87);
    let y = s * (half_square + (even + odd)) + k * LN2_LOW - half_square + f + k * LN2_HIGH;
    let y = if x < f32::INFINITY { y } else { x }; // infinity and NaN
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x < 0.0 { f32::NAN } else { y }
}

/// A polynomial near 0, where 1 - 2 / (e^2x + 1) would cancel.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let (a, z) = (x.abs(), x * x);
    let p = -5.704_988_7e-3 * z + 2.063_909e-2;
    let p = ((p * z - 5.373_971_5e-2) * z + 1.333_144_2e-1) * z - 3.333_328e-1;
    let small = p * z * a + a;
    let large = 1.0 - 2.0 / (exp(2.0 * a) + 1.0);
    (if a < 0.625 { small } else { large }).copysign(x)
}

/// With e = e^-|x|, which cannot overflow: 1 / (1 + e) for x >= 0 and e / (1 + e) for x < 0.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let (t, factors) = exp_parts(-x.abs());
    let y = 1.0 + t;
    let lost = t - (y - 1.0); // what rounding took from 1 + t
    let [e, lost] = [y, lost].map(|y| y * factors[0] * factors[1]);
    let s = (if x < 0.0 { e } else { 1.0 }) / (1.0 + e);
    // d(e / (1 + e)) = de / (1 + e)^2 = de (1 - s)^2
    let correction = lost * (1.0 - s) * (1.0 - s);
    if x < 0.0 { s + correction } else { s }
}

/// Near 0 it is x times a polynomial in x^2, and further out 1 - e^-q for a polynomial q in |x|, both with coefficients that
/// make the largest error small.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let (a, z) = (x.abs(), x * x);
    let p = (-6.111_294e-4 * z + 5.016_229e-3) * z - 2.678_195_7e-2;
    let p = ((p * z + 1.128_223e-1) * z - 3.761_253e-1) * z;
    let small = (p + 1.283_791_5e-1) * a + a;
    let a = if a > 4.0 { 4.0 } else { a }; // erf 4 is 1 in f32; NaN passes
    let q = ((-1.971_816_5e-4 * a + 3.055_607e-3) * a - 2.227_708_4e-2) * a + 1.040_373_5e-1;
    let q = ((q * a + 6.370_597_6e-1) * a + 1.127_749_6) * a + 1.774_954_8e-4;
    let large = 1.0 - exp_of_negative(-q);
    (if a < 0.9 { small } else { large }).copysign(x)
}

/// P(N(0, 1) <= x)
#[inline(always)]
fn normal_cdf(x: f32) -> f32 {
    0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// x P(N(0, 1) <= x)
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    x * normal_cdf(x)
}

/// gy times the derivative of [`gelu`] at x.
#[inline(always)]
pub fn gelu_dx(gy: f32, x: f32) -> f32 {
    const PEAK: f32 = 0.398_942_3; // of N(0, 1): 1 / sqrt(2 pi)
    gy * (normal_cdf(x) + x * (PEAK * exp_of_negative(-0.5 * x * x)))
}

/// gy times the derivative of x sigmoid(x) at x.
#[inline(always)]
pub fn silu_dx(gy: f32, x: f32) -> f32 {
    let s = sigmoid(x);
    gy * (s + x * s * (1.0 - s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exp_of_a_softmax_is_right_below_zero() {
        for x in (0..900_000).map(|i| i as f32 * -1e-4) {
            let (y, want) = (f64::from(exp_of_negative(x)), libm::exp(f64::from(x)));
            let want = if x < -86.6 { 0.0 } else { want };
            assert!((y - want).abs() <= 1.5 * f64::from(f32::EPSILON) * want, "e^{x}: {y:e}, expected {want:e}");
        }
        assert_eq!((exp_of_negative(0.0), exp_of_negative(f32::NEG_INFINITY)), (1.0, 0.0));
        assert!(exp_of_negative(f32::NAN).is_nan());
    }
}
