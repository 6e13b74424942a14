//! What figures are made of, [`Mark`]s at places in pixels, and their SVG.

use plotters::prelude::*;
use plotters::style::text_anchor::Pos;
pub use plotters::style::text_anchor::{HPos, VPos};

/// The ground, the frame and the letters.
pub const GRID: RGBColor = RGBColor(225, 225, 225);
pub const INK: RGBColor = RGBColor(60, 60, 60);

/// Sizes of letters in pixels.
pub const TITLE: f64 = 16.0;
pub const LABEL: f64 = 13.0;
pub const TICK: f64 = 12.0;

/// Dark blue at 0, green at 1/2, yellow at 1 (matplotlib's viridis).
pub fn viridis(t: f64) -> RGBColor {
    ViridisRGB.get_color(t.clamp(0.0, 1.0))
}

/// (x, y) in pixels from the upper left.
pub type Point = (f64, f64);

/// A rectangle of a figure, in pixels.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

/// One thing that is drawn; later ones cover earlier ones. `color` is with its opacity.
#[derive(Clone)]
pub enum Mark {
    Line { points: Vec<Point>, color: RGBAColor, width: f64 },
    Polygon { points: Vec<Point>, color: RGBAColor },
    Dot { at: Point, radius: f64, color: RGBAColor },
    Text { text: String, at: Point, size: f64, anchor: (HPos, VPos), upright: bool, color: RGBAColor },
}

impl Mark {
    /// Words in [`INK`], read from left to right.
    pub fn text(text: impl Into<String>, at: Point, size: f64, anchor: (HPos, VPos)) -> Mark {
        Mark::Text { text: text.into(), at, size, anchor, upright: false, color: INK.to_rgba() }
    }

    /// Words in [`INK`] that are read from below.
    pub fn upright_text(text: impl Into<String>, at: Point, size: f64, anchor: (HPos, VPos)) -> Mark {
        Mark::Text { text: text.into(), at, size, anchor, upright: true, color: INK.to_rgba() }
    }

    pub fn rectangle((left, top): Point, (right, bottom): Point, color: RGBAColor) -> Mark {
        Mark::Polygon { points: vec![(left, top), (right, top), (right, bottom), (left, bottom)], color }
    }
}

/// How wide a text is, in pixels: a guess, because no font is at hand.
pub fn text_width(text: &str, size: f64) -> f64 {
    0.54 * size * text.chars().count() as f64
}

/// plotters places things at whole units; this many make a pixel, so that curves are smooth.
pub const UNITS: f64 = 4.0;

pub fn units(pixels: f64) -> u32 {
    (pixels * UNITS).round() as u32
}

/// A figure of `size` in pixels as SVG.
pub fn svg((width, height): Point, marks: &[Mark]) -> String {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (units(width), units(height))).into_drawing_area();
    draw(&area, marks).expect("a string takes every figure");
    drop(area);
    // Shown at its size in pixels; the viewBox that follows stays in units.
    let in_units = format!("width=\"{}\" height=\"{}\"", units(width), units(height));
    let svg = svg.replacen(&in_units, &format!("width=\"{width}\" height=\"{height}\""), 1);
    // What holds anyway need not be said.
    svg.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"", "")
}

/// Draws all marks, on a white ground, with any of plotters' backends.
pub fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    marks: &[Mark],
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let place = |&(x, y): &Point| ((x * UNITS).round() as i32, (y * UNITS).round() as i32);
    area.fill(&WHITE)?;
    for mark in marks {
        match mark {
            Mark::Line { points, color, width } => {
                let path: Vec<_> = points.iter().map(place).collect();
                area.draw(&PathElement::new(path, color.stroke_width(units(*width))))?;
            }
            Mark::Polygon { points, color } => {
                let corners: Vec<_> = points.iter().map(place).collect();
                area.draw(&Polygon::new(corners, color.filled()))?;
            }
            Mark::Dot { at, radius, color } => area.draw(&Circle::new(place(at), units(*radius), color.filled()))?,
            Mark::Text { text, at, size, anchor: (h, v), upright, color } => {
                let turn = if *upright { FontTransform::Rotate270 } else { FontTransform::None };
                // plotters' sizes are 1.24 times those of SVG.
                let font = ("sans-serif", 1.24 * size * UNITS).into_font().transform(turn);
                let style = TextStyle::from(font).color(color).pos(Pos::new(*h, *v));
                area.draw(&Text::new(text.as_str(), place(at), style))?;
            }
        }
    }
    area.present()
}
