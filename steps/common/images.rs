//! Images as files: a grid as PNG, an animation as GIF.

use super::picture::Picture;
use anyhow::{Context, Result};
use gif::{Encoder, Frame, Repeat};
use std::path::Path;
use tsukuru::Real;
use tsukuru::files::write_whole;
use tsukuru::tensor::Tensor;

/// Pixels between the images of a grid, before enlarging.
const GAP: usize = 2;
/// How many screen pixels a pixel becomes, along each axis.
const SCALE: usize = 3;

/// 0..1 as a byte, as the book does it: what lies outside is cut off, and fractions are dropped.
pub fn byte(x: Real) -> u8 {
    (x.clamp(0.0, 1.0) * 255.0) as u8
}

/// The images x (N, 1, H, W), `columns` of them in each row, in grey.
pub fn grid(x: &Tensor, columns: usize) -> Picture<u8> {
    let &[n, _, h, w] = &x.shape()[..] else { panic!("grid: x {} is not (N, 1, H, W)", x.shape()) };
    let columns = columns.clamp(1, n.max(1));
    let rows = n.div_ceil(columns);
    let side = |count: usize, size: usize| count * (size + GAP) + GAP;
    let mut picture = Picture::new(side(columns, w), side(rows, h), 64);
    for (i, image) in x.data().chunks(h * w).enumerate() {
        let (top, left) = (i / columns * (h + GAP) + GAP, i % columns * (w + GAP) + GAP);
        for (j, &pixel) in image.iter().enumerate() {
            *picture.pixel_mut(left + j % w, top + j / w) = byte(pixel);
        }
    }
    picture.enlarged(SCALE)
}

/// Writes the images x (N, 1, H, W) as a grid.
pub fn save_grid(path: &Path, x: &Tensor, columns: usize) -> Result<()> {
    let picture = grid(x, columns);
    let mut bytes = vec![];
    let mut png = png::Encoder::new(&mut bytes, picture.width as u32, picture.height as u32);
    png.set_color(png::ColorType::Grayscale);
    png.set_depth(png::BitDepth::Eight);
    png.set_compression(png::Compression::Fast);
    png.set_filter(png::Filter::Adaptive);
    png.write_header().and_then(|mut png| png.write_image_data(&picture.pixels)).expect("a picture in memory");
    write(path, &bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, |file| file.write_all(bytes)).with_context(|| format!("{}: cannot be written", path.display()))
}

/// Writes an animation of grids; the last one stays for a while.
pub fn save_animation(path: &Path, frames: &[Tensor], columns: usize) -> Result<()> {
    let coloured = |grey: Picture<u8>| {
        let pixels = grey.pixels.into_iter().map(|shade| [shade; 3]).collect();
        Picture { width: grey.width, height: grey.height, pixels }
    };
    save_gif(path, frames.iter().map(|frame| coloured(grid(frame, columns))), 80, 2500)
}

/// Writes pictures, all of one size, as an animation that begins again and again. Each stays for `milliseconds`, the last
/// one for `last`.
///
/// # Errors
/// If the file cannot be written.
pub fn save_gif(
    path: &Path,
    pictures: impl Iterator<Item = Picture<[u8; 3]>>,
    milliseconds: u32,
    last: u32,
) -> Result<()> {
    let mut pictures = pictures.peekable();
    let (width, height) = pictures.peek().map_or((1, 1), |picture| (picture.width as u16, picture.height as u16));
    let mut gif = Encoder::new(vec![], width, height, &[])?;
    gif.set_repeat(Repeat::Infinite)?;
    let mut before: Option<Picture<[u8; 3]>> = None;
    while let Some(picture) = pictures.next() {
        let mut pixels: Vec<[u8; 4]> = picture.pixels.iter().map(|&[r, g, b]| [r, g, b, 255]).collect();
        // What stays is not written again: a transparent pixel lets the frame before it be seen.
        if let Some(before) = &before {
            for (pixel, (now, before)) in pixels.iter_mut().zip(picture.pixels.iter().zip(&before.pixels)) {
                if now == before {
                    *pixel = [0; 4];
                }
            }
        }
        let stay = if pictures.peek().is_some() { milliseconds } else { last };
        let frame = Frame::from_rgba_speed(width, height, pixels.as_flattened_mut(), 10);
        gif.write_frame(&Frame { delay: (stay / 10) as u16, ..frame })?;
        before = Some(picture);
    }
    write(path, &gif.into_inner()?)
}
