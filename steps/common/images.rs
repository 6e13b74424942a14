//! Images as files: a grid as PNG, an animation as GIF.

use anyhow::{Context, Result};
use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, GrayImage, ImageFormat, Luma, imageops};
use std::io::Cursor;
use std::path::Path;
use tsukuru::Real;
use tsukuru::files::write_whole;
use tsukuru::tensor::Tensor;

/// Pixels between the images of a grid, before enlarging.
const GAP: usize = 2;
/// How many screen pixels a pixel becomes, along each axis.
const ENLARGED: u32 = 3;

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
    imageops::resize(&picture, width * ENLARGED, height * ENLARGED, imageops::FilterType::Nearest)
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
    let mut bytes = Vec::new();
    let mut gif = GifEncoder::new_with_speed(&mut bytes, 10);
    gif.set_repeat(Repeat::Infinite).expect("an animation in memory");
    for (i, frame) in frames.iter().enumerate() {
        let milliseconds = if i + 1 == frames.len() { 2500 } else { 80 };
        let picture = image::DynamicImage::ImageLuma8(grid(frame, columns)).into_rgba8();
        let frame = Frame::from_parts(picture, 0, 0, Delay::from_numer_denom_ms(milliseconds, 1));
        gif.encode_frame(frame).expect("an animation in memory");
    }
    drop(gif);
    write(path, &bytes)
}
