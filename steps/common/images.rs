//! Images as files: a grid as PNG, an animation as GIF.

use super::letters;
use super::palette::palette;
use super::picture::Picture;
use anyhow::{Context, Result, bail};
use gif::{Encoder, Frame, Repeat};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::path::Path;
use tsukuru::Real;
use tsukuru::files::write_whole;
use tsukuru::tensor::Tensor;

/// Pixels between the images of a grid.
const GAP: usize = 6;
/// How many screen pixels a pixel becomes, along each axis.
const SCALE: usize = 3;
/// The colours between the images, and of captions.
const PAPER: [u8; 3] = [64; 3];
const INK: [u8; 3] = [232; 3];

/// 0..1 as a byte, as the book does it: what lies outside is cut off, and fractions are dropped.
pub fn byte(x: Real) -> u8 {
    (x.clamp(0.0, 1.0) * 255.0) as u8
}

/// The size of an image as messages have it: 28 x 28, or with its channels 3 x 32 x 32.
pub fn size_name([c, h, w]: [usize; 3]) -> String {
    if c == 1 { format!("{h} x {w}") } else { format!("{c} x {h} x {w}") }
}

/// What is written beside the images of a grid: what each one shows, or each row.
#[derive(Clone, Debug, Default)]
pub struct Captions {
    /// One above each of the first images, in their order. A row without any takes no room for them.
    pub above: Vec<String>,
    /// One to the left of each of the first rows.
    pub beside: Vec<String>,
}

impl Captions {
    pub fn above(captions: impl IntoIterator<Item = String>) -> Captions {
        Captions { above: captions.into_iter().collect(), ..Captions::default() }
    }

    pub fn beside(captions: impl IntoIterator<Item = String>) -> Captions {
        Captions { beside: captions.into_iter().collect(), ..Captions::default() }
    }

    /// A caption of its own above each of the first images, which are `w` pixels wide: what is wider is cut off.
    pub fn within(captions: impl IntoIterator<Item = String>, w: usize) -> Captions {
        let fitting = |caption: String| {
            let ends = caption.char_indices().map(|(i, _)| i).chain([caption.len()]);
            let end = ends.take_while(|&end| letters::width(&caption[..end]) <= w * SCALE).last();
            caption[..end.unwrap_or(0)].to_string()
        };
        Captions::above(captions.into_iter().map(fitting))
    }
}

/// The images x (N, C, H, W), `columns` of them in each row: grey ones, or coloured ones of red, green and blue.
///
/// # Errors
/// If a pixel is NaN or infinite: as a byte it would be black or white, as if it were an image.
///
/// # Panics
/// If C is neither 1 nor 3.
#[track_caller]
pub fn grid(x: &Tensor, columns: usize, captions: &Captions) -> Result<Picture> {
    let &[n, c @ (1 | 3), h, w] = &x.shape()[..] else { panic!("grid: x {} is not (N, 1 or 3, H, W)", x.shape()) };
    if let Some(i) = x.data().iter().position(|x| !x.is_finite()) {
        let (image, y, x, found) = (i / (c * h * w), i / w % h, i % w, x.data()[i]);
        bail!(
            "image {image}, row {y}, column {x} (all counted from 0): expected a finite number, found {found}; \
             if a model draws such images, try a smaller --lr"
        );
    }
    let columns = columns.clamp(1, n.max(1));
    let rows = n.div_ceil(columns);
    // Wide pictures are shown smaller than they are.
    let size = if columns * w * SCALE > 1000 { 2 } else { 1 };
    let width = |caption: &str| size * letters::width(caption);
    let beside = captions.beside.iter().map(|caption| width(caption) + 2 * GAP).max().unwrap_or(0);
    let lefts: Vec<usize> = (0..=columns).map(|column| beside + GAP + column * (w * SCALE + GAP)).collect();
    let mut tops = vec![];
    let mut bottom = GAP;
    for row in 0..rows {
        tops.push(bottom + if row * columns < captions.above.len() { size * letters::HEIGHT } else { 0 });
        bottom = tops[row] + h * SCALE + GAP;
    }
    let mut picture = Picture::new(lefts[columns], bottom, PAPER);
    for (i, image) in x.data().chunks(c * h * w).enumerate() {
        let (left, top) = (lefts[i % columns], tops[i / columns]);
        for j in 0..h * w * SCALE * SCALE {
            let (y, x) = (j / (w * SCALE), j % (w * SCALE));
            let shade = |channel: usize| byte(image[(channel * h + y / SCALE) * w + x / SCALE]);
            *picture.pixel_mut(left + x, top + y) = [0, 1, 2].map(|channel| shade(channel % c));
        }
    }
    for (i, caption) in captions.above.iter().take(n).enumerate() {
        let indent = (w * SCALE).saturating_sub(width(caption)) / 2;
        write_letters(
            &mut picture,
            caption,
            (lefts[i % columns] + indent, tops[i / columns] - size * letters::HEIGHT),
            size,
        );
    }
    for (caption, top) in captions.beside.iter().zip(&tops) {
        let indent = beside - GAP - width(caption);
        write_letters(
            &mut picture,
            caption,
            (indent, top + (h * SCALE).saturating_sub(size * letters::HEIGHT) / 2),
            size,
        );
    }
    Ok(picture)
}

/// Each pixel of a letter becomes `size` x `size` pixels. What leaves the picture is cut off.
fn write_letters(picture: &mut Picture, text: &str, (left, top): (usize, usize), size: usize) {
    for (x, y) in letters::ink(text) {
        for i in 0..size * size {
            let (x, y) = (left + size * x + i % size, top + size * y + i / size);
            if x < picture.width && y < picture.height {
                *picture.pixel_mut(x, y) = INK;
            }
        }
    }
}

/// Writes the images x (N, C, H, W) as a grid.
///
/// # Errors
/// As [`save_captioned_grid`].
pub fn save_grid(path: &Path, x: &Tensor, columns: usize) -> Result<()> {
    save_captioned_grid(path, x, columns, &Captions::default())
}

/// Writes the images x (N, C, H, W) as a grid with captions.
///
/// # Errors
/// As [`grid`], or if the file cannot be written.
pub fn save_captioned_grid(path: &Path, x: &Tensor, columns: usize, captions: &Captions) -> Result<()> {
    let picture = grid(x, columns, captions).with_context(|| format!("{}: not drawn", path.display()))?;
    let (pixels, colour) = match x.shape()[1] {
        1 => (picture.pixels.iter().map(|pixel| pixel[0]).collect(), ExtendedColorType::L8),
        _ => (picture.pixels.concat(), ExtendedColorType::Rgb8),
    };
    let mut bytes = vec![];
    let png = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
    let (width, height) = (picture.width as u32, picture.height as u32);
    png.write_image(&pixels, width, height, colour).expect("a picture in memory");
    write(path, &bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, |file| file.write_all(bytes)).with_context(|| format!("{}: cannot be written", path.display()))
}

/// Writes pictures, all of one size, as an animation that begins again and again. Each stays for `milliseconds`, the last
/// one for `last`. It has 255 colours: where the pictures have more, similar ones become one.
///
/// # Errors
/// If the file cannot be written.
pub fn save_gif(path: &Path, pictures: impl IntoIterator<Item = Picture>, milliseconds: u32, last: u32) -> Result<()> {
    let pictures: Vec<Picture> = pictures.into_iter().collect();
    let (width, height) = pictures.first().map_or((1, 1), |picture| (picture.width as u16, picture.height as u16));
    // One table of colours for all frames: not every viewer can show frames that have their own.
    let (mut colors, index) = palette(&pictures);
    let transparent = colors.len() as u8;
    colors.push([0; 3]);
    let mut gif = Encoder::new(vec![], width, height, colors.as_flattened())?;
    gif.set_repeat(Repeat::Infinite)?;
    let mut before: Option<&Picture> = None;
    for (i, picture) in pictures.iter().enumerate() {
        let mut pixels: Vec<u8> = picture.pixels.iter().map(|color| index[color]).collect();
        // What stays is not written again: a transparent pixel lets the frame before it be seen.
        for (pixel, before) in pixels.iter_mut().zip(before.iter().flat_map(|before| &before.pixels)) {
            if *pixel == index[before] {
                *pixel = transparent;
            }
        }
        let stay = if i + 1 < pictures.len() { milliseconds } else { last };
        let frame = Frame::from_indexed_pixels(width, height, pixels, Some(transparent));
        gif.write_frame(&Frame { delay: (stay / 10) as u16, ..frame })?;
        before = Some(picture);
    }
    write(path, &gif.into_inner()?)
}
