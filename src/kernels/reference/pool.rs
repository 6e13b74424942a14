use crate::Real;
use crate::kernels::Pool;

/// Calls `visit` with each output place of a pooling and the input place of its window's largest number.
fn window_maxima(size: &Pool, x: &[Real], mut visit: impl FnMut(usize, usize)) {
    let (h_out, w_out) = (size.h_out(), size.w_out());
    for y in 0..size.planes * h_out * w_out {
        let (plane, i, j) = (y / (h_out * w_out), y / w_out % h_out, y % w_out);
        let corner = (plane * size.h + i * size.stride) * size.w + j * size.stride;
        let mut best = corner;
        for place in (0..size.kernel).flat_map(|di| (0..size.kernel).map(move |dj| corner + di * size.w + dj)) {
            if x[place] > x[best] || (x[place].is_nan() && !x[best].is_nan()) {
                best = place;
            }
        }
        visit(y, best);
    }
}

/// `y[window]` = v at the place of the window's largest x: x and v (planes, H, W), y (planes, H_out, W_out). The first of
/// equal numbers counts, and NaN is larger than any number.
pub fn max_pool2d(size: &Pool, x: &[Real], v: &[Real], y: &mut [Real]) {
    window_maxima(size, x, |iy, ix| y[iy] = v[ix]);
}

/// `gx[place]` = sum of `gy[window]` over the windows that have their largest x at this place.
pub fn max_pool2d_dx(size: &Pool, x: &[Real], gy: &[Real], gx: &mut [Real]) {
    gx.fill(0.0);
    window_maxima(size, x, |iy, ix| gx[ix] += gy[iy]);
}
