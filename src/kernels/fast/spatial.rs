//! Max pooling and bilinear doubling, forward and backward. See reference.rs.
//!
//! 1. Threads take whole planes.
//! 2. Windows of 2 x 2 that touch but do not overlap, the usual ones, have loops that work on pairs of numbers without
//!    a branch: the winner of the upper pair, of the lower pair, then of both. Other windows are looked at one by one.
//! 3. The weights of doubling are the same everywhere, 1/4 and 3/4, once the image is continued by one pixel at each
//!    side. Rows and columns are doubled one after the other; the row between them stays in the L1 cache.

use super::cpu::for_each_level;
use super::pieces::{pieces, rows_per_piece};
use crate::kernels::{Planes, Pool};

pub fn max_pool2d(size: &Pool, x: &[f32], v: &[f32], y: &mut [f32]) {
    let (plane, plane_out) = (size.h * size.w, size.h_out() * size.w_out());
    pieces(y, rows_per_piece(plane) * plane_out, x.len(), |start, y| {
        let from = start / plane_out * plane;
        let range = from..from + y.len() / plane_out * plane;
        pool_planes(size, &x[range.clone()], &v[range], y);
    });
}

pub fn max_pool2d_dx(size: &Pool, x: &[f32], gy: &[f32], gx: &mut [f32]) {
    let (plane, plane_out) = (size.h * size.w, size.h_out() * size.w_out());
    pieces(gx, rows_per_piece(plane) * plane, x.len(), |start, gx| {
        let gy = &gy[start / plane * plane_out..][..gx.len() / plane * plane_out];
        unpool_planes(size, &x[start..start + gx.len()], gy, gx);
    });
}

pub fn upsample_bilinear2d(size: &Planes, x: &[f32], y: &mut [f32]) {
    let (plane, work) = (size.h * size.w, y.len());
    pieces(y, rows_per_piece(4 * plane) * 4 * plane, work, |start, y| {
        double_planes(size, &x[start / 4..(start + y.len()) / 4], y);
    });
}

pub fn upsample_bilinear2d_dx(size: &Planes, gy: &[f32], gx: &mut [f32]) {
    let plane = size.h * size.w;
    pieces(gx, rows_per_piece(4 * plane) * plane, gy.len(), |start, gx| {
        halve_planes(size, &gy[4 * start..4 * (start + gx.len())], gx);
    });
}

/// Whether b is larger than a, where NaN is larger than all and the first of equals wins.
#[inline(always)]
fn beats(b: f32, a: f32) -> bool {
    (b > a) | (b.is_nan() & !a.is_nan())
}

/// x where `condition`, else 0: as an operation on bits it becomes vector instructions, as an `if` it does not.
#[inline(always)]
fn masked(x: f32, condition: bool) -> f32 {
    f32::from_bits(x.to_bits() & (condition as u32).wrapping_neg())
}

/// The place of the largest number in the window whose first place is `corner`.
#[inline(always)]
fn best_of_window(size: &Pool, x: &[f32], corner: usize) -> usize {
    let places = (0..size.kernel).flat_map(|i| (0..size.kernel).map(move |j| corner + i * size.w + j));
    places.fold(corner, |best, place| if beats(x[place], x[best]) { place } else { best })
}

for_each_level! {
    fn pool_planes(size: &Pool, x: &[f32], v: &[f32], y: &mut [f32]) {
        let (plane, plane_out) = (size.h * size.w, size.h_out() * size.w_out());
        for ((x, v), y) in x.chunks_exact(plane).zip(v.chunks_exact(plane)).zip(y.chunks_exact_mut(plane_out)) {
            for (i, y) in y.chunks_exact_mut(size.w_out()).enumerate() {
                let from = i * size.stride * size.w;
                if (size.kernel, size.stride) != (2, 2) {
                    y.iter_mut().enumerate().for_each(|(j, y)| *y = v[best_of_window(size, x, from + j * size.stride)]);
                } else if std::ptr::eq(x, v) {
                    pool_row(size.w, &x[from..], &x[from..], y);
                } else {
                    pool_row(size.w, &x[from..], &v[from..], y);
                }
            }
        }
    }

    fn unpool_planes(size: &Pool, x: &[f32], gy: &[f32], gx: &mut [f32]) {
        let (plane, plane_out, w) = (size.h * size.w, size.h_out() * size.w_out(), size.w);
        gx.fill(0.0);
        for ((x, gy), gx) in x.chunks_exact(plane).zip(gy.chunks_exact(plane_out)).zip(gx.chunks_exact_mut(plane)) {
            for (i, gy) in gy.chunks_exact(size.w_out()).enumerate() {
                let from = i * size.stride * w;
                if (size.kernel, size.stride) == (2, 2) {
                    unpool_row(w, &x[from..from + 2 * w], gy, &mut gx[from..from + 2 * w]);
                } else {
                    for (j, gy) in gy.iter().enumerate() {
                        gx[best_of_window(size, x, from + j * size.stride)] += gy;
                    }
                }
            }
        }
    }

    fn double_planes(size: &Planes, x: &[f32], y: &mut [f32]) {
        let &Planes { h, w, .. } = size;
        let mut row = vec![0.0; w + 2];
        for (x, y) in x.chunks_exact(h * w).zip(y.chunks_exact_mut(4 * h * w)) {
            let x = |i: usize| &x[i * w..][..w];
            for (i, y) in y.chunks_exact_mut(2 * w).enumerate() {
                let near = i / 2;
                let far = if i % 2 == 0 { near.saturating_sub(1) } else { (near + 1).min(h - 1) };
                for ((t, near), far) in row[1..].iter_mut().zip(x(near)).zip(x(far)) {
                    *t = 0.75 * near + 0.25 * far;
                }
                (row[0], row[w + 1]) = (row[1], row[w]);
                let pairs = y.as_chunks_mut::<2>().0.iter_mut();
                for (((pair, left), here), right) in pairs.zip(&row[..w]).zip(&row[1..]).zip(&row[2..]) {
                    *pair = [0.25 * left + 0.75 * here, 0.75 * here + 0.25 * right];
                }
            }
        }
    }

    fn halve_planes(size: &Planes, gy: &[f32], gx: &mut [f32]) {
        let &Planes { h, w, .. } = size;
        let mut row = vec![0.0; 2 * w + 2];
        for (gy, gx) in gy.chunks_exact(4 * h * w).zip(gx.chunks_exact_mut(h * w)) {
            let gy = |i: usize| &gy[i * 2 * w..][..2 * w];
            for (i, gx) in gx.chunks_exact_mut(w).enumerate() {
                let far = gy((2 * i).saturating_sub(1)).iter().zip(gy((2 * i + 2).min(2 * h - 1)));
                let near = gy(2 * i).iter().zip(gy(2 * i + 1));
                for ((t, far), near) in row[1..].iter_mut().zip(far).zip(near) {
                    *t = 0.25 * (far.0 + far.1) + 0.75 * (near.0 + near.1);
                }
                (row[0], row[2 * w + 1]) = (row[1], row[2 * w]);
                let (left, right) = (row.as_chunks::<2>().0, row[2..].as_chunks::<2>().0);
                for ((gx, left), right) in gx.iter_mut().zip(left).zip(right) {
                    *gx = 0.25 * (left[0] + right[1]) + 0.75 * (left[1] + right[0]);
                }
            }
        }
    }
}

/// The pairs of each of the two rows of windows that begin with x.
#[inline(always)]
fn pairs(x: &[f32], w: usize, n: usize) -> impl Iterator<Item = (&[f32; 2], &[f32; 2])> {
    x[..2 * n].as_chunks::<2>().0.iter().zip(x[w..w + 2 * n].as_chunks::<2>().0)
}

/// One row of results from two rows of x and v: v at the place of x's largest.
#[inline(always)]
fn pool_row(w: usize, x: &[f32], v: &[f32], y: &mut [f32]) {
    let better = |a: (f32, f32), b: (f32, f32)| if beats(b.0, a.0) { b } else { a };
    let n = y.len();
    for ((y, (x0, x1)), (v0, v1)) in y.iter_mut().zip(pairs(x, w, n)).zip(pairs(v, w, n)) {
        let upper = better((x0[0], v0[0]), (x0[1], v0[1]));
        let lower = better((x1[0], v1[0]), (x1[1], v1[1]));
        *y = better(upper, lower).1;
    }
}

/// Two rows of gx from two rows of x.
#[inline(always)]
fn unpool_row(w: usize, x: &[f32], gy: &[f32], gx: &mut [f32]) {
    let (gx0, gx1) = gx.split_at_mut(w);
    let gx = gx0.as_chunks_mut::<2>().0.iter_mut().zip(gx1.as_chunks_mut::<2>().0);
    for (((gx0, gx1), (x0, x1)), &g) in gx.zip(pairs(x, w, gy.len())).zip(gy) {
        let (right0, right1) = (beats(x0[1], x0[0]), beats(x1[1], x1[0]));
        let best = |x: &[f32; 2], right: bool| if right { x[1] } else { x[0] };
        let down = beats(best(x1, right1), best(x0, right0));
        *gx0 = [masked(g, !down & !right0), masked(g, !down & right0)];
        *gx1 = [masked(g, down & !right1), masked(g, down & right1)];
    }
}
