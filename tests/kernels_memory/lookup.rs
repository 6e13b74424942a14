use super::*;
use tsukuru::kernels::{self, AdamStep, reference};

#[test]
fn gather_and_scatter() {
    for (rows, width, count) in
        [(1, 1, 1), (10, 7, 33), (3, 0, 5), (0, 4, 0), (5, 4, 0), (100, 300, 999), (5000, 16, 4001)]
    {
        let table = numbers(rows * width, 31);
        let indices: Vec<usize> = numbers(count, 32).iter().map(|x| ((x + 2.0) / 4.0 * rows as f32) as usize).collect();
        let gy = numbers(count * width, 33);
        let what = format!("{count} of {rows} rows of {width}");
        let want = result(count * width, |y| reference::gather_rows(&table, width, &indices, y));
        let got = on_any_threads(|| result(count * width, |y| kernels::gather_rows(&table, width, &indices, y)));
        assert_same_bits(&what, &got, &want);
        let want = result(rows * width, |y| reference::scatter_rows(&gy, width, &indices, y));
        let got = on_any_threads(|| result(rows * width, |y| kernels::scatter_rows(&gy, width, &indices, y)));
        assert_same_bits(&what, &got, &want);
    }
}

#[test]
fn adam() {
    for n in LENGTHS {
        let grad = numbers(n, 34);
        for t in [1, 2, 1000] {
            let step = AdamStep { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, step: t };
            let run = |fast: bool| {
                let (mut m, mut v, mut x) = (numbers(n, 35), numbers(n, 36), numbers(n, 37));
                v.iter_mut().for_each(|v| *v = v.abs());
                let adam = if fast { kernels::adam } else { reference::adam };
                adam(&step, &grad, &mut m, &mut v, &mut x);
                [m, v, x].concat()
            };
            assert_same_bits(&format!("{n} in step {t}"), &on_any_threads(|| run(true)), &run(false));
        }
    }
}
