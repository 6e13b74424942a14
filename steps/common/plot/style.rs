//! The style of all figures: colours, sizes of letters, titles.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The colours of Okabe and Ito (2008), which the colour-blind can tell apart, too.
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
pub const VERMILION: RGBColor = RGBColor(213, 94, 0);
pub const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub const SKY: RGBColor = RGBColor(86, 180, 233);
pub const BLACK: RGBColor = RGBColor(0, 0, 0);
/// The colour of the mesh.
pub(super) const GRID: RGBColor = RGBColor(225, 225, 225);
/// The colour of the frame of a legend.
pub(super) const FRAME: RGBColor = RGBColor(170, 170, 170);
/// The colour of axes and letters.
pub(super) const INK: RGBColor = RGBColor(60, 60, 60);

/// Sizes of letters in pixels.
const TITLE: f64 = 16.0;
pub(super) const LABEL: f64 = 13.0;
pub(super) const TICK: f64 = 12.0;
/// Of names beside points and on contours.
pub(super) const NOTE: f64 = 11.0;

/// plotters has whole coordinates. This many of its units make a pixel, so that curves are smooth.
pub(super) const UNITS: u32 = 4;

/// Pixels in plotters' units.
pub(super) fn px(pixels: f64) -> u32 {
    (pixels * f64::from(UNITS)).round() as u32
}

/// Letters of a size in pixels. plotters divides sizes by 1.24 when it writes SVG.
pub(super) fn letters(pixels: f64) -> TextStyle<'static> {
    ("sans-serif", 1.24 * pixels * f64::from(UNITS)).into_font().color(&INK)
}

/// The height of a title and the room around it, in units.
pub(super) fn title_height() -> u32 {
    px(36.0)
}

/// Draws the title of a panel, with the count of numbers that it leaves out because they are not finite. Returns the area
/// below it.
pub(super) fn titled<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    title: &str,
    not_finite: usize,
) -> DrawResult<DrawingArea<DB, Shift>, DB> {
    let (above, below) = area.split_vertically(title_height());
    let middle = (area.dim_in_pixel().0 as i32 / 2, px(20.0) as i32);
    let title = match not_finite {
        0 => title.to_string(),
        count => format!("{title} ({count} not finite)"),
    };
    above.draw(&Text::new(title, middle, letters(TITLE).pos(Pos::new(HPos::Center, VPos::Center))))?;
    Ok(below)
}

/// Dark blue at 0, green at 1/2, yellow at 1 (matplotlib's viridis).
pub(super) fn viridis(t: f64) -> RGBColor {
    ViridisRGB.get_color(t.clamp(0.0, 1.0))
}
