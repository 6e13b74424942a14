//! [`Series`]: a curve, bars or dots of a chart, and its key in the legend.

use super::axis::Scale;
use super::grid::Grid;
use super::room::{Rect, Room};
use super::style::{px, viridis};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::Ranged;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

/// (x, y), in the units of the axes.
pub type Point = (f64, f64);

/// Pixels.
const LINE: f64 = 2.0;
const DASH: f64 = 7.0;
const GAP: f64 = 4.0;
const MARK: f64 = 4.0;
const CAP: f64 = 7.0;
/// Length of the head of a long arrow.
const HEAD: f64 = 6.0;
/// Colours of a heat map.
const SHADES: i32 = 32;

#[derive(Clone, Debug)]
pub struct Series {
    /// In the legend, or beside a mark or a contour; nothing if it is empty.
    pub name: String,
    pub color: RGBColor,
    pub shape: Shape,
}

#[derive(Clone, Debug)]
pub enum Shape {
    Line(Vec<Point>),
    Dashes(Vec<Point>),
    /// Between the points and y = 0.
    Area(Vec<Point>),
    /// (left, right, height) of each bar.
    Bars(Vec<(f64, f64, f64)>),
    /// With a radius in pixels.
    Dots(Vec<Point>, f64),
    /// (x, y, error): a bar from y - error to y + error.
    Errors(Vec<(f64, f64, f64)>),
    /// A single dot.
    Mark(Point),
    /// The lines of one level.
    Contour(Vec<Vec<Point>>),
    /// From where to where.
    Arrows(Vec<(Point, Point)>),
    /// A colour for each value.
    Heat(Grid),
}

impl Series {
    pub fn in_legend(&self) -> bool {
        !self.name.is_empty() && !matches!(self.shape, Shape::Mark(_) | Shape::Contour(_))
    }

    /// The points that an axis that follows the data shows.
    pub fn points(&self) -> Vec<Point> {
        match &self.shape {
            Shape::Line(points) | Shape::Dashes(points) | Shape::Dots(points, _) => points.clone(),
            Shape::Area(points) => points.iter().flat_map(|&(x, y)| [(x, 0.0), (x, y)]).collect(),
            Shape::Bars(bars) => bars.iter().flat_map(|&(left, right, y)| [(left, 0.0), (right, y)]).collect(),
            Shape::Errors(bars) => bars.iter().flat_map(|&(x, y, error)| [(x, y - error), (x, y + error)]).collect(),
            Shape::Mark(point) => vec![*point],
            Shape::Contour(lines) => lines.concat(),
            Shape::Arrows(arrows) => arrows.iter().flat_map(|&(from, to)| [from, to]).collect(),
            Shape::Heat(Grid { xs, ys, .. }) => vec![(xs[0], ys[0]), (xs[xs.len() - 1], ys[ys.len() - 1])],
        }
    }

    /// Takes the room that the series is drawn in, between axes of these lengths.
    pub fn take_room(&self, room: &mut Room, x: &Scale, y: &Scale, (width, height): (i32, i32)) {
        let at = |p: Point| (x.map(&p.0, (0, width)), y.map(&p.1, (height, 0)));
        let seen = |p: Point| x.contains(p.0) && y.contains(p.1);
        let mut line = |points: &[Point]| {
            let points = drawable(points, x, y);
            points.windows(2).for_each(|pair| room.take_line(at(pair[0]), at(pair[1])));
        };
        match &self.shape {
            Shape::Line(points) | Shape::Dashes(points) => line(points),
            Shape::Area(points) => points.iter().for_each(|&(x, y)| line(&[(x, 0.0), (x, y)])),
            Shape::Errors(bars) => bars.iter().for_each(|&(x, y, error)| line(&[(x, y - error), (x, y + error)])),
            Shape::Contour(lines) => lines.iter().for_each(|points| line(points)),
            Shape::Bars(bars) => bars.iter().for_each(|&(left, right, high)| {
                let ((left, top), (right, bottom)) = (at((left, high)), at((right, 0.0)));
                room.take(Rect { left, top, right, bottom });
            }),
            Shape::Dots(points, radius) => {
                let size = px(2.0 * radius);
                points.iter().filter(|p| seen(**p)).for_each(|p| room.take(Rect::around(at(*p), (size, size))));
            }
            Shape::Mark(point) => room.take(Rect::around(at(*point), (px(2.0 * MARK), px(2.0 * MARK)))),
            Shape::Arrows(arrows) => arrows.iter().for_each(|&(from, to)| line(&[from, to])),
            Shape::Heat(_) => room.take(Rect::new((0, 0), (width as u32, height as u32))),
        }
    }

    pub fn draw<'a, DB: DrawingBackend + 'a>(
        &self,
        chart: &mut ChartContext<'a, DB, Cartesian2d<Scale, Scale>>,
        x: &Scale,
        y: &Scale,
    ) -> DrawResult<(), DB> {
        let color = self.color;
        let path = |points: &[Point]| drawable(points, x, y);
        let seen = |p: &Point| x.contains(p.0) && y.contains(p.1);
        match &self.shape {
            Shape::Line(points) => chart.draw_series(LineSeries::new(path(points), color.stroke_width(px(LINE)))),
            Shape::Dashes(points) => {
                let line = color.stroke_width(px(LINE));
                chart.draw_series(DashedLineSeries::new(path(points), px(DASH), px(GAP), line))
            }
            Shape::Area(points) => chart.draw_series(AreaSeries::new(path(points), 0.0, color.mix(0.45))),
            Shape::Bars(bars) => {
                let (width, _) = chart.plotting_area().dim_in_pixel();
                let seen = |border: f64| x.place(border).clamp(0.0, 1.0) * f64::from(width);
                let bars = bars.iter().filter(|bar| bar.2 > 0.0).map(|&(left, right, height)| {
                    let mut bar = Rectangle::new([(left, height), (right, 0.0)], color.mix(0.55).filled());
                    // A gap of white between bars that are wide enough.
                    let gap = if seen(right) - seen(left) > f64::from(px(4.0)) { px(0.5) } else { 0 };
                    bar.set_margin(0, 0, gap, gap);
                    bar
                });
                chart.draw_series(bars)
            }
            Shape::Dots(points, radius) => {
                let seen = points.iter().copied().filter(seen);
                chart.draw_series(seen.map(|p| Circle::new(p, px(*radius), color.mix(0.6).filled())))
            }
            Shape::Errors(bars) => {
                let seen = bars.iter().filter(|&&(x, y, error)| seen(&(x, y - error)) && seen(&(x, y + error)));
                chart.draw_series(seen.map(|&(x, y, error)| {
                    let style = color.stroke_width(px(1.5)).filled();
                    ErrorBar::new_vertical(x, y - error, y, y + error, style, px(CAP))
                }))
            }
            Shape::Mark(point) => {
                chart.draw_series(Some(*point).filter(seen).map(|p| Circle::new(p, px(MARK), color.filled())))
            }
            Shape::Arrows(arrows) => {
                let (wide, high) = chart.plotting_area().dim_in_pixel();
                let at = |p: Point| (x.map(&p.0, (0, wide as i32)), y.map(&p.1, (high as i32, 0)));
                let arrows = arrows.iter().filter(|(from, to)| seen(from) && seen(to));
                chart.draw_series(arrows.map(|&(from, to)| {
                    let (start, end) = (at(from), at(to));
                    EmptyElement::at(from) + arrow((0, 0), (end.0 - start.0, end.1 - start.1), color)
                }))
            }
            Shape::Heat(grid) => {
                chart.draw_series(cells(grid).map(|(corners, color)| Rectangle::new(corners, color.filled())))
            }
            Shape::Contour(lines) => {
                chart.draw_series(lines.iter().map(|line| PathElement::new(path(line), color.stroke_width(px(1.5)))))
            }
        }
        .map(drop)
    }

    /// The key of the series in the legend, to the right of a point: the elements that it consists of.
    pub fn key<DB: DrawingBackend>(&self, (x, y): (i32, i32)) -> Vec<DynElement<'static, DB, (i32, i32)>> {
        let color = self.color;
        let (wide, half) = (px(KEY) as i32, px(6.0) as i32);
        let line = vec![(x, y), (x + wide, y)];
        let middle = x + wide / 2;
        let key = match self.shape {
            Shape::Line(_) | Shape::Contour(_) => PathElement::new(line, color.stroke_width(px(LINE))).into_dyn(),
            Shape::Dashes(_) => {
                DashedPathElement::new(line, px(DASH), px(GAP), color.stroke_width(px(LINE))).into_dyn()
            }
            Shape::Area(_) | Shape::Bars(_) => {
                Rectangle::new([(x + half / 2, y - half), (x + wide - half / 2, y + half)], color.mix(0.55).filled())
                    .into_dyn()
            }
            Shape::Dots(_, radius) => Circle::new((middle, y), px(radius.max(3.0)), color.mix(0.8).filled()).into_dyn(),
            Shape::Errors(_) => {
                PathElement::new(vec![(middle, y - half), (middle, y + half)], color.stroke_width(px(1.5))).into_dyn()
            }
            Shape::Mark(_) => Circle::new((middle, y), px(MARK), color.filled()).into_dyn(),
            Shape::Arrows(_) => arrow((x, y), (x + wide, y), color).into_dyn(),
            Shape::Heat(_) => {
                // From the left, each over the right end of the one before.
                let shade = |i: i32| {
                    let corners = [(x + i * wide / SHADES, y - half), (x + wide, y + half)];
                    Rectangle::new(corners, viridis(f64::from(i) / f64::from(SHADES - 1)).filled()).into_dyn()
                };
                return (0..SHADES).map(shade).collect();
            }
        };
        vec![key]
    }
}

/// The width of a key in pixels.
pub const KEY: f64 = 26.0;

/// The points without those that have no place, as 0 on a logarithmic axis.
fn drawable(points: &[Point], x: &Scale, y: &Scale) -> Vec<Point> {
    points.iter().copied().filter(|p| x.place(p.0).is_finite() && y.place(p.1).is_finite()).collect()
}

/// An arrow between two places in units.
fn arrow(from: (i32, i32), to: (i32, i32), color: RGBColor) -> PathElement<(i32, i32)> {
    let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
    let back = (f64::from(px(HEAD)) / (dx * dx + dy * dy).sqrt()).min(0.4);
    // From the end back along the arrow, and to one of its sides.
    let barb = |side: f64| {
        let (x, y) = (f64::from(to.0) - back * (dx - side * dy), f64::from(to.1) - back * (dy + side * dx));
        (x.round() as i32, y.round() as i32)
    };
    PathElement::new(vec![from, to, barb(0.5), to, barb(-0.5)], color.stroke_width(px(1.25)))
}

/// The cells around the crossings of a grid in their colours: neighbours in a row that have the same are one. Each reaches
/// under those that are drawn later, above and to its right, so that no seam between them is seen.
fn cells(grid: &Grid) -> impl Iterator<Item = ([Point; 2], RGBColor)> {
    let (low, high) = grid.extent();
    let shade = move |z: &f64| match (z - low) / (high - low) {
        share if share.is_finite() => viridis((share * f64::from(SHADES - 1)).round() / f64::from(SHADES - 1)),
        _ => WHITE,
    };
    let border = |places: &[f64], i: usize| match i {
        0 => places[0],
        i if i >= places.len() => places[places.len() - 1],
        i => 0.5 * (places[i - 1] + places[i]),
    };
    grid.z.chunks(grid.xs.len()).enumerate().flat_map(move |(i, row)| {
        let (bottom, top, mut right) = (border(&grid.ys, i), border(&grid.ys, i + 2), 0);
        row.chunk_by(move |a, b| shade(a) == shade(b)).map(move |run| {
            let left = right;
            right += run.len();
            ([(border(&grid.xs, left), bottom), (border(&grid.xs, right + 1), top)], shade(&run[0]))
        })
    })
}
