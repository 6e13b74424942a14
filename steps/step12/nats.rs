//! Nats per image and bits per dimension.

use std::f64::consts::LN_2;
use std::fmt;
use tsukuru::Real;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// Values of a pixel.
const VALUES: Real = 256.0;

/// Pixels b/255 (bytes b) with uniform noise u of one value's width: (b + u) / 256, in 0..1. A density p of these has
/// E_u[ln p] <= ln P(b) + D ln 256 for the probability P(b) = (integral of p over u) / 256^D (Theis, van den Oord and Bethge,
/// 2016, equation 3): no density can become infinite, as it can on numbers that lie on a grid.
pub fn dequantize(x: &Tensor, rng: &mut Rng) -> Tensor {
    let noise = rng.uniform_tensor(*x.shape(), 0.0, 1.0);
    (x.map(|x| (x * (VALUES - 1.0)).round()) + noise) * (1.0 / VALUES)
}

/// -ln p / (D ln 2) + 8, of ln p in nats of D numbers in 0..1: what a number costs on the scale of bytes, 0..256. The uniform
/// density, ln p = 0, needs 8 bits.
pub fn bits_per_dim(log_p: f64, dims: usize) -> f64 {
    -log_p / (dims as f64 * LN_2) + 8.0
}

/// A mean over points, and its standard error.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    pub mean: f64,
    pub error: f64,
}

impl Estimate {
    /// Of independent values, at least two.
    ///
    /// # Panics
    /// If there are fewer.
    #[track_caller]
    pub fn of(values: &[f64]) -> Estimate {
        assert!(values.len() > 1, "Estimate::of: {} values have no standard error", values.len());
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
        Estimate { mean, error: (variance / n).sqrt() }
    }

    /// Of ln p in nats of `dims` numbers to bits per dimension, see [`bits_per_dim`].
    pub fn bits_per_dim(self, dims: usize) -> Estimate {
        let mean = bits_per_dim(self.mean, dims);
        Estimate { mean, error: (bits_per_dim(self.mean - self.error, dims) - mean).abs() }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let digits = f.precision().unwrap_or(3);
        write!(f, "{:.digits$} +- {:.digits$}", self.mean, self.error)
    }
}
