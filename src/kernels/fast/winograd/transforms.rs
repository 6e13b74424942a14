//! The linear maps of Winograd's algorithm along one axis: B^T, A^T and G, and the adjoints A and G^T that the gradient in
//! w takes.
//!
//! Polynomials of degree below 6 are multiplied number by number once their values at 6 points are known. Here these are
//! 0, p, -p, q, -q and "infinity" (the leading coefficient), with p = 3/4 and q = 3/2, whose powers are exact in
//! binary. With N = product over the other finite points of (x - those), an output tile y of 4 from 6 pixels d and a filter
//! g of 3 is
//!
//! ```text
//! y = A^T (G g . B^T d)     G: 1, x, x^2 at each point x, over N
//!                           B^T: the coefficients of the product over the other points of (t - those)
//!                           A: 1, x, x^2, x^3 at each point x
//! ```
//!
//! ```text
//!       p^2 q^2    0      -(p^2+q^2)    0        1   0           1/(p^2 q^2) [1  0  0 ]          1  1   1   1   1   0
//!         0     -p q^2      -q^2        p        1   0           n_p [1  p  p^2]                 0  p  -p   q  -q   0
//! B^T =   0      p q^2      -q^2       -p        1   0     G =   n_p [1 -p  p^2]         A^T =   0 p^2 p^2 q^2 q^2  0
//!         0     -q p^2      -p^2        q        1   0           n_q [1  q  q^2]                 0 p^3 -p^3 q^3 -q^3 1
//!         0      q p^2      -p^2       -q        1   0           n_q [1 -q  q^2]
//!         0     p^2 q^2       0     -(p^2+q^2)   0   1               [0  0  1 ]
//!
//! n_p = 1 / (2 p^2 (p^2 - q^2)),  n_q = 1 / (2 q^2 (q^2 - p^2))
//! ```
//!
//! A tile of 3 outputs from 5 pixels needs one point less. It leaves -q out and keeps G, so the same U serves both: its N
//! at x is smaller by the factor x + q, which goes into B^T.

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
pub trait Transform<const N: usize, const M: usize> {
    /// Whether it belongs to tiles of 4, which use all points.
    const FOUR: bool;

    fn apply<S: Simd>(simd: S, x: [S::Vector; N]) -> [S::Vector; M];
}

/// Applies `Down` to the columns of x, then `Along` to the rows.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // i and j are rows and columns
pub fn transform_2d<S: Simd, Down: Transform<N, M>, Along: Transform<N, M>, const N: usize, const M: usize>(
    simd: S,
    x: [[S::Vector; N]; N],
) -> [[S::Vector; M]; M] {
    let zero = simd.splat(0.0);
    let mut half = [[zero; N]; M];
    for j in 0..N {
        let mut column = [zero; N];
        for i in 0..N {
            column[i] = x[i][j];
        }
        let column = Down::apply(simd, column);
        for i in 0..M {
            half[i][j] = column[i];
        }
    }
    let mut y = [[zero; M]; M];
    for i in 0..M {
        y[i] = Along::apply(simd, half[i]);
    }
    y
}

/// B^T: from 6 pixels (5, if not FOUR) to points.
pub struct InputTransform<const FOUR: bool>;

impl<const FOUR: bool> Transform<6, POINTS> for InputTransform<FOUR> {
    const FOUR: bool = FOUR;

    #[inline(always)]
    fn apply<S: Simd>(simd: S, d: [S::Vector; 6]) -> [S::Vector; POINTS] {
        let odd = simd.axpy(-P2, d[1], d[3]);
        if FOUR {
            // (t^2 - p^2)(t^2 - q^2), and t (t + x)(t^2 - the other square) for x = p, -p, q, -q
            let (even_p, odd_p) = (simd.axpy(-Q2, d[2], d[4]), simd.axpy(-Q2, d[1], d[3]));
            let (even_q, odd_q) = (simd.axpy(-P2, d[2], d[4]), odd);
            [
                simd.axpy(P2 * Q2, d[0], simd.axpy(-(P2 + Q2), d[2], d[4])),
                simd.axpy(P, odd_p, even_p),
                simd.axpy(-P, odd_p, even_p),
                simd.axpy(Q, odd_q, even_q),
                simd.axpy(-Q, odd_q, even_q),
                simd.axpy(P2 * Q2, d[1], simd.axpy(-(P2 + Q2), d[3], d[5])),
            ]
        } else {
            // (x + q) times (t^2 - p^2)(t - q), t (t + x)(t - q) for x = p, -p, and t (t^2 - p^2)
            [
                simd.axpy(Q, odd, simd.axpy(-Q2, d[2], simd.scale(P2 * Q2, d[0]))),
                simd.axpy(Q + P, d[3], simd.axpy(P2 - Q2, d[2], simd.scale(-P * Q * (Q + P), d[1]))),
                simd.axpy(Q - P, d[3], simd.axpy(P2 - Q2, d[2], simd.scale(P * Q * (Q - P), d[1]))),
                simd.scale(2.0 * Q, odd),
                simd.splat(0.0),
                simd.axpy(-Q, odd, simd.axpy(-P2, d[2], d[4])),
            ]
        }
    }
}

/// A^T: from points to 4 outputs (3, if not FOUR).
pub struct OutputTransform<const FOUR: bool>;

impl<const FOUR: bool> Transform<POINTS, 4> for OutputTransform<FOUR> {
    const FOUR: bool = FOUR;

    #[inline(always)]
    fn apply<S: Simd>(simd: S, m: [S::Vector; POINTS]) -> [S::Vector; 4] {
        let (even_p, odd_p) = (simd.add(m[1], m[2]), simd.axpy(-1.0, m[2], m[1]));
        let (even_q, odd_q) = if FOUR { (simd.add(m[3], m[4]), simd.axpy(-1.0, m[4], m[3])) } else { (m[3], m[3]) };
        let (two, three) =
            (simd.axpy(Q2, even_q, simd.scale(P2, even_p)), simd.axpy(Q * Q2, odd_q, simd.scale(P * P2, odd_p)));
        [
            simd.add(simd.add(m[0], even_p), even_q),
            simd.axpy(Q, odd_q, simd.scale(P, odd_p)),
            if FOUR { two } else { simd.add(two, m[5]) },
            simd.add(three, m[5]),
        ]
    }
}

/// A, the adjoint of [`OutputTransform`].
pub struct OutputAdjoint<const FOUR: bool>;

impl<const FOUR: bool> Transform<4, POINTS> for OutputAdjoint<FOUR> {
    const FOUR: bool = FOUR;

    #[inline(always)]
    fn apply<S: Simd>(simd: S, y: [S::Vector; 4]) -> [S::Vector; POINTS] {
        let (even_p, even_q) = (simd.axpy(P2, y[2], y[0]), simd.axpy(Q2, y[2], y[0]));
        let (odd_p, odd_q) = if FOUR { (simd.axpy(P2, y[3], y[1]), simd.axpy(Q2, y[3], y[1])) } else { (y[1], y[1]) };
        [
            y[0],
            simd.axpy(P, odd_p, even_p),
            simd.axpy(-P, odd_p, even_p),
            simd.axpy(Q, odd_q, even_q),
            simd.axpy(-Q, odd_q, even_q),
            if FOUR { y[3] } else { y[2] },
        ]
    }
}

/// G: from 3 weights to points.
pub struct FilterTransform;

impl Transform<3, POINTS> for FilterTransform {
    const FOUR: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(simd: S, g: [S::Vector; 3]) -> [S::Vector; POINTS] {
        let (even_p, even_q) = (simd.axpy(P2, g[2], g[0]), simd.axpy(Q2, g[2], g[0]));
        [
            simd.scale(OVER_N[0], g[0]),
            simd.scale(OVER_N[1], simd.axpy(P, g[1], even_p)),
            simd.scale(OVER_N[1], simd.axpy(-P, g[1], even_p)),
            simd.scale(OVER_N[2], simd.axpy(Q, g[1], even_q)),
            simd.scale(OVER_N[2], simd.axpy(-Q, g[1], even_q)),
            g[2],
        ]
    }
}

/// G^T, the adjoint of [`FilterTransform`].
pub struct FilterAdjoint;

impl Transform<POINTS, 3> for FilterAdjoint {
    const FOUR: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(simd: S, u: [S::Vector; POINTS]) -> [S::Vector; 3] {
        let (even_p, odd_p) =
            (simd.scale(OVER_N[1], simd.add(u[1], u[2])), simd.scale(OVER_N[1], simd.axpy(-1.0, u[2], u[1])));
        let (even_q, odd_q) =
            (simd.scale(OVER_N[2], simd.add(u[3], u[4])), simd.scale(OVER_N[2], simd.axpy(-1.0, u[4], u[3])));
        [
            simd.axpy(OVER_N[0], u[0], simd.add(even_p, even_q)),
            simd.axpy(Q, odd_q, simd.scale(P, odd_p)),
            simd.axpy(Q2, even_q, simd.axpy(P2, even_p, u[5])),
        ]
    }
}
