use crate::Real;
use crate::kernels::{Attention, Vectors};
use crate::real;
use std::ops::Range;

/// Calls `visit` with each head of each sample.
fn for_each_head(size: &Attention, mut visit: impl FnMut(usize, usize)) {
    for (sample, head) in (0..size.samples).flat_map(|sample| (0..size.heads).map(move |head| (sample, head))) {
        visit(sample, head);
    }
}

/// The places of vector `i`, of so many numbers.
fn vector(vectors: Vectors, i: usize, numbers: usize) -> Range<usize> {
    let start = vectors.from(i).start;
    start..start + numbers
}

fn dot(a: &[Real], b: &[Real]) -> Real {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// sum += weight x
fn add(sum: &mut [Real], weight: Real, x: &[Real]) {
    sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += weight * x);
}

/// p (s) = softmax(q k^T / sqrt(d)) of query i.
fn probabilities(size: &Attention, qkv: &[Real], [q, k, _]: [Vectors; 3], i: usize) -> Vec<Real> {
    let q = &qkv[vector(q, i, size.d)];
    let scores: Vec<Real> = (0..size.s).map(|j| size.scale() * dot(q, &qkv[vector(k, j, size.d)])).collect();
    let max = scores.iter().copied().fold(Real::NEG_INFINITY, Real::max);
    let exp: Vec<Real> = scores.iter().map(|score| real::exp(score - max)).collect();
    let sum = exp.iter().map(|&x| f64::from(x)).sum::<f64>() as Real;
    exp.iter().map(|x| x / sum).collect()
}

/// `y[i]` = sum of `p[i, j] v[j]` over j, for each head.
pub fn attention(size: &Attention, qkv: &[Real], y: &mut [Real]) {
    y.fill(0.0);
    for_each_head(size, |sample, head| {
        let (places, y_places) = (size.places(sample, head), size.y_places(sample, head));
        for i in 0..size.l {
            for (j, p) in probabilities(size, qkv, places, i).into_iter().enumerate() {
                add(&mut y[vector(y_places, i, size.e)], p, &qkv[vector(places[2], j, size.e)]);
            }
        }
    });
}

/// With gp = gy v^T and gs = p (gp - sum of p gp over the row) / sqrt(d):  gq = gs k,  gk = gs^T q,  gv = p^T gy
pub fn attention_dx(size: &Attention, qkv: &[Real], gy: &[Real], gqkv: &mut [Real]) {
    gqkv.fill(0.0);
    for_each_head(size, |sample, head| {
        let places = size.places(sample, head);
        for i in 0..size.l {
            let (p, gy) = (probabilities(size, qkv, places, i), &gy[vector(size.y_places(sample, head), i, size.e)]);
            let gp: Vec<Real> = (0..size.s).map(|j| dot(gy, &qkv[vector(places[2], j, size.e)])).collect();
            let p_gp = dot(&p, &gp);
            for j in 0..size.s {
                let gs = size.scale() * p[j] * (gp[j] - p_gp);
                let (q, k) = (vector(places[0], i, size.d), vector(places[1], j, size.d));
                add(&mut gqkv[q.clone()], gs, &qkv[k.clone()]);
                add(&mut gqkv[k], gs, &qkv[q]);
                add(&mut gqkv[vector(places[2], j, size.e)], p[j], gy);
            }
        }
    });
}
