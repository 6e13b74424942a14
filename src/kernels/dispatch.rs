//! Which implementation of the kernels runs: chosen once per process, by the environment variable `KERNELS` and the CPU,
//! and matched once per call, at the entry of a kernel.

#[cfg(all(not(feature = "f64"), target_arch = "x86_64"))]
use super::fast::simd::{Avx2, Avx512};
#[cfg(not(feature = "f64"))]
use super::fast::simd::{Portable, Simd};

/// An implementation of all kernels. The fast ones hold the proof that this CPU can run them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// Plain loops.
    Reference,
    /// What every CPU of the target has.
    #[cfg(not(feature = "f64"))]
    Portable(Portable),
    /// 8 numbers at a time.
    #[cfg(all(not(feature = "f64"), target_arch = "x86_64"))]
    Avx2(Avx2),
    /// 16 numbers at a time.
    #[cfg(all(not(feature = "f64"), target_arch = "x86_64"))]
    Avx512(Avx512),
}

/// The implementation that runs.
///
/// # Panics
/// If the environment variable `KERNELS` does not name one that this CPU can run.
#[cfg(not(feature = "f64"))]
pub fn implementation() -> Implementation {
    use std::sync::LazyLock;
    static CHOICE: LazyLock<Implementation> = LazyLock::new(|| choose().unwrap_or_else(|error| panic!("{error}")));
    *CHOICE
}

/// With numbers of 64 bits there is only the reference.
#[cfg(feature = "f64")]
pub fn implementation() -> Implementation {
    Implementation::Reference
}

/// Checks the environment variable `KERNELS`.
///
/// # Errors
/// If it does not name an implementation, or one that this CPU cannot run.
pub fn check_choice() -> Result<(), String> {
    #[cfg(not(feature = "f64"))]
    choose()?;
    Ok(())
}

#[cfg(not(feature = "f64"))]
fn choose() -> Result<Implementation, String> {
    let name = std::env::var("KERNELS").unwrap_or_default();
    #[cfg(target_arch = "x86_64")]
    let (avx2, avx512) = (Avx2::detect().map(Implementation::Avx2), Avx512::detect().map(Implementation::Avx512));
    #[cfg(not(target_arch = "x86_64"))]
    let (avx2, avx512) = (None, None);
    let portable = Some(Implementation::Portable(Portable));
    let choice = match &name[..] {
        "" | "fast" => avx512.or(avx2).or(portable),
        "avx512" => avx512,
        "avx2" => avx2,
        "portable" => portable,
        "reference" => Some(Implementation::Reference),
        _ => return Err(format!("KERNELS={name}: expected fast, avx512, avx2, portable or reference")),
    };
    choice.ok_or_else(|| format!("KERNELS={name}: this CPU does not have these instructions"))
}

/// `$reference`, or `$fast` where `$simd` is the instruction set of this CPU.
macro_rules! dispatch {
    ($reference:expr, $simd:ident => $fast:expr) => {
        match $crate::kernels::dispatch::implementation() {
            $crate::kernels::dispatch::Implementation::Reference => $reference,
            #[cfg(not(feature = "f64"))]
            $crate::kernels::dispatch::Implementation::Portable($simd) => $fast,
            #[cfg(all(not(feature = "f64"), target_arch = "x86_64"))]
            $crate::kernels::dispatch::Implementation::Avx2($simd) => $fast,
            #[cfg(all(not(feature = "f64"), target_arch = "x86_64"))]
            $crate::kernels::dispatch::Implementation::Avx512($simd) => $fast,
        }
    };
}
pub(super) use dispatch;

/// Runs `f`, compiled once for each instruction set, with that of this CPU: for plain loops over numbers that are no
/// kernel. Only what is inlined profits: mark `f` and the functions that it calls `#[inline(always)]`, and write loops
/// rather than chains of closures. The result is the same bits with any instruction set.
///
/// # Panics
/// As [`implementation`].
pub fn vectorize<R>(f: impl FnOnce() -> R) -> R {
    dispatch!(f(), simd => simd.vectorize(f))
}
