//! Which instructions this CPU has, and how one source is compiled for each of them.

use std::sync::LazyLock;

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Whatever the compiler's target has: SSE2 on x86-64, NEON on AArch64.
    Portable,
    /// AVX2 and FMA: 8 numbers at a time.
    Avx2,
    /// AVX-512 F, VL, DQ and BW: 16 numbers at a time.
    Avx512,
}

/// The best level of this CPU, or the one that the environment variable `KERNELS` names.
///
/// # Panics
/// If [`choose`] finds fault with `KERNELS`.
pub fn level() -> Level {
    static LEVEL: LazyLock<Level> = LazyLock::new(|| choose().unwrap_or_else(|error| panic!("{error}")));
    *LEVEL
}

/// What [`level`] is going to be.
///
/// # Errors
/// If `KERNELS` names something unknown, or something that this CPU lacks.
pub fn choose() -> Result<Level, String> {
    let best = best();
    let wanted = match std::env::var("KERNELS").as_deref() {
        Err(_) | Ok("" | "fast" | "reference") => best,
        Ok("portable") => Level::Portable,
        Ok("avx2") => Level::Avx2,
        Ok("avx512") => Level::Avx512,
        Ok(other) => return Err(format!("KERNELS={other}: expected fast, avx512, avx2, portable or reference")),
    };
    match wanted <= best {
        true => Ok(wanted),
        false => Err(format!("KERNELS asks for {wanted:?}, but the best that this CPU has is {best:?}")),
    }
}

#[cfg(target_arch = "x86_64")]
fn best() -> Level {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
    let avx512 = avx512 && is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512bw");
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Portable,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn best() -> Level {
    Level::Portable
}

/// Runs `f`, compiled once per [`Level`], with the instructions of this CPU. Only what is inlined profits: mark `f` and
/// the functions that it calls `#[inline(always)]`, and write loops rather than chains of closures.
pub fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn avx2<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512dq,avx512bw")]
        fn avx512<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        match level() {
            // SAFETY: `level` has checked that this CPU has these instructions.
            Level::Avx512 => unsafe { avx512(f) },
            Level::Avx2 => unsafe { avx2(f) },
            Level::Portable => f(),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    f()
}

/// Defines functions whose plain Rust body is [`vectorised`].
macro_rules! for_each_level {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) $(-> $out:ty)? $body:block)*) => {$(
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $kind),*) $(-> $out)? {
            #[inline(always)]
            fn body($($arg: $kind),*) $(-> $out)? $body
            $crate::kernels::fast::cpu::vectorised(
                #[inline(always)]
                || body($($arg),*),
            )
        }
    )*};
}
pub(crate) use for_each_level;
