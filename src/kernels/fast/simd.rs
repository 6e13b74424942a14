//! Vectors of numbers: 16 with AVX-512, 8 with AVX2, 4 elsewhere. Every fast kernel is written once, generic over the
//! instruction set `S:` [`Simd`], and compiled once for each; `kernels/dispatch.rs` chooses `S` when a kernel is called.
//!
//! A function that uses vector instructions must be compiled for them, with `#[target_feature]`. Neither generic
//! functions nor the closures that rayon runs inherit that from their caller, so the work of a thread is wrapped in
//! [`vectorize!`]: a function with that attribute, into which all `#[inline(always)]` functions below it are inlined. It
//! serves vectors written by hand and plain loops that the compiler vectorises. (What is not inlined is compiled without:
//! with an ordinary closure here the products took 50 times as long.)

use super::mul_add::mul_add;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// An instruction set. Its values prove that the CPU has it, for only [`Avx512::detect`] and its like make one.
pub trait Simd: Copy + Send + Sync {
    /// A register.
    type Vector: Copy;
    /// Numbers in a vector.
    const LANES: usize;
    /// Rows of a micro-tile: so many pairs of sums fit into the registers beside two vectors of B and a number of A.
    const MR: usize;

    /// Runs `f`, compiled with these instructions as far as it is inlined. See [`vectorize!`].
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R;

    fn splat(self, x: f32) -> Self::Vector;
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a b + c
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// a x + y
    #[inline(always)]
    fn axpy(self, a: f32, x: Self::Vector, y: Self::Vector) -> Self::Vector {
        self.mul_add(x, self.splat(a), y)
    }
    /// a x
    #[inline(always)]
    fn scale(self, a: f32, x: Self::Vector) -> Self::Vector {
        self.axpy(a, x, self.splat(0.0))
    }
    /// Fetches the cache line of `at`, which may be any address.
    fn prefetch(self, at: *const f32);

    /// # Safety
    /// LANES numbers from `at` on can be read.
    unsafe fn load(self, at: *const f32) -> Self::Vector;
    /// # Safety
    /// LANES numbers from `at` on can be written.
    unsafe fn store(self, at: *mut f32, x: Self::Vector);
    /// The lanes whose bit is set from memory, where lane 0 would be at `at`; the others from `x`.
    ///
    /// # Safety
    /// The numbers of these lanes can be read.
    unsafe fn load_lanes(self, x: Self::Vector, at: *const f32, lanes: u16) -> Self::Vector;
    /// Stores the lanes whose bit is set; lane 0 would be at `at`.
    ///
    /// # Safety
    /// The numbers of these lanes can be written.
    unsafe fn store_lanes(self, at: *mut f32, x: Self::Vector, lanes: u16);
    /// Transposes a block of LANES x LANES numbers: `to[j][i] = from[i][j]`.
    ///
    /// # Safety
    /// LANES rows of LANES numbers, so far apart, can be read and written.
    unsafe fn transpose(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize);
}

/// Numbers of a vector with any instruction set, at most.
pub const MOST_LANES: usize = 16;

/// Evaluates an expression, compiled with the instructions of `$simd`.
macro_rules! vectorize {
    ($simd:expr, $body:expr) => {
        $simd.vectorize(
            #[inline(always)]
            || $body,
        )
    };
}
pub(super) use vectorize;

/// The lanes `start..end`, as bits.
pub fn lanes(start: usize, end: usize) -> u16 {
    (((1u32 << end) - 1) & !((1u32 << start) - 1)) as u16
}

/// AVX-512 F, VL, DQ and BW: 32 registers of 16 numbers, 28 of which hold a micro-tile.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// The instruction set, if the CPU has it.
    pub fn detect() -> Option<Avx512> {
        let foundation = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        let rest = is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512bw");
        (Avx2::detect().is_some() && foundation && rest).then_some(Avx512(()))
    }
}

// SAFETY of all blocks: `self` proves that the CPU has the instructions; addresses are as the caller promises.
#[cfg(target_arch = "x86_64")]
impl Simd for Avx512 {
    type Vector = __m512;
    const LANES: usize = 16;
    const MR: usize = 14;

    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512dq,avx512bw")]
        fn run<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        unsafe { run(f) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn prefetch(self, at: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
    #[inline(always)]
    unsafe fn load(self, at: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(at) }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f32, x: __m512) {
        unsafe { _mm512_storeu_ps(at, x) }
    }
    #[inline(always)]
    unsafe fn load_lanes(self, x: __m512, at: *const f32, lanes: u16) -> __m512 {
        unsafe { _mm512_mask_loadu_ps(x, lanes, at) }
    }
    #[inline(always)]
    unsafe fn store_lanes(self, at: *mut f32, x: __m512, lanes: u16) {
        unsafe { _mm512_mask_storeu_ps(at, lanes, x) }
    }
    /// As four blocks of 8 x 8.
    #[inline(always)]
    unsafe fn transpose(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for (i, j) in [(0, 0), (0, 8), (8, 0), (8, 8)] {
            unsafe {
                let (from, to) = (from.add(i * from_stride + j), to.add(j * to_stride + i));
                Avx2(()).transpose(from, from_stride, to, to_stride);
            }
        }
    }
}

/// AVX2 and FMA: 16 registers of 8 numbers, 12 of which hold a micro-tile.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// The instruction set, if the CPU has it.
    pub fn detect() -> Option<Avx2> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
    }

    /// Bit i of `lanes` as all bits of lane i.
    #[inline(always)]
    fn mask(self, lanes: u16) -> __m256i {
        // SAFETY: `self` proves that the CPU has the instructions.
        unsafe {
            let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(i32::from(lanes)), bits), bits)
        }
    }
}

// SAFETY of all blocks: `self` proves that the CPU has the instructions; addresses are as the caller promises.
#[cfg(target_arch = "x86_64")]
impl Simd for Avx2 {
    type Vector = __m256;
    const LANES: usize = 8;
    const MR: usize = 6;

    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "avx2,fma")]
        fn run<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        unsafe { run(f) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn prefetch(self, at: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
    #[inline(always)]
    unsafe fn load(self, at: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(at) }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f32, x: __m256) {
        unsafe { _mm256_storeu_ps(at, x) }
    }
    #[inline(always)]
    unsafe fn load_lanes(self, x: __m256, at: *const f32, lanes: u16) -> __m256 {
        unsafe {
            let mask = self.mask(lanes);
            _mm256_blendv_ps(x, _mm256_maskload_ps(at, mask), _mm256_castsi256_ps(mask))
        }
    }
    #[inline(always)]
    unsafe fn store_lanes(self, at: *mut f32, x: __m256, lanes: u16) {
        // Most vectors are whole. With masks for them too, 400 training steps of the VAE took 1.17 times as long (Zen 3).
        match lanes {
            0xff => unsafe { self.store(at, x) },
            _ => unsafe { _mm256_maskstore_ps(at, self.mask(lanes), x) },
        }
    }
    /// Halves of rows i and i + 4 are put together while loading; then pairs, then quadruples change places.
    #[inline(always)]
    unsafe fn transpose(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        unsafe {
            for half in 0..2 {
                let row = |i: usize| {
                    let low = _mm_loadu_ps(from.add(i * from_stride + 4 * half));
                    let high = _mm_loadu_ps(from.add((i + 4) * from_stride + 4 * half));
                    _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(low), high)
                };
                let (a, b, c, d) = (row(0), row(1), row(2), row(3));
                let (ab, ab2) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                let (cd, cd2) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                let to = to.add(4 * half * to_stride);
                _mm256_storeu_ps(to, _mm256_shuffle_ps::<0x44>(ab, cd));
                _mm256_storeu_ps(to.add(to_stride), _mm256_shuffle_ps::<0xee>(ab, cd));
                _mm256_storeu_ps(to.add(2 * to_stride), _mm256_shuffle_ps::<0x44>(ab2, cd2));
                _mm256_storeu_ps(to.add(3 * to_stride), _mm256_shuffle_ps::<0xee>(ab2, cd2));
            }
        }
    }
}

/// What the compiler's target has (SSE2 on x86-64, NEON on AArch64), four numbers at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portable;

// SAFETY of all blocks: addresses are as the caller promises.
impl Simd for Portable {
    type Vector = [f32; 4];
    const LANES: usize = 4;
    const MR: usize = if cfg!(target_arch = "aarch64") { 12 } else { 6 };

    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        f()
    }
    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 4] {
        [x; 4]
    }
    #[inline(always)]
    fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        mul_add(a, b, c)
    }
    #[inline(always)]
    fn prefetch(self, _: *const f32) {}
    #[inline(always)]
    unsafe fn load(self, at: *const f32) -> [f32; 4] {
        unsafe { at.cast::<[f32; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f32, x: [f32; 4]) {
        unsafe { at.cast::<[f32; 4]>().write(x) }
    }
    #[inline(always)]
    unsafe fn load_lanes(self, mut x: [f32; 4], at: *const f32, lanes: u16) -> [f32; 4] {
        for (i, x) in x.iter_mut().enumerate().filter(|(i, _)| lanes >> i & 1 == 1) {
            *x = unsafe { *at.wrapping_add(i) };
        }
        x
    }
    #[inline(always)]
    unsafe fn store_lanes(self, at: *mut f32, x: [f32; 4], lanes: u16) {
        for (i, x) in x.into_iter().enumerate().filter(|(i, _)| lanes >> i & 1 == 1) {
            unsafe { *at.wrapping_add(i) = x };
        }
    }
    #[inline(always)]
    unsafe fn transpose(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for i in 0..4 {
            for j in 0..4 {
                unsafe { *to.add(j * to_stride + i) = *from.add(i * from_stride + j) };
            }
        }
    }
}
