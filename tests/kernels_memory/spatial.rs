use super::*;
use tsukuru::kernels::{self, Planes, Pool, reference};

fn pools() -> Vec<Pool> {
    let windows = [(2, 2), (3, 2), (2, 1), (1, 1), (3, 3), (1, 2), (2, 3)];
    let planes = [
        (3, 3, 3),
        (2, 4, 4),
        (5, 7, 9),
        (3, 14, 14),
        (2, 16, 34),
        (97, 28, 28),
        (300, 15, 13),
        (1, 203, 407),
        (0, 4, 4),
    ];
    let pool = |(planes, h, w), (kernel, stride)| Pool { planes, h, w, kernel, stride };
    planes.iter().flat_map(|&plane| windows.iter().map(move |&window| pool(plane, window))).collect()
}

#[test]
fn max_pooling() {
    for size in pools() {
        let n = size.planes * size.h * size.w;
        let count = size.planes * size.h_out() * size.w_out();
        let (v, gy) = (numbers(n, 24), numbers(count, 25));
        // Whole numbers are often equal, and which place wins shows in v and in gx.
        let ties = numbers(n, 26).iter().map(|x| x.round()).collect();
        for x in [numbers(n, 27), awkward_numbers(n, 28), ties] {
            for v in [&v, &x] {
                let want = result(count, |y| reference::max_pool2d(&size, &x, v, y));
                let got = on_any_threads(|| result(count, |y| kernels::max_pool2d(&size, &x, v, y)));
                assert_same_bits(&format!("{size:?}"), &got, &want);
            }
            let want = result(n, |gx| reference::max_pool2d_dx(&size, &x, &gy, gx));
            let got = on_any_threads(|| result(n, |gx| kernels::max_pool2d_dx(&size, &x, &gy, gx)));
            assert_same_bits(&format!("back {size:?}"), &got, &want);
        }
    }
}

#[test]
fn doubling() {
    for (planes, h, w) in [
        (1, 1, 1),
        (2, 1, 5),
        (2, 5, 1),
        (3, 2, 2),
        (5, 7, 7),
        (4, 14, 14),
        (2, 15, 17),
        (300, 14, 14),
        (1, 203, 101),
        (0, 3, 3),
        (3, 0, 4),
        (3, 4, 0),
    ] {
        let size = Planes { planes, h, w };
        let n = planes * h * w;
        let (x, gy) = (numbers(n, 29), numbers(4 * n, 30));
        let want = result(4 * n, |y| reference::upsample_bilinear2d(&size, &x, y));
        let got = on_any_threads(|| result(4 * n, |y| kernels::upsample_bilinear2d(&size, &x, y)));
        assert_close(&format!("{size:?}"), &got, &want, 5e-7);
        let want = result(n, |gx| reference::upsample_bilinear2d_dx(&size, &gy, gx));
        let got = on_any_threads(|| result(n, |gx| kernels::upsample_bilinear2d_dx(&size, &gy, gx)));
        assert_close(&format!("back {size:?}"), &got, &want, 1e-6);
    }
}
