//! Figures as pixels, for animations: drawn in plotters' units, of which 4 x 4 are averaged to one pixel.

use super::canvas::{self, HPos, Mark, Point, VPos, units};
use gif::{Encoder, EncodingError, Frame, Repeat};
use image::{DynamicImage, Rgb, RgbImage, Rgba, RgbaImage, imageops};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use plotters::drawing::IntoDrawingArea;
use plotters::style::RGBAColor;
use plotters_backend::{BackendColor, BackendCoord, DrawingBackend, DrawingErrorKind};
use std::convert::Infallible;

/// A figure of `size` in pixels. Its letters are those of Noto Sans Mono, Latin only.
pub fn draw((width, height): Point, marks: &[Mark]) -> RgbImage {
    let mut large = RgbImage::new(units(width), units(height));
    let (words, shapes): (Vec<Mark>, Vec<Mark>) = marks.iter().cloned().partition(|m| matches!(m, Mark::Text { .. }));
    let area = Units(&mut large).into_drawing_area();
    canvas::draw(&area, &shapes).expect("memory takes every figure");
    drop(area);
    let mut picture = imageops::thumbnail(&large, width as u32, height as u32);
    // 32 shades of each colour are enough for edges, and make small files.
    picture.iter_mut().for_each(|shade| *shade = *shade & 0xf8 | *shade >> 5);
    for word in &words {
        if let Mark::Text { text, at, size, anchor, upright, color } = word {
            write(&mut picture, text, *at, *size, *anchor, *upright, *color);
        }
    }
    picture
}

/// The pictures, all of one size, one after the other as a GIF that never ends.
pub fn animation(pictures: impl Iterator<Item = RgbImage>, milliseconds: u32) -> Result<Vec<u8>, EncodingError> {
    let mut pictures = pictures.peekable();
    let (width, height) = pictures.peek().map_or((1, 1), |picture| (picture.width() as u16, picture.height() as u16));
    let mut gif = Encoder::new(vec![], width, height, &[])?;
    gif.set_repeat(Repeat::Infinite)?;
    let mut before: Option<RgbaImage> = None;
    while let Some(picture) = pictures.next() {
        let picture = DynamicImage::ImageRgb8(picture).into_rgba8();
        // What stays is not written again: a transparent pixel lets the frame before it be seen.
        let mut pixels = picture.clone();
        for (pixel, before) in pixels.pixels_mut().zip(before.iter().flat_map(RgbaImage::pixels)) {
            if pixel == before {
                *pixel = Rgba([0; 4]);
            }
        }
        let stay = if pictures.peek().is_some() { milliseconds } else { 3 * milliseconds };
        let frame = Frame::from_rgba_speed(width, height, &mut pixels, 10);
        gif.write_frame(&Frame { delay: (stay / 10) as u16, ..frame })?;
        before = Some(picture);
    }
    gif.into_inner()
}

/// plotters' own rasterizer on an image.
struct Units<'a>(&'a mut RgbImage);

impl DrawingBackend for Units<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Result<(), DrawingErrorKind<Infallible>> {
        let inside = u32::try_from(x).ok().zip(u32::try_from(y).ok());
        if let Some(pixel) = inside.and_then(|(x, y)| self.0.get_pixel_mut_checked(x, y)) {
            blend(pixel, color.rgb.into(), color.alpha);
        }
        Ok(())
    }
}

fn blend(pixel: &mut Rgb<u8>, color: [u8; 3], alpha: f64) {
    if alpha >= 1.0 {
        *pixel = Rgb(color);
        return;
    }
    for (old, new) in pixel.0.iter_mut().zip(color) {
        *old = (f64::from(*old) * (1.0 - alpha) + f64::from(new) * alpha).round() as u8;
    }
}

/// Letters, upright if they are read from below.
fn write(
    picture: &mut RgbImage,
    text: &str,
    (x, y): Point,
    size: f64,
    (h, v): (HPos, VPos),
    upright: bool,
    color: RGBAColor,
) {
    let font = if size > 14.0 {
        (FontWeight::Regular, RasterHeight::Size20)
    } else {
        (FontWeight::Regular, RasterHeight::Size16)
    };
    let (wide, high) = (get_raster_width(font.0, font.1) as f64, font.1.val() as f64);
    let along = match h {
        HPos::Left => 0.0,
        HPos::Center => -0.5,
        HPos::Right => -1.0,
    } * wide
        * text.chars().count() as f64;
    let across = match v {
        VPos::Top => 0.0,
        VPos::Center => -0.5,
        VPos::Bottom => -1.0,
    } * high;
    for (i, letter) in text.chars().enumerate() {
        let shape = get_raster(letter, font.0, font.1).or_else(|| get_raster('?', font.0, font.1));
        let rows = shape.iter().flat_map(|shape| shape.rows().enumerate());
        for (row, line) in rows {
            for (column, &ink) in line.iter().enumerate().filter(|(_, ink)| **ink > 0) {
                let (right, down) = (along + i as f64 * wide + column as f64, across + row as f64);
                let (px, py) = if upright { (x + down, y - right) } else { (x + right, y + down) };
                if let Some(pixel) = picture.get_pixel_mut_checked(px.round() as u32, py.round() as u32) {
                    blend(pixel, [color.0, color.1, color.2], color.3 * f64::from(ink) / 255.0);
                }
            }
        }
    }
}
