//! The linear maps of Winograd's algorithm, along one axis.
//!
//! To filter is to multiply polynomials, and polynomials of degree below 6 are multiplied number by number once their
//! values at 6 points are known. Here these are 0, p, -p, q, -q and "infinity" (the leading coefficient), with p = 3/4
//! and q = 3/2: all factors below are exact in binary, and the error is a quarter of that with the usual 1 and 2.
//!
//! With N = product over the other finite points of (x - those), an output tile y of 4 from 6 pixels d and weights g is
//!
//! ```text
//! y = A^T (G g . B^T d)     G: 1, x, x^2 at each point x, over N
//!                           B^T: the coefficients of the product over the other points of (t - those)
//!                           A: 1, x, x^2, x^3 at each point x
//! ```
//!
//! A tile of 3 outputs from 5 pixels needs one point less. It leaves -q out and keeps G, so the same weights serve both:
//! its N at x is smaller by the factor x + q, which goes into B^T.

use crate::kernels::fast::simd::Simd;

/// Points along one axis.
pub const POINTS: usize = 6;
/// The point that tiles of 3 do without: -q.
pub const LEFT_OUT: usize = 4;

const P: f32 = 0.75;
const Q: f32 = 1.5;
const P2: f32 = P * P;
const Q2: f32 = Q * Q;
/// 1 / N at 0, at p and -p, at q and -q.
const OVER_N: [f32; 3] = [1.0 / (P2 * Q2), 1.0 / (2.0 * P2 * (P2 - Q2)), 1.0 / (2.0 * Q2 * (Q2 - P2))];

/// A linear map of vectors: each lane is a channel.
pub trait Map<const N: usize, const M: usize> {
    /// Whether it belongs to tiles of 4, which use all points.
    const FOUR: bool;

    /// # Safety
    /// The CPU has the instructions of `S`.
    unsafe fn apply<S: Simd>(x: [S; N]) -> [S; M];
}

/// Applies `Down` to the columns of x, then `Along` to the rows.
///
/// # Safety
/// The CPU has the instructions of `S`.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // i and j are rows and columns
pub unsafe fn both<S: Simd, Down: Map<N, M>, Along: Map<N, M>, const N: usize, const M: usize>(
    x: [[S; N]; N],
) -> [[S; M]; M] {
    // SAFETY: as the caller promises.
    unsafe {
        let zero = S::splat(0.0);
        let mut half = [[zero; N]; M];
        for j in 0..N {
            let mut column = [zero; N];
            for i in 0..N {
                column[i] = x[i][j];
            }
            let column = Down::apply(column);
            for i in 0..M {
                half[i][j] = column[i];
            }
        }
        let mut y = [[zero; M]; M];
        for i in 0..M {
            y[i] = Along::apply(half[i]);
        }
        y
    }
}

/// a x + y
#[inline(always)]
unsafe fn plus<S: Simd>(a: f32, x: S, y: S) -> S {
    unsafe { x.mul_add(S::splat(a), y) }
}

/// a x
#[inline(always)]
unsafe fn times<S: Simd>(a: f32, x: S) -> S {
    unsafe { x.mul_add(S::splat(a), S::splat(0.0)) }
}

/// B^T: from 6 pixels (5, if not FOUR) to points.
pub struct PixelsToPoints<const FOUR: bool>;

impl<const FOUR: bool> Map<6, POINTS> for PixelsToPoints<FOUR> {
    const FOUR: bool = FOUR;

    #[inline(always)]
    unsafe fn apply<S: Simd>(d: [S; 6]) -> [S; POINTS] {
        // SAFETY: as the caller promises.
        unsafe {
            let odd = plus(-P2, d[1], d[3]);
            if FOUR {
                // (t^2 - p^2)(t^2 - q^2), and t (t + x)(t^2 - the other square) for x = p, -p, q, -q
                let (even_p, odd_p) = (plus(-Q2, d[2], d[4]), plus(-Q2, d[1], d[3]));
                let (even_q, odd_q) = (plus(-P2, d[2], d[4]), odd);
                [
                    plus(P2 * Q2, d[0], plus(-(P2 + Q2), d[2], d[4])),
                    plus(P, odd_p, even_p),
                    plus(-P, odd_p, even_p),
                    plus(Q, odd_q, even_q),
                    plus(-Q, odd_q, even_q),
                    plus(P2 * Q2, d[1], plus(-(P2 + Q2), d[3], d[5])),
                ]
            } else {
                // (x + q) times (t^2 - p^2)(t - q), t (t + x)(t - q) for x = p, -p, and t (t^2 - p^2)
                [
                    plus(Q, odd, plus(-Q2, d[2], times(P2 * Q2, d[0]))),
                    plus(Q + P, d[3], plus(P2 - Q2, d[2], times(-P * Q * (Q + P), d[1]))),
                    plus(Q - P, d[3], plus(P2 - Q2, d[2], times(P * Q * (Q - P), d[1]))),
                    times(2.0 * Q, odd),
                    S::splat(0.0),
                    plus(-Q, odd, plus(-P2, d[2], d[4])),
                ]
            }
        }
    }
}

/// A^T: from points to 4 outputs (3, if not FOUR).
pub struct PointsToOutputs<const FOUR: bool>;

impl<const FOUR: bool> Map<POINTS, 4> for PointsToOutputs<FOUR> {
    const FOUR: bool = FOUR;

    #[inline(always)]
    unsafe fn apply<S: Simd>(m: [S; POINTS]) -> [S; 4] {
        // SAFETY: as the caller promises.
        unsafe {
            let (even_p, odd_p) = (m[1].add(m[2]), plus(-1.0, m[2], m[1]));
            let (even_q, odd_q) = if FOUR { (m[3].add(m[4]), plus(-1.0, m[4], m[3])) } else { (m[3], m[3]) };
            let (two, three) = (plus(Q2, even_q, times(P2, even_p)), plus(Q * Q2, odd_q, times(P * P2, odd_p)));
            [
                m[0].add(even_p).add(even_q),
                plus(Q, odd_q, times(P, odd_p)),
                if FOUR { two } else { two.add(m[5]) },
                three.add(m[5]),
            ]
        }
    }
}

/// A, the adjoint of [`PointsToOutputs`].
pub struct OutputsToPoints<const FOUR: bool>;

impl<const FOUR: bool> Map<4, POINTS> for OutputsToPoints<FOUR> {
    const FOUR: bool = FOUR;

    #[inline(always)]
    unsafe fn apply<S: Simd>(y: [S; 4]) -> [S; POINTS] {
        // SAFETY: as the caller promises.
        unsafe {
            let (even_p, even_q) = (plus(P2, y[2], y[0]), plus(Q2, y[2], y[0]));
            let (odd_p, odd_q) = if FOUR { (plus(P2, y[3], y[1]), plus(Q2, y[3], y[1])) } else { (y[1], y[1]) };
            [
                y[0],
                plus(P, odd_p, even_p),
                plus(-P, odd_p, even_p),
                plus(Q, odd_q, even_q),
                plus(-Q, odd_q, even_q),
                if FOUR { y[3] } else { y[2] },
            ]
        }
    }
}

/// G: from 3 weights to points.
pub struct WeightsToPoints;

impl Map<3, POINTS> for WeightsToPoints {
    const FOUR: bool = true;

    #[inline(always)]
    unsafe fn apply<S: Simd>(g: [S; 3]) -> [S; POINTS] {
        // SAFETY: as the caller promises.
        unsafe {
            let (even_p, even_q) = (plus(P2, g[2], g[0]), plus(Q2, g[2], g[0]));
            [
                times(OVER_N[0], g[0]),
                times(OVER_N[1], plus(P, g[1], even_p)),
                times(OVER_N[1], plus(-P, g[1], even_p)),
                times(OVER_N[2], plus(Q, g[1], even_q)),
                times(OVER_N[2], plus(-Q, g[1], even_q)),
                g[2],
            ]
        }
    }
}

/// G^T, the adjoint of [`WeightsToPoints`].
pub struct PointsToWeights;

impl Map<POINTS, 3> for PointsToWeights {
    const FOUR: bool = true;

    #[inline(always)]
    unsafe fn apply<S: Simd>(u: [S; POINTS]) -> [S; 3] {
        // SAFETY: as the caller promises.
        unsafe {
            let (even_p, odd_p) = (times(OVER_N[1], u[1].add(u[2])), times(OVER_N[1], plus(-1.0, u[2], u[1])));
            let (even_q, odd_q) = (times(OVER_N[2], u[3].add(u[4])), times(OVER_N[2], plus(-1.0, u[4], u[3])));
            [
                plus(OVER_N[0], u[0], even_p.add(even_q)),
                plus(Q, odd_q, times(P, odd_p)),
                plus(Q2, even_q, plus(P2, even_p, u[5])),
            ]
        }
    }
}
