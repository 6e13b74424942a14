//! [`Chart`]: curves, histograms, dots and contours over two axes.

use super::axis::{Axis, Scale};
use super::grid::Grid;
use super::histogram::Histogram;
use super::series::{Point, Series, Shape};
use super::style::{GRID, INK, LABEL, TICK, letters, px, titled, viridis};
use plotters::coord::Shift;
use plotters::prelude::*;

/// A chart is built by adding to it, in the order of drawing. A name that is not empty appears in the legend.
#[derive(Clone, Debug)]
pub struct Chart {
    title: String,
    x: Axis,
    y: Axis,
    series: Vec<Series>,
    legend: Corner,
}

/// Where the legend stands.
pub use plotters::chart::SeriesLabelPosition as Corner;

impl Chart {
    /// The labels of the axes name the unit, in brackets.
    pub fn new(title: &str, x_label: &str, y_label: &str) -> Chart {
        let (x, y) = (Axis::new(x_label), Axis::new(y_label));
        Chart { title: title.into(), x, y, series: vec![], legend: Corner::UpperRight }
    }

    fn add(mut self, name: &str, color: RGBColor, shape: Shape) -> Chart {
        self.series.push(Series { name: name.into(), color, shape });
        self
    }

    /// A curve through `points`.
    pub fn line(self, name: &str, color: RGBColor, points: impl IntoIterator<Item = Point>) -> Chart {
        self.add(name, color, Shape::Line(points.into_iter().collect()))
    }

    /// A dashed curve.
    pub fn dashes(self, name: &str, color: RGBColor, points: impl IntoIterator<Item = Point>) -> Chart {
        self.add(name, color, Shape::Dashes(points.into_iter().collect()))
    }

    /// The area between a curve and y = 0.
    pub fn area(self, name: &str, color: RGBColor, points: impl IntoIterator<Item = Point>) -> Chart {
        self.add(name, color, Shape::Area(points.into_iter().collect()))
    }

    /// A histogram whose bars have the area 1 together, as a density has.
    pub fn histogram(self, name: &str, color: RGBColor, histogram: &Histogram) -> Chart {
        let bars = histogram.edges.windows(2).zip(histogram.density()).map(|(edge, height)| (edge[0], edge[1], height));
        let bars = bars.collect();
        self.add(name, color, Shape::Bars(bars))
    }

    /// The outline of a histogram whose area is 1.
    pub fn outline(self, name: &str, color: RGBColor, histogram: &Histogram) -> Chart {
        let (first, last) = (histogram.edges[0], histogram.edges[histogram.edges.len() - 1]);
        let tops = histogram.edges.windows(2).zip(histogram.density());
        let tops = tops.flat_map(|(edge, height)| [(edge[0], height), (edge[1], height)]);
        let points = [(first, 0.0)].into_iter().chain(tops).chain([(last, 0.0)]).collect();
        self.add(name, color, Shape::Line(points))
    }

    /// A dot of `radius` pixels at each point.
    pub fn dots(self, name: &str, color: RGBColor, radius: f64, points: impl IntoIterator<Item = Point>) -> Chart {
        self.add(name, color, Shape::Dots(points.into_iter().collect(), radius))
    }

    /// The lines on which `grid` has the given `levels`, from dark to light.
    pub fn contours(mut self, grid: &Grid, levels: &[f64]) -> Chart {
        for (i, &level) in levels.iter().enumerate() {
            let color = viridis(0.85 * i as f64 / (levels.len().max(2) - 1) as f64);
            self = self.add("", color, Shape::Contour(grid.contour(level)));
        }
        self
    }

    /// Shows x from `low` to `high`, instead of as far as the data reach. A line that leaves it goes on along its border.
    pub fn x_range(mut self, low: f64, high: f64) -> Chart {
        self.x.range = Some((low, high));
        self
    }

    /// Shows y from `low` to `high`, instead of as far as the data reach. A line that leaves it goes on along its border.
    pub fn y_range(mut self, low: f64, high: f64) -> Chart {
        self.y.range = Some((low, high));
        self
    }

    /// Makes x logarithmic. What has x <= 0 is not drawn.
    pub fn log_x(mut self) -> Chart {
        self.x.log = true;
        self
    }

    /// Makes y logarithmic. What has y <= 0 is not drawn.
    pub fn log_y(mut self) -> Chart {
        self.y.log = true;
        self
    }

    /// Puts the legend into a corner; without this, it is the upper right one.
    pub fn legend(mut self, corner: Corner) -> Chart {
        self.legend = corner;
        self
    }

    pub(super) fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<(), DB> {
        let (wide, high) = area.dim_in_pixel();
        let (x, y) = self.scales((wide / px(64.0)) as usize, (high / px(55.0)) as usize);
        let width = |label: &str| area.estimate_text_size(label, &letters(TICK)).map_or(0, |(width, _)| width);
        let mut chart = ChartBuilder::on(&titled(area, &self.title)?)
            .margin(px(8.0))
            // The last label may reach beyond the axis.
            .margin_right(px(18.0).max(px(4.0) + x.labels().last().map_or(0, width) / 2))
            .x_label_area_size(px(44.0))
            .y_label_area_size(px(30.0) + y.labels().map(width).max().unwrap_or(0))
            .build_cartesian_2d(x.clone(), y.clone())?;
        chart
            .configure_mesh()
            .bold_line_style(GRID.stroke_width(px(1.0)))
            .axis_style(INK.stroke_width(px(1.0)))
            .set_all_tick_mark_size(px(3.0))
            .label_style(letters(TICK))
            .x_label_formatter(&|tick| x.label(*tick))
            .y_label_formatter(&|tick| y.label(*tick))
            .axis_desc_style(letters(LABEL))
            .x_desc(&self.x.label)
            .y_desc(&self.y.label)
            .draw()?;
        for series in &self.series {
            series.draw(&mut chart, &x, &y)?;
        }
        if self.series.iter().all(|series| series.name.is_empty()) {
            return Ok(());
        }
        chart
            .configure_series_labels()
            .position(self.legend.clone())
            .background_style(WHITE.mix(0.85))
            .label_font(letters(TICK))
            .legend_area_size(px(32.0))
            .margin(px(6.0))
            .draw()
    }

    /// The axes, with at most so many ticks.
    fn scales(&self, x_ticks: usize, y_ticks: usize) -> (Scale, Scale) {
        let points = || self.series.iter().flat_map(Series::points);
        let any = |test: fn(&Shape) -> bool| self.series.iter().any(|series| test(&series.shape));
        // Dots need room at the sides; bars and areas begin at the axis.
        let side = if any(|shape| matches!(shape, Shape::Dots(..))) { 0.04 } else { 0.0 };
        let foot = if any(|shape| matches!(shape, Shape::Bars(_) | Shape::Area(_))) { 0.0 } else { 0.05 };
        let x = self.x.scale(points().map(|p| p.0), (side, side), x_ticks);
        (x, self.y.scale(points().map(|p| p.1), (foot, 0.08), y_ticks))
    }
}
