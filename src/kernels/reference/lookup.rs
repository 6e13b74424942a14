use crate::Real;

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
