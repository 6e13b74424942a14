//! e^x for x <= 0 without a branch or a table, so that a loop over it becomes vector instructions.
//!
//! Its relative difference from `libm::exp`, which computes one number at a time, is at most 3e-16. From -708 down,
//! where e^x is about to leave the range of normal numbers, it is 0.

/// 1/n! for n = 13, ..., 2.
const SERIES: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
];
const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000); // 33 bits: times an exponent it is exact
const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76); // ln 2 - LN2_HIGH

/// e^x for x <= 0, and 0 for NaN.
#[inline(always)]
pub fn exp_nonpositive(x: f64) -> f64 {
    // e^x = 2^k e^r with k = round(x / ln 2) and |r| <= ln 2 / 2. Adding 1.5 * 2^52 to a number rounds it to an integer,
    // which then stands in the lowest bits of the sum.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    // e^r = 1 + r + r^2 (1/2! + r/3! + ... + r^11/13!); the first term left out, r^14/14!, is below 5e-18
    let series = SERIES.iter().fold(0.0, |sum, coefficient| sum * r + coefficient);
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52); // 2^k
    let y = (1.0 + (r + r * r * series)) * power;
    if x > -708.0 { y } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::exp_nonpositive;

    #[test]
    fn it_agrees_with_libm() {
        for i in 0..=707_000 {
            let x = -f64::from(i) * 0.001_000_7;
            let (ours, theirs) = (exp_nonpositive(x), libm::exp(x));
            assert!(x < -707.9 || (ours - theirs).abs() <= 3e-16 * theirs, "e^{x}: {ours:e}, libm {theirs:e}");
        }
        assert_eq!(exp_nonpositive(0.0), 1.0);
        assert_eq!(exp_nonpositive(-708.0), 0.0);
        assert_eq!(exp_nonpositive(f64::MIN), 0.0);
        assert_eq!(exp_nonpositive(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp_nonpositive(f64::NAN), 0.0);
    }
}
