//! Figures as pixels, for animations: drawn in plotters' units, of which 4 x 4 are averaged to one pixel.
//!
//! plotters' own bitmaps need a font file, so the letters are our own.

use super::super::letters;
use super::style::UNITS;
use crate::common::picture::Picture;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use std::convert::Infallible;

/// What `draw` draws on a canvas whose `size` is in units, as pixels.
pub fn picture(size: (u32, u32), draw: impl FnOnce(Canvas)) -> Picture {
    const UNIT: usize = UNITS as usize;
    let mut large = Picture::new(size.0 as usize, size.1 as usize, [0; 3]);
    draw(Canvas(&mut large));
    let (width, height) = (large.width / UNIT, large.height / UNIT);
    let mean = |x: usize, y: usize| -> [u8; 3] {
        let units = (0..UNIT).flat_map(|row| &large.row(y * UNIT + row)[x * UNIT..][..UNIT]);
        let sums = units.fold([0; 3], |sums: [u32; 3], unit| std::array::from_fn(|c| sums[c] + u32::from(unit[c])));
        sums.map(|sum| ((sum + UNITS * UNITS / 2) / (UNITS * UNITS)) as u8)
    };
    // 32 shades of each colour are enough for edges, and make small files.
    let rounded = |pixel: [u8; 3]| pixel.map(|shade| shade & 0xf8 | shade >> 5);
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| rounded(mean(x, y)));
    Picture { width, height, pixels: pixels.collect() }
}

/// A backend for plotters' rasterizer, in units.
pub struct Canvas<'a>(&'a mut Picture);

type Drawn<T> = Result<T, DrawingErrorKind<Infallible>>;

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.0.width as u32, self.0.height as u32)
    }

    fn ensure_prepared(&mut self) -> Drawn<()> {
        Ok(())
    }

    fn present(&mut self) -> Drawn<()> {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn<()> {
        let inside = |at: i32, size: usize| usize::try_from(at).ok().filter(|&at| at < size);
        if let Some((x, y)) = inside(x, self.0.width).zip(inside(y, self.0.height)) {
            let (r, g, b) = color.rgb;
            for (old, new) in self.0.pixel_mut(x, y).iter_mut().zip([r, g, b]) {
                *old = (f64::from(*old) * (1.0 - color.alpha) + f64::from(new) * color.alpha).round() as u8;
            }
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(&self, text: &str, _: &S) -> Drawn<(u32, u32)> {
        Ok((UNITS * letters::width(text) as u32, UNITS * letters::HEIGHT as u32))
    }

    /// Every pixel of a letter is one of the averaged picture. All letters have one size, whatever the style's.
    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn<()> {
        let unit = UNITS as i32;
        let left = letters::width(text) as i32
            * match style.anchor().h_pos {
                HPos::Left => 0,
                HPos::Center => 1,
                HPos::Right => 2,
            }
            / 2;
        let top = letters::HEIGHT as i32
            * match style.anchor().v_pos {
                VPos::Top => 0,
                VPos::Center => 1,
                VPos::Bottom => 2,
            }
            / 2;
        for (column, row) in letters::ink(text) {
            let (right, down) = style.transform().transform(column as i32 - left, row as i32 - top);
            let corner = (unit * (x / unit + right), unit * (y / unit + down));
            self.draw_rect(corner, (corner.0 + unit - 1, corner.1 + unit - 1), &style.color(), true)?;
        }
        Ok(())
    }
}
