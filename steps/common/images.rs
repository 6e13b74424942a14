//! Images as files: a grid as PNG, an animation as GIF.

use super::letters;
use super::picture::Picture;
use anyhow::{Context, Result, bail};
use gif::{Encoder, Frame, Repeat};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use tsukuru::Real;
use tsukuru::files::write_whole;
use tsukuru::tensor::Tensor;

/// Pixels between the images of a grid.
const GAP: usize = 6;
/// How many screen pixels a pixel becomes, along each axis.
const SCALE: usize = 3;
/// The shades between the images, and of captions.
const PAPER: u8 = 64;
const INK: u8 = 232;

/// 0..1 as a byte, as the book does it: what lies outside is cut off, and fractions are dropped.
pub fn byte(x: Real) -> u8 {
    (x.clamp(0.0, 1.0) * 255.0) as u8
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
}

/// The images x (N, 1, H, W), `columns` of them in each row.
///
/// # Errors
/// If a pixel is NaN or infinite: as a byte it would be black or white, as if it were an image.
pub fn grid(x: &Tensor, columns: usize, captions: &Captions) -> Result<Picture<u8>> {
    let &[n, _, h, w] = &x.shape()[..] else { panic!("grid: x {} is not (N, 1, H, W)", x.shape()) };
    if let Some(i) = x.data().iter().position(|x| !x.is_finite()) {
        let (image, y, x, found) = (i / (h * w), i / w % h, i % w, x.data()[i]);
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
    for (i, image) in x.data().chunks(h * w).enumerate() {
        let (left, top) = (lefts[i % columns], tops[i / columns]);
        for j in 0..h * w * SCALE * SCALE {
            let (y, x) = (j / (w * SCALE), j % (w * SCALE));
            let shade = byte(image[y / SCALE * w + x / SCALE]);
            *picture.pixel_mut(left + x, top + y) = shade;
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
fn write_letters(picture: &mut Picture<u8>, text: &str, (left, top): (usize, usize), size: usize) {
    for (x, y) in letters::ink(text) {
        for i in 0..size * size {
            let (x, y) = (left + size * x + i % size, top + size * y + i / size);
            if x < picture.width && y < picture.height {
                *picture.pixel_mut(x, y) = INK;
            }
        }
    }
}

/// Writes the images x (N, 1, H, W) as a grid.
///
/// # Errors
/// As [`save_captioned_grid`].
pub fn save_grid(path: &Path, x: &Tensor, columns: usize) -> Result<()> {
    save_captioned_grid(path, x, columns, &Captions::default())
}

/// Writes the images x (N, 1, H, W) as a grid with captions.
///
/// # Errors
/// As [`grid`], or if the file cannot be written.
pub fn save_captioned_grid(path: &Path, x: &Tensor, columns: usize, captions: &Captions) -> Result<()> {
    let picture = grid(x, columns, captions).with_context(|| format!("{}: not drawn", path.display()))?;
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

/// Writes pictures, all of one size, as an animation that begins again and again. Each stays for `milliseconds`, the last
/// one for `last`. It has 255 colours: where the pictures have more, the most frequent ones.
///
/// # Errors
/// If the file cannot be written.
pub fn save_gif(
    path: &Path,
    pictures: impl IntoIterator<Item = impl Into<Picture<[u8; 3]>>>,
    milliseconds: u32,
    last: u32,
) -> Result<()> {
    let pictures: Vec<Picture<[u8; 3]>> = pictures.into_iter().map(Into::into).collect();
    let (width, height) = pictures.first().map_or((1, 1), |picture| (picture.width as u16, picture.height as u16));
    // One table of colours for all frames: not every viewer can show frames that have their own.
    let (mut colors, index) = palette(&pictures);
    let transparent = colors.len() as u8;
    colors.push([0; 3]);
    let mut gif = Encoder::new(vec![], width, height, colors.as_flattened())?;
    gif.set_repeat(Repeat::Infinite)?;
    let mut before: Option<&Picture<[u8; 3]>> = None;
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

/// The 255 most frequent colours at most, and for every colour of the pictures the index of the nearest of them.
fn palette(pictures: &[Picture<[u8; 3]>]) -> (Vec<[u8; 3]>, BTreeMap<[u8; 3], u8>) {
    let mut counts = BTreeMap::new();
    pictures.iter().flat_map(|picture| &picture.pixels).for_each(|&color| *counts.entry(color).or_insert(0) += 1);
    let mut colors: Vec<[u8; 3]> = counts.keys().copied().collect();
    colors.sort_by_key(|color| Reverse(counts[color]));
    colors.truncate(255);
    let distance = |a: [u8; 3], b: [u8; 3]| (0..3).map(|i| u32::from(a[i].abs_diff(b[i])).pow(2)).sum::<u32>();
    let nearest = |color| (0..colors.len()).min_by_key(|&i| distance(colors[i], color)).expect("a colour") as u8;
    let index = counts.into_keys().map(|color| (color, nearest(color))).collect();
    (colors, index)
}
