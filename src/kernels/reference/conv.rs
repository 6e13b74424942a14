use crate::Real;
use crate::kernels::Conv;

/// Calls `visit` with the places in x, w and y of the three numbers of each product that makes up a convolution. In the
/// padding, x has no place but is 0, and the product counts: 0 times infinity is NaN.
fn conv_products(size: &Conv, mut visit: impl FnMut(Option<usize>, usize, usize)) {
    let &Conv { n, c, h, w, c_out, kh, kw, stride, padding } = size;
    let (h_out, w_out) = (size.h_out(), size.w_out());
    for s in 0..n {
        for co in 0..c_out {
            for (i, j) in (0..h_out).flat_map(|i| (0..w_out).map(move |j| (i, j))) {
                for ci in 0..c {
                    for (di, dj) in (0..kh).flat_map(|di| (0..kw).map(move |dj| (di, dj))) {
                        let (row, col) = (i * stride + di, j * stride + dj); // in x with its padding
                        let inside = row >= padding && row < h + padding && col >= padding && col < w + padding;
                        let x = inside.then(|| ((s * c + ci) * h + row - padding) * w + col - padding);
                        visit(x, ((co * c + ci) * kh + di) * kw + dj, ((s * c_out + co) * h_out + i) * w_out + j);
                    }
                }
            }
        }
    }
}

/// `y[n, co, i, j] = bias[co] +` the sum over ci, di, dj of
/// `w[co, ci, di, dj] x[n, ci, i stride + di - padding, j stride + dj - padding]`, where x is zero outside.
pub fn conv2d(size: &Conv, x: &[Real], w: &[Real], bias: Option<&[Real]>, y: &mut [Real]) {
    let plane = size.h_out() * size.w_out();
    y.fill(0.0);
    conv_products(size, |ix, iw, iy| y[iy] += ix.map_or(0.0, |ix| x[ix]) * w[iw]);
    if let Some(bias) = bias {
        for (y, b) in y.chunks_mut(plane.max(1)).zip(bias.iter().cycle()) {
            y.iter_mut().for_each(|y| *y += b);
        }
    }
}

/// As many numbers as w has: the reference prepares nothing.
pub fn conv2d_prepared_len(size: &Conv) -> usize {
    size.c_out * size.c * size.kh * size.kw
}

/// prepared = w
pub fn conv2d_prepare(_: &Conv, w: &[Real], prepared: &mut [Real]) {
    prepared.copy_from_slice(w);
}

/// [`conv2d`] with w = prepared.
pub fn conv2d_prepared(size: &Conv, x: &[Real], prepared: &[Real], bias: Option<&[Real]>, y: &mut [Real]) {
    conv2d(size, x, prepared, bias, y);
}

/// `gx[n, ci, r, s]` = sum of `w[co, ci, di, dj] gy[n, co, i, j]` over all co, i, j, di, dj with r = i stride + di -
/// padding and s = j stride + dj - padding, where gy is zero outside.
pub fn conv2d_dx(size: &Conv, gy: &[Real], w: &[Real], gx: &mut [Real]) {
    let &Conv { c, h, w: width, c_out, kh, kw, stride, padding, .. } = size;
    let (h_out, w_out) = (size.h_out(), size.w_out());
    for (place, gx) in gx.iter_mut().enumerate() {
        let (s, ci, row, col) = (place / (c * h * width), place / (h * width) % c, place / width % h, place % width);
        *gx = 0.0;
        for co in 0..c_out {
            for (di, dj) in (0..kh).rev().flat_map(|di| (0..kw).rev().map(move |dj| (di, dj))) {
                let [i, j] = [(row, di), (col, dj)].map(|(r, d)| (r + padding) as isize - d as isize);
                if i % stride as isize == 0 && j % stride as isize == 0 {
                    let [i, j] = [i, j].map(|i| usize::try_from(i / stride as isize).unwrap_or(usize::MAX));
                    let inside = i < h_out && j < w_out;
                    let gy = if inside { gy[((s * c_out + co) * h_out + i) * w_out + j] } else { 0.0 };
                    *gx += gy * w[((co * c + ci) * kh + di) * kw + dj];
                }
            }
        }
    }
}

/// `gw[co, ci, di, dj]` = sum of `gy[n, co, i, j] x[n, ci, i stride + di - padding, j stride + dj - padding]` over n,
/// i, j.
pub fn conv2d_dw(size: &Conv, x: &[Real], gy: &[Real], gw: &mut [Real]) {
    gw.fill(0.0);
    conv_products(size, |ix, iw, iy| gw[iw] += gy[iy] * ix.map_or(0.0, |ix| x[ix]));
}
