//! [`Chart`]: curves, histograms, dots and contours over two axes.

use super::super::letters::with_minus_signs;
use super::axis::{Axis, Scale};
use super::grid::Grid;
use super::histogram::Histogram;
use super::layout::{Insets, Plane};
use super::legend;
use super::room::Room;
use super::series::{Point, Series, Shape};
use super::style::{BLACK, GRID, INK, LABEL, NOTE, TICK, letters, px, titled, viridis};
use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged;
use plotters::prelude::*;

/// A chart is built by adding to it, in the order of drawing. Numbers that are not finite are left out; the title counts
/// them. A name that is not empty appears in the legend, which stands where it hides nothing.
#[derive(Clone, Debug)]
pub struct Chart {
    title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    /// Whether a unit is as long along x as along y.
    pub(super) equal: bool,
    /// Points that have no place, and are not drawn.
    not_finite: usize,
}

impl Chart {
    /// The labels of the axes name the unit, in brackets.
    pub fn new(title: &str, x_label: &str, y_label: &str) -> Chart {
        let [title, x, y] = [title, x_label, y_label].map(with_minus_signs);
        Chart { title, x: Axis::new(&x), y: Axis::new(&y), series: vec![], equal: false, not_finite: 0 }
    }

    fn add(mut self, name: &str, color: RGBColor, shape: Shape) -> Chart {
        let series = Series { name: with_minus_signs(name), color, shape };
        self.not_finite += series.points().iter().filter(|(x, y)| !(x.is_finite() && y.is_finite())).count();
        self.series.push(series);
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

    /// A bar from y - error to y + error for each (x, y, error).
    pub fn errors(self, name: &str, color: RGBColor, points: impl IntoIterator<Item = (f64, f64, f64)>) -> Chart {
        self.add(name, color, Shape::Errors(points.into_iter().collect()))
    }

    /// A point with its name beside it.
    pub fn mark(self, name: &str, point: Point) -> Chart {
        self.add(name, BLACK, Shape::Mark(point))
    }

    /// The lines on which `grid` has the given levels, from dark to light, each with its label.
    pub fn contours(mut self, grid: &Grid, levels: &[(f64, String)]) -> Chart {
        self.not_finite += grid.not_finite();
        for (i, (level, label)) in levels.iter().enumerate() {
            let color = viridis(0.85 * i as f64 / (levels.len().max(2) - 1) as f64);
            self = self.add(label, color, Shape::Contour(grid.contour(*level)));
        }
        self
    }

    /// An arrow for each (from, to).
    pub fn arrows(self, name: &str, color: RGBColor, arrows: impl IntoIterator<Item = (Point, Point)>) -> Chart {
        self.add(name, color, Shape::Arrows(arrows.into_iter().collect()))
    }

    /// The values of `grid` as colours, from dark for the smallest to light for the largest.
    pub fn heat(mut self, name: &str, grid: &Grid) -> Chart {
        self.not_finite += grid.not_finite();
        self.add(name, BLACK, Shape::Heat(grid.clone()))
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

    /// Makes x an axis of categories: x = 0 has the first name, x = 1 the second.
    pub fn categories(mut self, names: &[&str]) -> Chart {
        self.x.categories = names.iter().map(|name| with_minus_signs(name)).collect();
        self
    }

    /// Makes a unit as long along x as along y, so that circles are circles. Both axes must be linear.
    pub fn equal(mut self) -> Chart {
        self.equal = true;
        self
    }

    /// Draws the chart with so much room around its axes.
    pub(super) fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, insets: Insets) -> DrawResult<(), DB> {
        let Plane { x, y, rect } = Plane::new(self, area, insets);
        let below = titled(area, &self.title, self.not_finite)?;
        let (wide, high) = below.dim_in_pixel();
        let (y_labels, x_labels) = (insets.y_labels(), Insets::x_labels());
        let mut chart = ChartBuilder::on(&below)
            .margin_left(rect.left as u32 - y_labels)
            .margin_right(wide - rect.right as u32)
            .margin_top(rect.top)
            .margin_bottom(high - rect.bottom as u32 - x_labels)
            .x_label_area_size(x_labels)
            .y_label_area_size(y_labels)
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

        let axes = chart.plotting_area().strip_coord_spec();
        let mut room = self.room(&x, &y, axes.dim_in_pixel());
        self.draw_labels(&x, &y, &mut room, &axes)?;
        let entries = self.legend_entries(area);
        if self.legend_rows(area, insets) > 0 {
            return legend::draw_above(&entries, rect.size().0, rect.left, &below);
        }
        match legend::inside(&entries, &room, axes.dim_in_pixel()) {
            Some((frame, _)) => legend::draw(&entries, frame, &axes),
            None => Ok(()),
        }
    }

    /// The names of marks and contours.
    fn draw_labels<DB: DrawingBackend>(
        &self,
        x: &Scale,
        y: &Scale,
        room: &mut Room,
        axes: &DrawingArea<DB, Shift>,
    ) -> DrawResult<(), DB> {
        let (wide, high) = axes.dim_in_pixel();
        let at = |p: &Point| (x.map(&p.0, (0, wide as i32)), y.map(&p.1, (high as i32, 0)));
        for Series { name, shape, .. } in self.series.iter().filter(|series| !series.name.is_empty()) {
            match shape {
                Shape::Mark(point) => {
                    let (width, height) = axes.estimate_text_size(name, &letters(NOTE))?;
                    let ((x, y), gap) = (at(point), px(6.0) as i32);
                    let (aside, up) = (width as i32 / 2 + gap, height as i32 / 2 + gap);
                    let around = [(aside, 0), (-aside, 0), (aside, -up), (-aside, -up), (aside, up), (-aside, up)];
                    let places = around.into_iter().chain([(0, -up), (0, up)]).map(|(dx, dy)| (x + dx, y + dy));
                    legend::label(name, places, room, axes)?;
                }
                Shape::Contour(lines) => legend::label(name, lines.iter().flatten().map(at), room, axes)?,
                _ => (),
            }
        }
        Ok(())
    }

    /// What the series leave free between axes of this size.
    fn room(&self, x: &Scale, y: &Scale, size: (u32, u32)) -> Room {
        let mut room = Room::new(size);
        self.series.iter().for_each(|series| series.take_room(&mut room, x, y, (size.0 as i32, size.1 as i32)));
        room
    }

    fn legend_entries<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Vec<(&Series, u32)> {
        let named = self.series.iter().filter(|series| series.in_legend());
        named.map(|series| (series, legend::entry_width(text_width(area, &series.name)))).collect()
    }

    /// The rows of the legend above the axes: none, if it hides nothing between them.
    pub(super) fn legend_rows<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, insets: Insets) -> usize {
        let entries = self.legend_entries(area);
        let Plane { x, y, rect } = Plane::new(self, area, Insets { above: 0, ..insets });
        match legend::inside(&entries, &self.room(&x, &y, rect.size()), rect.size()) {
            Some((_, 0)) => 0,
            _ => legend::rows(&entries, rect.size().0).last().map_or(0, |(_, row)| row + 1),
        }
    }
}

/// The width of a label in units.
pub(super) fn text_width<DB: DrawingBackend>(area: &DrawingArea<DB, Shift>, text: &str) -> u32 {
    area.estimate_text_size(text, &letters(TICK)).map_or(0, |(width, _)| width)
}
