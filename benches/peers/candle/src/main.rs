//! One convolution forward and backward in candle, timed as ours in `benches/conv.rs`: one line of JSON.

use candle_core::{DType, Device, Result, Tensor, Var};
use std::time::Instant;

const REPEATS: usize = 5;

fn main() -> Result<()> {
    let (n, c, side) = (128, 64, 28);
    let numbers = |shape| Tensor::randn(0f32, 1.0, shape, &Device::Cpu).and_then(|x| Var::from_tensor(&x));
    let (x, w) = (numbers((n, c, side, side))?, numbers((c, c, 3, 3))?);
    assert_eq!(x.dtype(), DType::F32);
    // `backward` starts from dL/dy = 1: the convolutions cost the same as from any other.
    let run = || x.conv2d(&w, 1, 1, 1, 1)?.backward();
    run()?;
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let begin = Instant::now();
        let grads = run()?;
        times.push(begin.elapsed().as_secs_f64());
        assert!(grads.get(&x).is_some() && grads.get(&w).is_some());
    }
    times.sort_by(f64::total_cmp);
    let (median, min, max) = (times[REPEATS / 2], times[0], times[REPEATS - 1]);
    println!(
        r#"{{"name": "conv3x3_fwdbwd_n{n}_{c}x{c}_{side}", "median_s": {median}, "min_s": {min}, "max_s": {max}, "repeats": {REPEATS}}}"#
    );
    Ok(())
}
