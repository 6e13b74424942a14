//! Vectors of numbers: 16 with AVX-512, 8 with AVX2, 4 elsewhere. Kernels that must not leave their speed to the
//! compiler's vectoriser are written once, for any [`Simd`], and compiled for each [`Level`] by [`dispatch`].

use super::cpu::{Level, level};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A vector of numbers in a register.
///
/// # Safety
/// All methods need a CPU with the vector's instructions, and `at` must be valid for reading or writing the lanes
/// named, wherever they begin.
pub trait Simd: Copy {
    /// Numbers in a vector.
    const LANES: usize;
    /// Rows of a tile that fit into the registers beside two vectors of B and one broadcast number of A.
    const TILE_ROWS: usize;

    unsafe fn splat(x: f32) -> Self;
    unsafe fn load(at: *const f32) -> Self;
    unsafe fn store(self, at: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    /// self * a + b
    unsafe fn mul_add(self, a: Self, b: Self) -> Self;
    /// The lanes whose bit is set from memory, the others from `self`. Lane 0 is at `at`, even if it is not read.
    unsafe fn load_lanes(self, at: *const f32, lanes: u16) -> Self;
    /// Stores the lanes whose bit is set.
    unsafe fn store_lanes(self, at: *mut f32, lanes: u16);
    /// Asks for the line of `at` to be in the cache soon; any address will do.
    unsafe fn prefetch(at: *const f32);
    /// Turns a block of LANES x LANES numbers: `to[j][i] = from[i][j]`.
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize);
}

/// The lanes `start..end`, as bits.
pub fn lanes(start: usize, end: usize) -> u16 {
    (((1u32 << end) - 1) & !((1u32 << start) - 1)) as u16
}

/// Work to be done with the best vectors that this CPU has.
pub trait Kernel {
    /// # Safety
    /// The CPU must have the instructions of `S`. Implementations are `#[inline(always)]`, so that they are compiled
    /// with them.
    unsafe fn run<S: Simd>(self);
}

/// Runs `kernel` with this CPU's vectors.
pub fn dispatch<K: Kernel>(kernel: K) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2<K: Kernel>(kernel: K) {
            // SAFETY: this function's caller checked the CPU.
            unsafe { kernel.run::<__m256>() }
        }
        #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512dq,avx512bw")]
        unsafe fn avx512<K: Kernel>(kernel: K) {
            // SAFETY: this function's caller checked the CPU.
            unsafe { kernel.run::<__m512>() }
        }
        // SAFETY: `level` has checked that this CPU has these instructions; portable vectors need none.
        match level() {
            Level::Avx512 => unsafe { avx512(kernel) },
            Level::Avx2 => unsafe { avx2(kernel) },
            Level::Portable => unsafe { kernel.run::<[f32; 4]>() },
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _: Level = level();
        // SAFETY: portable vectors need no particular instructions.
        unsafe { kernel.run::<[f32; 4]>() }
    }
}

/// LANES and TILE_ROWS of this CPU's vectors.
pub fn geometry() -> (usize, usize) {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => (__m512::LANES, __m512::TILE_ROWS),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => (__m256::LANES, __m256::TILE_ROWS),
        _ => (<[f32; 4]>::LANES, <[f32; 4]>::TILE_ROWS),
    }
}

/// 32 registers: 28 hold a tile.
// SAFETY of all blocks: the caller keeps the contract of `Simd`.
#[cfg(target_arch = "x86_64")]
impl Simd for __m512 {
    const LANES: usize = 16;
    const TILE_ROWS: usize = 14;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(at: *const f32) -> Self {
        unsafe { _mm512_loadu_ps(at) }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f32) {
        unsafe { _mm512_storeu_ps(at, self) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { _mm512_add_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        unsafe { _mm512_fmadd_ps(self, a, b) }
    }
    #[inline(always)]
    unsafe fn load_lanes(self, at: *const f32, lanes: u16) -> Self {
        unsafe { _mm512_mask_loadu_ps(self, lanes, at) }
    }
    #[inline(always)]
    unsafe fn store_lanes(self, at: *mut f32, lanes: u16) {
        unsafe { _mm512_mask_storeu_ps(at, lanes, self) }
    }
    #[inline(always)]
    unsafe fn prefetch(at: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for (i, j) in [(0, 0), (0, 8), (8, 0), (8, 8)] {
            unsafe {
                __m256::transpose(from.add(i * from_stride + j), from_stride, to.add(j * to_stride + i), to_stride)
            }
        }
    }
}

/// 16 registers: 12 hold a tile.
// SAFETY of all blocks: the caller keeps the contract of `Simd`.
#[cfg(target_arch = "x86_64")]
impl Simd for __m256 {
    const LANES: usize = 8;
    const TILE_ROWS: usize = 6;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(at: *const f32) -> Self {
        unsafe { _mm256_loadu_ps(at) }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f32) {
        unsafe { _mm256_storeu_ps(at, self) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { _mm256_add_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        unsafe { _mm256_fmadd_ps(self, a, b) }
    }
    #[inline(always)]
    unsafe fn load_lanes(self, at: *const f32, lanes: u16) -> Self {
        unsafe {
            let mask = spread(lanes);
            _mm256_blendv_ps(self, _mm256_maskload_ps(at, mask), _mm256_castsi256_ps(mask))
        }
    }
    #[inline(always)]
    unsafe fn store_lanes(self, at: *mut f32, lanes: u16) {
        // Most vectors are whole. With masks for them too, 400 training steps of the VAE took 1.17 times as long (Zen 3).
        match lanes {
            0xff => unsafe { self.store(at) },
            _ => unsafe { _mm256_maskstore_ps(at, spread(lanes), self) },
        }
    }
    #[inline(always)]
    unsafe fn prefetch(at: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
    /// Halves of rows i and i + 4 are put together while loading; then pairs, then quadruples change places.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
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

/// Bit i of `lanes` as all bits of lane i.
///
/// # Safety
/// Needs AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn spread(lanes: u16) -> __m256i {
    unsafe {
        let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(i32::from(lanes)), bits), bits)
    }
}

/// Four numbers; every compiler target that matters has registers for them (SSE, NEON).
// SAFETY of all blocks: the caller keeps the contract of `Simd`.
impl Simd for [f32; 4] {
    const LANES: usize = 4;
    const TILE_ROWS: usize = if cfg!(target_arch = "aarch64") { 12 } else { 6 };

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn load(at: *const f32) -> Self {
        unsafe { at.cast::<[f32; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f32) {
        unsafe { at.cast::<[f32; 4]>().write(self) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] + other[i])
    }
    /// Where the target has no fused instruction, `f32::mul_add` would call a library function: a hundred times slower.
    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        let fused = cfg!(any(target_feature = "fma", target_arch = "aarch64"));
        std::array::from_fn(|i| if fused { self[i].mul_add(a[i], b[i]) } else { self[i] * a[i] + b[i] })
    }
    #[inline(always)]
    unsafe fn load_lanes(mut self, at: *const f32, lanes: u16) -> Self {
        for (i, x) in self.iter_mut().enumerate().filter(|(i, _)| lanes >> i & 1 == 1) {
            *x = unsafe { *at.wrapping_add(i) };
        }
        self
    }
    #[inline(always)]
    unsafe fn store_lanes(self, at: *mut f32, lanes: u16) {
        for (i, x) in self.into_iter().enumerate().filter(|(i, _)| lanes >> i & 1 == 1) {
            unsafe { *at.wrapping_add(i) = x };
        }
    }
    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for i in 0..4 {
            for j in 0..4 {
                unsafe { *to.add(j * to_stride + i) = *from.add(i * from_stride + j) };
            }
        }
    }
}
