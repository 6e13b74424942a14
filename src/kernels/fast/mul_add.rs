//! a b + c, rounded once: the same bits as the fused instruction, where the target has none. (`f32::mul_add` would call a
//! function of the system for each number.)
//!
//! In f64 the product is exact, and the sum is rounded. To round it again, to f32, is right unless it then lies just
//! between two f32, which it may not have done before. That is rare, and takes another way.

/// a b + c
#[inline(always)]
pub fn mul_add(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        return std::array::from_fn(|i| a[i].mul_add(b[i], c[i]));
    }
    let sums: [f64; 4] = std::array::from_fn(|i| f64::from(a[i]) * f64::from(b[i]) + f64::from(c[i]));
    if sums.iter().fold(false, |any, &sum| any | may_be_a_tie(sum)) {
        return by_rounding_to_odd(a, b, c);
    }
    sums.map(|sum| sum as f32)
}

/// Between two f32, the last 29 bits of an f64 are 1 and zeros. Between two denormal ones, others are.
#[inline(always)]
fn may_be_a_tie(sum: f64) -> bool {
    let denormal = (sum.abs() < f64::from(f32::MIN_POSITIVE)) & (sum != 0.0);
    (sum.to_bits() as u32 & 0x1fff_ffff == 0x1000_0000) | denormal
}

/// The sum is rounded to odd (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using
/// rounding to odd", 2008): to the neighbour nearer to zero, and if anything was lost, the last bit is set. So the second
/// rounding meets no tie that there was not.
#[cold]
#[inline(never)]
fn by_rounding_to_odd(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
    std::array::from_fn(|i| {
        let (product, c) = (f64::from(a[i]) * f64::from(b[i]), f64::from(c[i]));
        let sum = product + c;
        // What the sum lost (Knuth's TwoSum); NaN if the sum is not finite.
        let rounded_c = sum - product;
        let lost = (product - (sum - rounded_c)) + (c - rounded_c);
        let toward_zero = u64::from((lost < 0.0) & (sum > 0.0) | (lost > 0.0) & (sum < 0.0));
        let inexact = u64::from((lost < 0.0) | (lost > 0.0));
        f64::from_bits((sum.to_bits() - toward_zero) | inexact) as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    /// Numbers whose products and sums nearly cancel, overflow, lie between two f32 or are denormal.
    #[test]
    fn the_sum_is_rounded_once() {
        let mut rng = Rng::new(0, "test", 0);
        let mut number = || {
            let exponent = [127, 126, 128, 103, 64, 191, 1, 0, 254, 115][rng.below(10)] as u32;
            let kept = [0x7f_ffff, 0x7f_f000, 0x7f_ffff << rng.below(23), 1][rng.below(4)];
            f32::from_bits((rng.bits() as u32 & 0x807f_ffff) & (kept | 1 << 31) | exponent << 23)
        };
        for _ in 0..500_000 {
            let [a, b, other] = [0; 3].map(|_| [0; 4].map(|_| number()));
            let product: [f32; 4] = std::array::from_fn(|i| a[i] * b[i]);
            let smaller = product.map(|x| f32::from_bits(x.to_bits().wrapping_sub(12 << 23)));
            for c in [other, product.map(|x| -x), smaller] {
                for (i, found) in mul_add(a, b, c).into_iter().enumerate() {
                    let (a, b, c, right) = (a[i], b[i], c[i], a[i].mul_add(b[i], c[i]));
                    let same = found.to_bits() == right.to_bits() || found.is_nan() && right.is_nan();
                    assert!(same, "{a:e} {b:e} {c:e}: {found:e}, {right:e}");
                }
            }
        }
        // Just below 2^-150, which is half of the least denormal number.
        let [a, b] = [1.0 + f32::EPSILON, 1.0 - f32::EPSILON].map(|x| x * f32::from_bits((127 - 75) << 23));
        let largest_denormal = f32::from_bits(0x7f_ffff);
        assert_eq!(mul_add([a; 4], [b; 4], [largest_denormal; 4]), [largest_denormal; 4]);
        let zeros = mul_add([0.0, -0.0, 0.0, -0.0], [1.0; 4], [-0.0, -0.0, 0.0, 0.0]);
        assert_eq!(zeros.map(f32::to_bits), [0.0, -0.0, 0.0, 0.0_f32].map(f32::to_bits));
    }
}
