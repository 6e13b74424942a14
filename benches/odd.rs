//! Forty sizes on which kernels are seldom tuned: one channel or 17, images of 9x13, a row times a matrix. They stand
//! in `odd.txt` as names, from which the sizes are read, here as in `peers/torch_peer.py`.

mod harness;

use harness::Harness;
use harness::kernels::{time_conv, time_matmul};
use tsukuru::kernels::{Conv, MatMul};

fn main() {
    let mut harness = Harness::new();
    for name in include_str!("odd.txt").lines() {
        let numbers = name.trim_start_matches("gemm_f32").split(|c: char| !c.is_ascii_digit());
        let sizes: Vec<usize> = numbers.filter_map(|number| number.parse().ok()).collect();
        match sizes[..] {
            [m, k, n] => {
                let (a_transposed, b_transposed) = (name.ends_with("_tn"), name.ends_with("_nt"));
                time_matmul(&mut harness, name, &MatMul { batch: 1, m, k, n, a_transposed, b_transposed });
            }
            [n, c, c_out, h, w, k, stride, padding] => {
                let size = Conv { n, c, h, w, c_out, kh: k, kw: k, stride, padding };
                time_conv(&mut harness, &size, |pass| name.replace("fwdbwd", pass));
            }
            _ => panic!("{name}: expected the 3 sizes of a matrix product or the 8 of a convolution, found {sizes:?}"),
        }
    }
}
