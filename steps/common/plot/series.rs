//! [`Series`]: a curve, bars or dots of a chart, and its key in the legend.

use super::axis::Scale;
use super::style::px;
use plotters::coord::cartesian::Cartesian2d;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

/// (x, y), in the units of the axes.
pub type Point = (f64, f64);

/// Pixels.
const LINE: f64 = 2.0;
const DASH: f64 = 7.0;
const GAP: f64 = 4.0;

#[derive(Clone, Debug)]
pub struct Series {
    /// In the legend, if it is not empty.
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
    /// The lines of one level.
    Contour(Vec<Vec<Point>>),
}

impl Series {
    /// The points that an axis that follows the data shows.
    pub fn points(&self) -> Vec<Point> {
        match &self.shape {
            Shape::Line(points) | Shape::Dashes(points) | Shape::Dots(points, _) => points.clone(),
            Shape::Area(points) => points.iter().flat_map(|&(x, y)| [(x, 0.0), (x, y)]).collect(),
            Shape::Bars(bars) => bars.iter().flat_map(|&(left, right, y)| [(left, 0.0), (right, y)]).collect(),
            Shape::Contour(lines) => lines.concat(),
        }
    }

    pub fn draw<'a, DB: DrawingBackend + 'a>(
        &self,
        chart: &mut ChartContext<'a, DB, Cartesian2d<Scale, Scale>>,
        x: &Scale,
        y: &Scale,
    ) -> DrawResult<(), DB> {
        let color = self.color;
        // 0 has no place on a logarithmic axis.
        let path = |points: &[Point]| -> Vec<Point> {
            points.iter().copied().filter(|p| x.place(p.0).is_finite() && y.place(p.1).is_finite()).collect()
        };
        let drawn = match &self.shape {
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
                let seen = points.iter().copied().filter(|p| x.contains(p.0) && y.contains(p.1));
                chart.draw_series(seen.map(|p| Circle::new(p, px(*radius), color.mix(0.6).filled())))
            }
            Shape::Contour(lines) => {
                chart.draw_series(lines.iter().map(|line| PathElement::new(path(line), color.stroke_width(px(1.5)))))
            }
        };
        if self.name.is_empty() {
            return drawn.map(drop);
        }
        let series = self.clone();
        drawn?.label(&self.name).legend(move |at| series.key(at));
        Ok(())
    }

    /// The key of the series in the legend, to the right of a point.
    fn key<DB: DrawingBackend>(&self, (x, y): (i32, i32)) -> DynElement<'static, DB, (i32, i32)> {
        let color = self.color;
        let (wide, half) = (px(26.0) as i32, px(6.0) as i32);
        let line = vec![(x, y), (x + wide, y)];
        match self.shape {
            Shape::Line(_) | Shape::Contour(_) => PathElement::new(line, color.stroke_width(px(LINE))).into_dyn(),
            Shape::Dashes(_) => {
                DashedPathElement::new(line, px(DASH), px(GAP), color.stroke_width(px(LINE))).into_dyn()
            }
            Shape::Area(_) | Shape::Bars(_) => {
                Rectangle::new([(x + half / 2, y - half), (x + wide - half / 2, y + half)], color.mix(0.55).filled())
                    .into_dyn()
            }
            Shape::Dots(_, radius) => {
                Circle::new((x + wide / 2, y), px(radius.max(3.0)), color.mix(0.8).filled()).into_dyn()
            }
        }
    }
}
