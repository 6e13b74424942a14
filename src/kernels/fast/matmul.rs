//! Matrix products (see `matmul` in reference/matmul.rs, 11 lines). With a side of 1 there is nothing to keep in registers:
//! gemv.rs. All others are blocked products (gemm.rs), where a transpose is another way of packing (benches/README.md has
//! what it costs), and a bias is added when a micro-tile is written.
//!
//! 1024 x 1024 x 1024 runs at 85 to 88 % of the multiply-add peak of two cores of Zen 4 (205 of 236 GFLOP/s).

use super::chunks::{for_each_chunk, rows_per_chunk};
use super::gemm::{Output, Product, gemm};
use super::gemv::{gemv, outer};
use super::im2col::GatherMap;
use super::micro_kernel::Epilogue;
use super::pack::{Matrix, Operand};
use super::simd::Simd;
use crate::kernels::MatMul;
use std::iter::once;

pub fn matmul<S: Simd>(simd: S, size: &MatMul, a: &[f32], b: &[f32], bias: Option<&[f32]>, c: &mut [f32]) {
    let MatMul { batch, m, k, n, a_transposed, b_transposed } = *size;
    assert!(bias.is_none_or(|bias| bias.len() == n), "matmul: a bias for each column");
    if m == 1 || n == 1 || k == 1 {
        let one = |s: usize, c: &mut [f32]| {
            let (a, b) = (&a[s * m * k..][..m * k], &b[s * k * n..][..k * n]);
            match (m, n) {
                (1, _) => gemv(simd, b, !b_transposed, a, &|j| bias.map_or(0.0, |bias| bias[j]), c),
                (_, 1) => gemv(simd, a, a_transposed, b, &|_| bias.map_or(0.0, |bias| bias[0]), c),
                (_, _) => outer(simd, a, b, bias, c),
            }
        };
        let products = rows_per_chunk(m * k + k * n + m * n);
        for_each_chunk(c, products * m * n, |start, c| {
            c.chunks_exact_mut(m * n).enumerate().for_each(|(i, c)| one(start / (m * n) + i, c));
        });
        return;
    }
    let (c, columns) = (Output::new(c), GatherMap::contiguous(simd, n));
    let product = |s: usize| {
        let a = Matrix { data: &a[s * m * k..][..m * k], width: if a_transposed { m } else { k } };
        let b = Matrix { data: &b[s * k * n..][..k * n], width: if b_transposed { k } else { n } };
        once(Product {
            a: Operand { rows: a, transposed: a_transposed },
            b: Operand { rows: b, transposed: b_transposed },
            k,
            c: c.matrix(s * m * n, m, n, &columns),
            epilogue: bias.map_or(Epilogue::Store, Epilogue::BiasPerColumn),
        })
    };
    // SAFETY: the batch's matrices lie one after the other.
    unsafe { gemm(simd, (batch, m, n, k), product) }
}
