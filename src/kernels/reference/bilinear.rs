use crate::Real;
use crate::kernels::Planes;

/// Output pixel i of 2n lies at i/2 - 1/4 on the input's axis: its two neighbours there, and the second one's weight.
/// Outside the outermost centres the outermost pixels are repeated.
fn neighbours(i: usize, n: usize) -> (usize, usize, Real) {
    let place = (i as Real / 2.0 - 0.25).max(0.0);
    let left = place as usize;
    (left, (left + 1).min(n - 1), place - left as Real)
}

/// Calls `visit` with an output place, an input place and the input's weight there.
fn bilinear_weights(size: &Planes, mut visit: impl FnMut(usize, usize, Real)) {
    let &Planes { planes, h, w } = size;
    for p in 0..planes {
        for (i, j) in (0..2 * h).flat_map(|i| (0..2 * w).map(move |j| (i, j))) {
            let ((top, bottom, down), (left, right, across)) = (neighbours(i, h), neighbours(j, w));
            let y = (p * 2 * h + i) * 2 * w + j;
            visit(y, (p * h + top) * w + left, (1.0 - down) * (1.0 - across));
            visit(y, (p * h + top) * w + right, (1.0 - down) * across);
            visit(y, (p * h + bottom) * w + left, down * (1.0 - across));
            visit(y, (p * h + bottom) * w + right, down * across);
        }
    }
}

/// `y[i, j]` = sum of up to four pixels of x, each times its weight.
pub fn upsample_bilinear2d(size: &Planes, x: &[Real], y: &mut [Real]) {
    y.fill(0.0);
    bilinear_weights(size, |iy, ix, weight| y[iy] += weight * x[ix]);
}

/// The adjoint: each `gy[i, j]`, times the same weights, is added to the pixels of gx that it was made from.
pub fn upsample_bilinear2d_dx(size: &Planes, gy: &[Real], gx: &mut [Real]) {
    gx.fill(0.0);
    bilinear_weights(size, |iy, ix, weight| gx[ix] += weight * gy[iy]);
}
