//! Images as files: a grid as PNG, an animation as GIF.

use anyhow::{Context, Result};
use gif::{Encoder, Frame, Repeat};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgba, RgbaImage, imageops};
use std::io::Cursor;
use std::path::Path;
use tsukuru::Real;
use tsukuru::files::write_whole;
use tsukuru::tensor::Tensor;

/// Pixels between the images of a grid, before enlarging.
const GAP: usize = 2;
/// How many screen pixels a pixel becomes, along each axis.
const SCALE: u32 = 3;

/// 0..1 as a byte, as the book does it: what lies outside is cut off, and fractions are dropped.
pub fn byte(x: Real) -> u8 {
    (x.clamp(0.0, 1.0) * 255.0) as u8
}

/// The images x (N, 1, H, W), `columns` of them in each row.
pub fn grid(x: &Tensor, columns: usize) -> GrayImage {
    let &[n, _, h, w] = &x.shape()[..] else { panic!("grid: x {} is not (N, 1, H, W)", x.shape()) };
    let columns = columns.clamp(1, n.max(1));
    let rows = n.div_ceil(columns);
    let side = |count: usize, size: usize| (count * (size + GAP) + GAP) as u32;
    let mut picture = GrayImage::from_pixel(side(columns, w), side(rows, h), Luma([64]));
    for (i, image) in x.data().chunks(h * w).enumerate() {
        let (top, left) = (i / columns * (h + GAP) + GAP, i % columns * (w + GAP) + GAP);
        for (j, &pixel) in image.iter().enumerate() {
            picture.put_pixel((left + j % w) as u32, (top + j / w) as u32, Luma([byte(pixel)]));
        }
    }
    let (width, height) = picture.dimensions();
    imageops::resize(&picture, width * SCALE, height * SCALE, imageops::FilterType::Nearest)
}

/// Writes the images x (N, 1, H, W) as a grid.
pub fn save_grid(path: &Path, x: &Tensor, columns: usize) -> Result<()> {
    let mut png = Cursor::new(Vec::new());
    grid(x, columns).write_to(&mut png, ImageFormat::Png).expect("a picture in memory");
    write(path, png.get_ref())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, |file| file.write_all(bytes)).with_context(|| format!("{}: cannot be written", path.display()))
}

/// Writes an animation of grids; the last one stays for a while.
pub fn save_animation(path: &Path, frames: &[Tensor], columns: usize) -> Result<()> {
    save_gif(path, frames.iter().map(|frame| grid(frame, columns)), 80, 2500)
}

/// Writes pictures, all of one size, as an animation that begins again and again. Each stays for `milliseconds`, the last
/// one for `last`.
///
/// # Errors
/// If the file cannot be written.
pub fn save_gif(
    path: &Path,
    pictures: impl Iterator<Item = impl Into<DynamicImage>>,
    milliseconds: u32,
    last: u32,
) -> Result<()> {
    let mut pictures = pictures.map(|picture| picture.into().into_rgba8()).peekable();
    let (width, height) = pictures.peek().map_or((1, 1), |picture| (picture.width() as u16, picture.height() as u16));
    let mut gif = Encoder::new(vec![], width, height, &[])?;
    gif.set_repeat(Repeat::Infinite)?;
    let mut before: Option<RgbaImage> = None;
    while let Some(picture) = pictures.next() {
        // What stays is not written again: a transparent pixel lets the frame before it be seen.
        let mut pixels = picture.clone();
        for (pixel, before) in pixels.pixels_mut().zip(before.iter().flat_map(RgbaImage::pixels)) {
            if pixel == before {
                *pixel = Rgba([0; 4]);
            }
        }
        let stay = if pictures.peek().is_some() { milliseconds } else { last };
        let frame = Frame::from_rgba_speed(width, height, &mut pixels, 10);
        gif.write_frame(&Frame { delay: (stay / 10) as u16, ..frame })?;
        before = Some(picture);
    }
    write(path, &gif.into_inner()?)
}
