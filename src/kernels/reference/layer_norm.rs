use crate::Real;
use crate::kernels::LayerNorm;

/// Mean and 1 / sqrt(var + eps) of a row.
fn row_stats(x: &[Real], eps: f64) -> [Real; 2] {
    let (x, count) = (x.iter().map(|&x| f64::from(x)), x.len() as f64);
    let mean = x.clone().sum::<f64>() / count;
    let var = x.map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    [mean as Real, (1.0 / (var + eps).sqrt()) as Real]
}

/// y = gamma (x - mean) rstd + beta, for each row.
pub fn layer_norm(norm: &LayerNorm, x: &[Real], y: &mut [Real], stats: &mut [Real]) {
    for (row, stats) in stats.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let (x, y) = (&x[row * norm.d..][..norm.d], &mut y[row * norm.d..][..norm.d]);
        *stats = row_stats(x, norm.eps);
        let [mean, rstd] = *stats;
        for (i, y) in y.iter_mut().enumerate() {
            let hat = (x[i] - mean) * rstd;
            *y = norm.affine_of(row).map_or(hat, |[gamma, beta]| gamma[i] * hat + beta[i]);
        }
    }
}

/// With x^ = (x - mean) rstd, g = gamma gy and means over the row, gx = rstd (g - mean(g) - x^ mean(g x^)); ggamma is the
/// sum of gy x^, and gbeta that of gy, over the rows that share them.
pub fn layer_norm_dx(
    norm: &LayerNorm,
    stats: &[Real],
    x: &[Real],
    gy: &[Real],
    gx: &mut [Real],
    ggamma: &mut [Real],
    gbeta: &mut [Real],
) {
    let d = norm.d;
    let (mut sum_gy_hat, mut sum_gy) = (vec![0.0f64; ggamma.len()], vec![0.0f64; gbeta.len()]);
    for (row, &[mean, rstd]) in stats.as_chunks().0.iter().enumerate() {
        let [x, gy] = [x, gy].map(|numbers| &numbers[row * d..][..d]);
        let hat = |i: usize| (x[i] - mean) * rstd;
        let g = |i: usize| norm.affine_of(row).map_or(gy[i], |[gamma, _]| gamma[i] * gy[i]);
        let mean_g = ((0..d).map(|i| f64::from(g(i))).sum::<f64>() / d as f64) as Real;
        let mean_g_hat = ((0..d).map(|i| f64::from(g(i) * hat(i))).sum::<f64>() / d as f64) as Real;
        for i in 0..d {
            gx[row * d + i] = rstd * (g(i) - mean_g - hat(i) * mean_g_hat);
            if norm.affine.is_some() {
                sum_gy_hat[row / norm.shared * d + i] += f64::from(gy[i] * hat(i));
                sum_gy[row / norm.shared * d + i] += f64::from(gy[i]);
            }
        }
    }
    ggamma.iter_mut().zip(sum_gy_hat).for_each(|(y, sum)| *y = sum as Real);
    gbeta.iter_mut().zip(sum_gy).for_each(|(y, sum)| *y = sum as Real);
}
