//! How an image is cut into tiles of 4 and 3 outputs a side, and how tiles are transformed to the points and back.

use super::blocked::{BLOCK, Layout, to_blocked};
use super::transforms::{InputTransform, LEFT_OUT, OutputAdjoint, OutputTransform, POINTS, Transform, transform_2d};
use crate::kernels::fast::simd::{Simd, vectorize};
use std::ops::Range;

/// The tiles of an image of outputs.
///
/// A side of 28 is seven tiles of 4; 14 is 4 + 4 + 3 + 3, which takes a sixth less work than four tiles of 4. A tile
/// that is three high does without the points (-q, any), one three wide without (any, -q). The four kinds (4x3, 4x4, 3x4,
/// 3x3) are ordered so that the tiles that use a point are neighbours.
pub struct Tiling {
    /// For each kind, the first row and column of each tile.
    kinds: [Vec<(usize, usize)>; 4],
}

/// For each kind of tile and each tile, the pixels of its square; those outside the image are one behind its last.
pub type Squares<const N: usize> = [Vec<[[u32; N]; N]>; 4];

impl Tiling {
    pub fn new(h: usize, w: usize) -> Tiling {
        let ([rows4, rows3], [columns4, columns3]) = (cut(h), cut(w));
        let kind = |rows: &[usize], columns: &[usize]| {
            rows.iter().flat_map(|&i| columns.iter().map(move |&j| (i, j))).collect()
        };
        let kinds =
            [kind(&rows4, &columns3), kind(&rows4, &columns4), kind(&rows3, &columns4), kind(&rows3, &columns3)];
        Tiling { kinds }
    }

    /// Tiles of an image.
    pub fn count(&self) -> usize {
        self.kinds.iter().map(Vec::len).sum()
    }

    /// The number of the first tile of a kind, among the tiles of `images` images.
    pub fn start(&self, kind: usize, images: usize) -> usize {
        self.kinds[..kind].iter().map(Vec::len).sum::<usize>() * images
    }

    /// The tiles of `images` images that use point (i, j).
    pub fn using(&self, (i, j): (usize, usize), images: usize) -> Range<usize> {
        let kinds = match (i == LEFT_OUT, j == LEFT_OUT) {
            (false, false) => 0..4,
            (true, false) => 0..2,
            (false, true) => 1..3,
            (true, true) => 1..2,
        };
        self.start(kinds.start, images)..self.start(kinds.end, images)
    }

    /// For each kind and each of its tiles, the pixels of the square of N x N that begins `before` rows and columns
    /// before its corner, in a plane (h, w); those outside are pixel h w.
    pub fn pixels<const N: usize>(&self, before: usize, h: usize, w: usize) -> Squares<N> {
        let place = |i: usize, d: usize, len: usize| (i + d).checked_sub(before).filter(|&p| p < len);
        let pixel = |i, j, (di, dj)| match (place(i, di, h), place(j, dj, w)) {
            (Some(row), Some(column)) => row * w + column,
            _ => h * w,
        };
        let index = |pixel: usize| u32::try_from(pixel).expect("an image of less than 2^32 pixels");
        let square =
            |&(i, j): &(usize, usize)| std::array::from_fn(|di| std::array::from_fn(|dj| index(pixel(i, j, (di, dj)))));
        std::array::from_fn(|kind| self.kinds[kind].iter().map(square).collect())
    }
}

/// Where the tiles of 4 and those of 3 begin along a side: as few tiles as cover it, and the smaller ones if they do.
fn cut(len: usize) -> [Vec<usize>; 2] {
    let tiles = len.div_ceil(4);
    let threes = tiles.min(4 * tiles - len);
    let fours = tiles - threes;
    [(0..fours).map(|i| 4 * i).collect(), (0..threes).map(|i| 4 * fours + 3 * i).collect()]
}

/// All points (i, j), row by row.
pub fn points() -> impl Iterator<Item = (usize, usize)> {
    (0..POINTS * POINTS).map(|p| (p / POINTS, p % POINTS))
}

/// A transform of tiles of images to the points, for tiles of 4 and of 3 a side.
pub trait TileTransform<const N: usize> {
    type Along<const FOUR: bool>: Transform<N, POINTS>;
}

/// B^T x B
pub struct Input;

impl TileTransform<6> for Input {
    type Along<const FOUR: bool> = InputTransform<FOUR>;
}

/// A gy A^T
pub struct OutputGradient;

impl TileTransform<4> for OutputGradient {
    type Along<const FOUR: bool> = OutputAdjoint<FOUR>;
}

/// Transforms all tiles of x (images, C, plane) to the points. `pixels` has room for a block of channels of a plane, and
/// for one pixel more.
///
/// # Safety
/// `squares` are those of `tiling` in a plane of this size.
#[inline(never)]
pub unsafe fn transform_images<S: Simd, T: TileTransform<N>, const N: usize>(
    simd: S,
    x: &[f32],
    size: (usize, usize),
    squares: &Squares<N>,
    tiling: &Tiling,
    pixels: &mut [f32],
    v: (&mut [f32], &Layout),
) {
    // SAFETY: as the caller promises.
    vectorize!(simd, unsafe { transform_blocks::<S, T, N>(simd, x, size, squares, tiling, pixels, v) });
}

/// # Safety
/// As for [`transform_images`].
#[inline(always)]
unsafe fn transform_blocks<S: Simd, T: TileTransform<N>, const N: usize>(
    simd: S,
    x: &[f32],
    (channels, plane): (usize, usize),
    squares: &Squares<N>,
    tiling: &Tiling,
    pixels: &mut [f32],
    (v, layout): (&mut [f32], &Layout),
) {
    let images = x.len() / (channels * plane);
    assert!(v.len() == layout.len && layout.rows == images * tiling.count());
    assert!(channels.div_ceil(BLOCK) <= layout.blocks && pixels.len() >= (plane + 1) * BLOCK);
    for (image, x) in x.chunks_exact(channels * plane).enumerate() {
        for (block, x) in x.chunks(BLOCK * plane).enumerate() {
            to_blocked(simd, x, plane, x.len() / plane, plane, pixels);
            pixels[plane * BLOCK..][..BLOCK].fill(0.0);
            let mut next = x.as_ptr_range().end;
            for (kind, squares) in squares.iter().enumerate() {
                let first = tiling.start(kind, images) + image * squares.len();
                // SAFETY: squares name pixels of the plane, or the one behind it, which is zero; V has a row for each tile.
                unsafe {
                    let v = v.as_mut_ptr().add(block * layout.block + first * BLOCK);
                    let (point, next) = (layout.point, next);
                    match kind {
                        0 => transform_tiles::<S, T::Along<true>, T::Along<false>, N>(
                            simd, pixels, squares, v, point, next,
                        ),
                        1 => transform_tiles::<S, T::Along<true>, T::Along<true>, N>(
                            simd, pixels, squares, v, point, next,
                        ),
                        2 => transform_tiles::<S, T::Along<false>, T::Along<true>, N>(
                            simd, pixels, squares, v, point, next,
                        ),
                        _ => transform_tiles::<S, T::Along<false>, T::Along<false>, N>(
                            simd, pixels, squares, v, point, next,
                        ),
                    }
                }
                next = next.wrapping_add(squares.len() * NEXT_LINES * BLOCK);
            }
        }
    }
}

/// Lines of the next block of channels that are fetched with each tile: 16 pixels of a tile of 4x4 in 16 channels.
const NEXT_LINES: usize = 16;

/// Transforms tiles of one kind to the points, and meanwhile fetches what comes `next`.
///
/// # Safety
/// `pixels` has all that the squares name, and `v` room for them at each point.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // i and j are rows and columns
unsafe fn transform_tiles<S: Simd, Down: Transform<N, POINTS>, Along: Transform<N, POINTS>, const N: usize>(
    simd: S,
    pixels: &[f32],
    squares: &[[[u32; N]; N]],
    v: *mut f32,
    point: usize,
    next: *const f32,
) {
    for (tile, square) in squares.iter().enumerate() {
        for line in 0..NEXT_LINES {
            simd.prefetch(next.wrapping_add((tile * NEXT_LINES + line) * BLOCK));
        }
        for lane in (0..BLOCK).step_by(S::LANES) {
            // SAFETY: as the caller promises.
            unsafe {
                let mut x = [[simd.splat(0.0); N]; N];
                for i in 0..N {
                    for j in 0..N {
                        x[i][j] = simd.load(pixels.as_ptr().add(square[i][j] as usize * BLOCK + lane));
                    }
                }
                let x = transform_2d::<S, Down, Along, N, POINTS>(simd, x);
                for i in 0..POINTS {
                    for j in 0..POINTS {
                        if (Down::FOUR || i != LEFT_OUT) && (Along::FOUR || j != LEFT_OUT) {
                            simd.store(v.add((i * POINTS + j) * point + tile * BLOCK + lane), x[i][j]);
                        }
                    }
                }
            }
        }
    }
}

/// A^T m A, plus a bias for each channel: from the points to the outputs of one image, one block of channels. `m` is that
/// block's numbers in its layout.
///
/// # Safety
/// `squares` are those of `tiling`, in a plane for which `pixels` has room, and for one pixel more.
#[inline(always)]
pub unsafe fn output_transform<S: Simd>(
    simd: S,
    (m, layout): (&[f32], &Layout),
    squares: &Squares<4>,
    tiling: &Tiling,
    (image, images): (usize, usize),
    bias: &[f32; BLOCK],
    pixels: &mut [f32],
) {
    assert!(m.len() >= layout.len - layout.point + layout.block && layout.rows == images * tiling.count());
    for (kind, squares) in squares.iter().enumerate() {
        let first = tiling.start(kind, images) + image * squares.len();
        // SAFETY: M has a row for each tile; squares name pixels of the plane, or the one behind it, as the caller promises.
        unsafe {
            let (m, point) = (m.as_ptr().add(first * BLOCK), layout.point);
            type T<const FOUR: bool> = OutputTransform<FOUR>;
            match kind {
                0 => output_tiles::<S, T<true>, T<false>>(simd, m, point, squares, bias, pixels),
                1 => output_tiles::<S, T<true>, T<true>>(simd, m, point, squares, bias, pixels),
                2 => output_tiles::<S, T<false>, T<true>>(simd, m, point, squares, bias, pixels),
                _ => output_tiles::<S, T<false>, T<false>>(simd, m, point, squares, bias, pixels),
            }
        }
    }
}

/// The outputs of tiles of one kind.
///
/// # Safety
/// `m` has the numbers of these tiles at each point, and `pixels` room for all that the squares name.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // i and j are rows and columns
unsafe fn output_tiles<S: Simd, Down: Transform<POINTS, 4>, Along: Transform<POINTS, 4>>(
    simd: S,
    m: *const f32,
    point: usize,
    squares: &[[[u32; 4]; 4]],
    bias: &[f32; BLOCK],
    pixels: &mut [f32],
) {
    for (tile, square) in squares.iter().enumerate() {
        for lane in (0..BLOCK).step_by(S::LANES) {
            // SAFETY: as the caller promises.
            unsafe {
                let mut x = [[simd.splat(0.0); POINTS]; POINTS];
                for i in 0..POINTS {
                    for j in 0..POINTS {
                        if (Down::FOUR || i != LEFT_OUT) && (Along::FOUR || j != LEFT_OUT) {
                            x[i][j] = simd.load(m.add((i * POINTS + j) * point + tile * BLOCK + lane));
                        }
                    }
                }
                let y = transform_2d::<S, Down, Along, POINTS, 4>(simd, x);
                let bias = simd.load(bias.as_ptr().add(lane));
                for i in 0..if Down::FOUR { 4 } else { 3 } {
                    for j in 0..if Along::FOUR { 4 } else { 3 } {
                        let at = pixels.as_mut_ptr().add(square[i][j] as usize * BLOCK + lane);
                        simd.store(at, simd.add(y[i][j], bias));
                    }
                }
            }
        }
    }
}
