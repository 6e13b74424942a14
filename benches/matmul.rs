//! Matrix products: square ones with all transposes, and the small ones of the models.

mod harness;

use harness::Harness;
use harness::kernels::time_matmul;
use tsukuru::kernels::MatMul;

fn main() {
    let mut harness = Harness::new();
    for n in [256, 512, 1024, 2048] {
        for (suffix, a_transposed, b_transposed) in [("", false, false), ("_nt", false, true), ("_tn", true, false)] {
            time(&mut harness, &format!("gemm_f32_{n}{suffix}"), (n, n, n), a_transposed, b_transposed);
        }
    }
    // y = x w^T, dx = gy w, dw = gy^T x of linear layers at batch 32, and odd shapes.
    for (i, o) in [(784, 200), (200, 20), (20, 200), (200, 784), (100, 64)] {
        time(&mut harness, &format!("linear_b32_{i}x{o}_fwd"), (32, i, o), false, true);
        time(&mut harness, &format!("linear_b32_{i}x{o}_dx"), (32, o, i), false, false);
        time(&mut harness, &format!("linear_b32_{i}x{o}_dw"), (o, 32, i), true, false);
    }
    for (m, k, n) in
        [(7, 1000, 3), (1, 784, 200), (1, 1024, 1024), (1024, 1024, 1), (1, 4096, 1), (1000, 1, 1000), (10000, 1, 10)]
    {
        time(&mut harness, &format!("gemm_f32_{m}x{k}x{n}"), (m, k, n), false, false);
        time(&mut harness, &format!("gemm_f32_{m}x{k}x{n}_nt"), (m, k, n), false, true);
    }
}

fn time(harness: &mut Harness, name: &str, (m, k, n): (usize, usize, usize), a_transposed: bool, b_transposed: bool) {
    time_matmul(harness, name, &MatMul { batch: 1, m, k, n, a_transposed, b_transposed });
}
