//! Figures as pixels, for animations: drawn in plotters' units, of which 4 x 4 are averaged to one pixel.
//!
//! plotters' own bitmaps need a font file. Letters are those of Noto Sans Mono here, as bitmaps, Latin only.

use super::style::{UNITS, px};
use image::{RgbImage, imageops};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use std::convert::Infallible;

/// What `draw` draws on a canvas whose `size` is in units, as pixels.
pub fn picture(size: (u32, u32), draw: impl FnOnce(Canvas)) -> RgbImage {
    let mut large = RgbImage::new(size.0, size.1);
    draw(Canvas(&mut large));
    let mut picture = imageops::thumbnail(&large, size.0 / UNITS, size.1 / UNITS);
    // 32 shades of each colour are enough for edges, and make small files.
    picture.iter_mut().for_each(|shade| *shade = *shade & 0xf8 | *shade >> 5);
    picture
}

/// A backend for plotters' rasterizer, in units.
pub struct Canvas<'a>(&'a mut RgbImage);

type Drawn<T> = Result<T, DrawingErrorKind<Infallible>>;

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    fn ensure_prepared(&mut self) -> Drawn<()> {
        Ok(())
    }

    fn present(&mut self) -> Drawn<()> {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn<()> {
        let inside = u32::try_from(x).ok().zip(u32::try_from(y).ok());
        if let Some(pixel) = inside.and_then(|(x, y)| self.0.get_pixel_mut_checked(x, y)) {
            let (r, g, b) = color.rgb;
            for (old, new) in pixel.0.iter_mut().zip([r, g, b]) {
                *old = (f64::from(*old) * (1.0 - color.alpha) + f64::from(new) * color.alpha).round() as u8;
            }
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(&self, text: &str, style: &S) -> Drawn<(u32, u32)> {
        let (wide, high) = (get_raster_width(FontWeight::Regular, height(style)), height(style).val());
        Ok((UNITS * (wide * text.chars().count()) as u32, UNITS * high as u32))
    }

    /// Every pixel of a letter's bitmap is one of the averaged picture.
    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn<()> {
        let unit = UNITS as i32;
        let raster = |letter| get_raster(letter, FontWeight::Regular, height(style));
        let letter_width = get_raster_width(FontWeight::Regular, height(style)) as i32;
        let left = letter_width
            * text.chars().count() as i32
            * match style.anchor().h_pos {
                HPos::Left => 0,
                HPos::Center => 1,
                HPos::Right => 2,
            }
            / 2;
        let top = height(style).val() as i32
            * match style.anchor().v_pos {
                VPos::Top => 0,
                VPos::Center => 1,
                VPos::Bottom => 2,
            }
            / 2;
        for (i, letter) in (0..).zip(text.chars()) {
            let bitmap = raster(letter).or_else(|| raster('?')).into_iter().flat_map(|letter| (0..).zip(letter.rows()));
            for (row, line) in bitmap {
                for (column, &ink) in (0..).zip(line).filter(|(_, ink)| **ink > 0) {
                    let (right, down) = style.transform().transform(i * letter_width + column - left, row - top);
                    let corner = (unit * (x / unit + right), unit * (y / unit + down));
                    let color = style.color().mix(f64::from(ink) / 255.0);
                    self.draw_rect(corner, (corner.0 + unit - 1, corner.1 + unit - 1), &color, true)?;
                }
            }
        }
        Ok(())
    }
}

/// The height of the bitmaps that is nearest to a style's size.
fn height(style: &impl BackendTextStyle) -> RasterHeight {
    if style.size() > 1.24 * f64::from(px(14.0)) { RasterHeight::Size20 } else { RasterHeight::Size16 }
}
