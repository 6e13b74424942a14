//! The reference: what each kernel means, serial, safe and in obvious loops. Signatures are explained in [`super`].

use super::*;
use crate::real;

/// y = op(x) of one number, as [`Unary`] names it.
pub fn unary(op: Unary, x: Real) -> Real {
    match op {
        Unary::Neg => -x,
        Unary::Exp => real::exp(x),
        Unary::Ln => real::ln(x),
        Unary::Sqrt => x.sqrt(),
        Unary::Sin => real::sin(x),
        Unary::Cos => real::cos(x),
        Unary::Tanh => real::tanh(x),
        Unary::Sigmoid => 1.0 / (1.0 + real::exp(-x)),
        Unary::Relu => {
            if x <= 0.0 {
                0.0
            } else {
                x
            }
        }
        Unary::Softplus => x.max(0.0) + real::ln_1p(real::exp(-x.abs())), // e^-|x| cannot overflow
        Unary::Erf => real::erf(x),
        Unary::Abs => x.abs(),
        Unary::Sign => {
            if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                0.0
            }
        }
        Unary::Square => x * x,
        Unary::Pow(p) => real::pow(x, p),
        Unary::Clamp(low, high) => {
            let x = if x < low { low } else { x };
            if x > high { high } else { x }
        }
        Unary::Scale(a) => a * x,
        Unary::Shift(b) => x + b,
    }
}

/// y = op(a, b) of two numbers, as [`Binary`] names it.
pub fn binary(op: Binary, a: Real, b: Real) -> Real {
    match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::WherePositive => {
            if b <= 0.0 {
                0.0
            } else {
                a
            }
        }
        Binary::WhereWithin(low, high) => {
            if low < b && b < high {
                a
            } else {
                0.0
            }
        }
        Binary::Equal => {
            if a == b {
                1.0
            } else {
                0.0
            }
        }
        Binary::Lerp(w) => a + w * (b - a),
    }
}

/// `y[i] = op(x[i])`
pub fn map(op: Unary, x: &[Real], y: &mut [Real]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = unary(op, x);
    }
}

/// `x[i] = op(x[i])`
pub fn map_assign(op: Unary, x: &mut [Real]) {
    for x in x {
        *x = unary(op, *x);
    }
}

/// Calls `visit` with the offset, under each of the strides, of every element of `shape` in order.
pub fn for_each_offset<const N: usize>(shape: &Shape, strides: [&Strides; N], mut visit: impl FnMut([usize; N])) {
    let mut index = [0; crate::shape::MAX_RANK];
    for _ in 0..shape.count() {
        visit(strides.map(|strides| index.iter().zip(strides).map(|(i, stride)| i * stride).sum()));
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

/// `y[i] = op(a[i], b[i])` for every index i of `shape`, where a and b are read through their strides.
pub fn zip(op: Binary, a: View, b: View, shape: &Shape, y: &mut [Real]) {
    let mut y = y.iter_mut();
    for_each_offset(shape, [&a.strides, &b.strides], |[i, j]| {
        *y.next().expect("y has shape") = binary(op, a.data[i], b.data[j]);
    });
}

/// `a[i] = op(a[i], b[i])`
pub fn zip_assign(op: Binary, a: &mut [Real], b: &[Real]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a = binary(op, *a, b);
    }
}

/// Strides under which an element finds its place in the result of a reduction: 0 along the axes marked in `over`.
pub fn reduced_strides(shape: &Shape, over: Axes) -> Strides {
    let mut strides = Strides::default();
    let mut step = 1;
    for axis in (0..shape.len()).rev().filter(|&axis| !over[axis]) {
        strides[axis] = step;
        step *= shape[axis];
    }
    strides
}

/// `y[j]` = sum of all `x[i]` whose index i is j along the axes that stay, in f64.
pub fn sum(x: &[Real], shape: &Shape, over: Axes, y: &mut [Real]) {
    let mut sums = vec![0.0f64; y.len()];
    for_each_offset(shape, [&shape.strides(), &reduced_strides(shape, over)], |[i, j]| sums[j] += f64::from(x[i]));
    for (y, sum) in y.iter_mut().zip(sums) {
        *y = sum as Real;
    }
}

/// `y[j]` = largest of all `x[i]` whose index i is j along the axes that stay.
pub fn max(x: &[Real], shape: &Shape, over: Axes, y: &mut [Real]) {
    y.fill(Real::NEG_INFINITY);
    for_each_offset(shape, [&shape.strides(), &reduced_strides(shape, over)], |[i, j]| {
        if x[i] > y[j] || x[i].is_nan() {
            y[j] = x[i];
        }
    });
}

/// `y[i] = x[i]` for every index i of `shape`, where x is read through its strides.
pub fn read_strided(x: View, shape: &Shape, y: &mut [Real]) {
    let mut y = y.iter_mut();
    for_each_offset(shape, [&x.strides], |[i]| *y.next().expect("y has shape") = x.data[i]);
}

/// `y[i] = x[i]` for every index i of `shape`, where y is written through its strides.
pub fn write_strided(x: &[Real], shape: &Shape, y: &mut [Real], strides: &Strides) {
    let mut x = x.iter();
    for_each_offset(shape, [strides], |[i]| y[i] = *x.next().expect("x has shape"));
}

/// `c[i, j] = bias[j] + sum over l of a[i, l] b[l, j]`, for each matrix of the batch.
pub fn matmul(size: &MatMul, a: &[Real], b: &[Real], bias: Option<&[Real]>, c: &mut [Real]) {
    let MatMul { batch, m, k, n, a_transposed, b_transposed } = *size;
    for s in 0..batch {
        for i in 0..m {
            for j in 0..n {
                let a = |l| a[s * m * k + if a_transposed { l * m + i } else { i * k + l }];
                let b = |l| b[s * k * n + if b_transposed { j * k + l } else { l * n + j }];
                let dot: Real = (0..k).map(|l| a(l) * b(l)).sum();
                c[(s * m + i) * n + j] = dot + bias.map_or(0.0, |bias| bias[j]);
            }
        }
    }
}

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

/// The places of channel c in x (N, C, S).
fn channel(size: &Channels, c: usize) -> impl Iterator<Item = usize> + Clone {
    let Channels { n, c: channels, s } = *size;
    (0..n).flat_map(move |i| (0..s).map(move |j| (i * channels + c) * s + j))
}

/// mean = sum of x / count and var = sum of (x - mean)^2 / count, for each channel.
pub fn channel_stats(size: &Channels, x: &[Real], mean: &mut [Real], var: &mut [Real]) {
    let count = (size.n * size.s) as f64;
    for c in 0..size.c {
        let x = channel(size, c).map(|i| f64::from(x[i]));
        let mu = x.clone().sum::<f64>() / count;
        mean[c] = mu as Real;
        var[c] = (x.map(|x| (x - mu).powi(2)).sum::<f64>() / count) as Real;
    }
}

/// y = gamma (x - mean) rstd + beta, or max(0, that), for each channel.
pub fn batch_norm(size: &Channels, norm: &BatchNorm, x: &[Real], y: &mut [Real]) {
    for c in 0..size.c {
        let ((scale, shift), floor) = (norm.scale_and_shift(c), norm.floor());
        for i in channel(size, c) {
            let value = scale * x[i] + shift;
            y[i] = if value < floor { floor } else { value };
        }
    }
}

/// With x^ = (x - mean) rstd and means over the channel,
/// gx = gamma rstd (gy - mean(gy) - x^ mean(gy x^)): Ioffe and Szegedy (2015), section 3, simplified.
/// A ReLU lets gy pass where y is above zero; y is computed again.
pub fn batch_norm_dx(
    size: &Channels,
    norm: &BatchNorm,
    x: &[Real],
    gy: &[Real],
    gx: &mut [Real],
    ggamma: &mut [Real],
    gbeta: &mut [Real],
) {
    let count = (size.n * size.s) as f64;
    for c in 0..size.c {
        let ((scale, shift), floor) = (norm.scale_and_shift(c), norm.floor());
        let hat = |i: usize| (x[i] - norm.mean[c]) * norm.rstd[c];
        let gy = |i: usize| if scale * x[i] + shift <= floor { 0.0 } else { gy[i] };
        let sum_gy: f64 = channel(size, c).map(|i| f64::from(gy(i))).sum();
        let sum_gy_hat: f64 = channel(size, c).map(|i| f64::from(gy(i) * hat(i))).sum();
        (gbeta[c], ggamma[c]) = (sum_gy as Real, sum_gy_hat as Real);
        let (mean_gy, mean_gy_hat) = ((sum_gy / count) as Real, (sum_gy_hat / count) as Real);
        for i in channel(size, c) {
            gx[i] = scale * (gy(i) - mean_gy - hat(i) * mean_gy_hat);
        }
    }
}

/// `y[n] = table[indices[n]]`
pub fn gather_rows(table: &[Real], width: usize, indices: &[usize], y: &mut [Real]) {
    for (y, &row) in y.chunks_mut(width.max(1)).zip(indices) {
        y.copy_from_slice(&table[row * width..][..width]);
    }
}

/// `gtable[indices[n]] += gy[n]`, from zero.
pub fn scatter_rows(gy: &[Real], width: usize, indices: &[usize], gtable: &mut [Real]) {
    gtable.fill(0.0);
    for (gy, &row) in gy.chunks(width.max(1)).zip(indices) {
        for (sum, g) in gtable[row * width..][..width].iter_mut().zip(gy) {
            *sum += g;
        }
    }
}

/// m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  x -= lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)
pub fn adam(step: &AdamStep, grad: &[Real], m: &mut [Real], v: &mut [Real], param: &mut [Real]) {
    let AdamStep { lr, beta1, beta2, eps, step: t } = *step;
    let rate = (lr / (1.0 - libm::pow(beta1, t as f64))) as Real;
    let v_scale = (1.0 / (1.0 - libm::pow(beta2, t as f64))).sqrt() as Real;
    let (b1, c1, b2, c2, eps) =
        (beta1 as Real, (1.0 - beta1) as Real, beta2 as Real, (1.0 - beta2) as Real, eps as Real);
    for i in 0..param.len() {
        m[i] = b1 * m[i] + c1 * grad[i];
        v[i] = b2 * v[i] + c2 * grad[i] * grad[i];
        param[i] -= rate * m[i] / (v[i].sqrt() * v_scale + eps);
    }
}
