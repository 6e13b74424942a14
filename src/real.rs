//! [`Real`], the number that tensors hold, and its functions. They come from `libm`, not from the system, because
//! every C library rounds them a little differently and a result should be the same bits everywhere.

/// f32; f64 with the feature `f64` (gradient checks).
#[cfg(not(feature = "f64"))]
pub type Real = f32;
/// f64, as the feature `f64` says; f32 without it.
#[cfg(feature = "f64")]
pub type Real = f64;

#[cfg(feature = "f64")]
pub use libm::{cos, erf, exp, log as ln, log1p as ln_1p, pow, sin, tanh};
#[cfg(not(feature = "f64"))]
pub use libm::{
    cosf as cos, erff as erf, expf as exp, log1pf as ln_1p, logf as ln, powf as pow, sinf as sin, tanhf as tanh,
};
