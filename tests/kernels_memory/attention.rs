use super::*;
use tsukuru::kernels::{self, Attention, reference};

fn packed(samples: usize, heads: usize, l: usize, d: usize) -> Attention {
    Attention { samples, heads, l, s: l, d, e: d, packed: true }
}

fn separate(samples: usize, l: usize, s: usize, d: usize, e: usize) -> Attention {
    Attention { samples, heads: 1, l, s, d, e, packed: false }
}

fn check(size: Attention, qkv: &[f32], tolerance: f32) {
    let y_len = size.samples * size.heads * size.l * size.e;
    let gy = numbers(y_len, 52);
    let want = result(y_len, |y| reference::attention(&size, qkv, y));
    let got = on_any_threads(|| result(y_len, |y| kernels::attention(&size, qkv, y)));
    assert_close(&format!("{size:?}"), &got, &want, tolerance);
    let want = result(qkv.len(), |g| reference::attention_dx(&size, qkv, &gy, g));
    let got = on_any_threads(|| result(qkv.len(), |g| kernels::attention_dx(&size, qkv, &gy, g)));
    assert_close(&format!("backward of {size:?}"), &got, &want, tolerance);
}

/// Sizes around vectors and micro-tiles, with several blocks of queries, and such that several threads share.
#[test]
fn attention_forward_and_backward() {
    let sizes = [
        packed(2, 3, 5, 4),
        packed(1, 1, 1, 1),
        packed(3, 2, 16, 8),
        packed(5, 6, 49, 32),
        packed(2, 1, 57, 17),
        packed(1, 2, 196, 32),
        packed(0, 2, 3, 4),
        packed(2, 2, 0, 4),
        separate(2, 3, 5, 4, 7),
        separate(3, 1, 33, 5, 1),
        separate(1, 113, 300, 33, 20),
        separate(2, 131, 1001, 9, 6),
        separate(1, 700, 20, 300, 31),
        separate(2, 3, 0, 4, 5),
        separate(2, 0, 3, 4, 5),
        separate(2, 3, 5, 4, 0),
    ];
    for size in sizes {
        check(size, &numbers(size.qkv_len(), 51), 2e-5);
    }
}

/// Infinite and missing scores, in the same places as in the reference.
#[test]
fn attention_of_nan_and_infinity() {
    for size in [packed(1, 2, 9, 4), separate(1, 60, 17, 3, 5)] {
        for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
            for place in [0, 1, 2, 3].map(|quarter| quarter * size.qkv_len() / 4 + 1) {
                let mut qkv = numbers(size.qkv_len(), 53);
                qkv[place] = special;
                check(size, &qkv, 2e-5);
            }
        }
    }
}
