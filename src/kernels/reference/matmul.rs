use crate::Real;
use crate::kernels::MatMul;

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
