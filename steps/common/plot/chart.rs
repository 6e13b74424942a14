//! [`Chart`]: curves, histograms, dots and contours over two axes.

use super::axis::{Axis, Scale};
use super::canvas::{GRID, HPos, INK, LABEL, Mark, Place, Point, TICK, TITLE, VPos, text_width, viridis};
use super::{Grid, Histogram};
use plotters::style::{Color as _, RGBColor};

/// A chart is built by adding to it, in the order of drawing. A name that is not empty appears in the legend.
#[derive(Clone, Debug)]
pub struct Chart {
    title: String,
    x: Axis,
    y: Axis,
    layers: Vec<Layer>,
    legend: Corner,
}

/// Where the legend stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corner {
    UpperLeft,
    UpperRight,
    LowerLeft,
    LowerRight,
}

#[derive(Clone, Debug)]
struct Layer {
    name: String,
    color: RGBColor,
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    Line(Vec<Point>),
    Dashes(Vec<Point>),
    Area(Vec<Point>),
    /// (left, right, height) of each bar.
    Bars(Vec<(f64, f64, f64)>),
    Dots(Vec<Point>, f64),
    /// The lines of one level.
    Contour(Vec<Vec<Point>>),
}

impl Chart {
    /// The labels of the axes name the unit, in brackets.
    pub fn new(title: &str, x_label: &str, y_label: &str) -> Chart {
        let (x, y) = (Axis::new(x_label), Axis::new(y_label));
        Chart { title: title.into(), x, y, layers: vec![], legend: Corner::UpperRight }
    }

    fn layer(mut self, name: &str, color: RGBColor, shape: Shape) -> Chart {
        self.layers.push(Layer { name: name.into(), color, shape });
        self
    }

    /// A curve through `points`.
    pub fn line(self, name: &str, color: RGBColor, points: impl IntoIterator<Item = Point>) -> Chart {
        let points = points.into_iter().collect();
        self.layer(name, color, Shape::Line(points))
    }

    /// A dashed curve.
    pub fn dashes(self, name: &str, color: RGBColor, points: impl IntoIterator<Item = Point>) -> Chart {
        let points = points.into_iter().collect();
        self.layer(name, color, Shape::Dashes(points))
    }

    /// The area between a curve and y = 0.
    pub fn area(self, name: &str, color: RGBColor, points: impl IntoIterator<Item = Point>) -> Chart {
        let points = points.into_iter().collect();
        self.layer(name, color, Shape::Area(points))
    }

    /// A histogram whose bars have the area 1 together, as a density has.
    pub fn histogram(self, name: &str, color: RGBColor, histogram: &Histogram) -> Chart {
        let bars = histogram.edges.windows(2).zip(histogram.density()).map(|(edge, height)| (edge[0], edge[1], height));
        let bars = bars.collect();
        self.layer(name, color, Shape::Bars(bars))
    }

    /// The outline of a histogram whose area is 1.
    pub fn outline(self, name: &str, color: RGBColor, histogram: &Histogram) -> Chart {
        let (first, last) = (histogram.edges[0], histogram.edges[histogram.edges.len() - 1]);
        let tops = histogram.edges.windows(2).zip(histogram.density());
        let tops = tops.flat_map(|(edge, height)| [(edge[0], height), (edge[1], height)]);
        let points = [(first, 0.0)].into_iter().chain(tops).chain([(last, 0.0)]).collect();
        self.layer(name, color, Shape::Line(points))
    }

    /// A dot of `radius` pixels at each point.
    pub fn dots(self, name: &str, color: RGBColor, radius: f64, points: impl IntoIterator<Item = Point>) -> Chart {
        let points = points.into_iter().collect();
        self.layer(name, color, Shape::Dots(points, radius))
    }

    /// The lines on which `grid` has the given `levels`, from dark to light.
    pub fn contours(mut self, grid: &Grid, levels: &[f64]) -> Chart {
        for (i, &level) in levels.iter().enumerate() {
            let color = viridis(0.85 * i as f64 / (levels.len().max(2) - 1) as f64);
            self = self.layer("", color, Shape::Contour(grid.contour(level)));
        }
        self
    }

    /// Shows x from `low` to `high`, instead of as far as there is something.
    pub fn x_range(mut self, low: f64, high: f64) -> Chart {
        self.x.range = Some((low, high));
        self
    }

    /// Shows y from `low` to `high`, instead of as far as there is something.
    pub fn y_range(mut self, low: f64, high: f64) -> Chart {
        self.y.range = Some((low, high));
        self
    }

    pub fn log_x(mut self) -> Chart {
        self.x.log = true;
        self
    }

    pub fn log_y(mut self) -> Chart {
        self.y.log = true;
        self
    }

    pub fn legend(mut self, corner: Corner) -> Chart {
        self.legend = corner;
        self
    }

    pub(super) fn draw(&self, place: Place, marks: &mut Vec<Mark>) {
        let (x, y) = self.scales();
        let wide = place.right - place.left;
        let (x_ticks, y_ticks) =
            (x.ticks((wide / 80.0) as usize), y.ticks(((place.bottom - place.top) / 55.0) as usize));
        let y_words = y_ticks.iter().map(|(_, word)| text_width(word, TICK)).fold(0.0, f64::max);
        // The last word may reach beyond the axis.
        let x_word = x_ticks.last().map_or(0.0, |(_, word)| text_width(word, TICK));
        let inner = Place {
            left: place.left + 42.0 + y_words,
            top: place.top + 40.0,
            right: place.right - (4.0 + x_word / 2.0).max(18.0),
            bottom: place.bottom - 52.0,
        };
        let at = |(px, py): Point| {
            let across = inner.left + x.place(px) * (inner.right - inner.left);
            (across, inner.bottom - y.place(py) * (inner.bottom - inner.top))
        };

        let title = Mark::text(&self.title, ((inner.left + inner.right) / 2.0, place.top + 22.0), TITLE, CENTRE);
        marks.push(title);
        let thin = |points: Vec<Point>, color: RGBColor| Mark::Line { points, color: color.to_rgba(), width: 1.0 };
        for (value, word) in x_ticks {
            let (px, _) = at((value, y.low));
            marks.push(thin(vec![(px, inner.top), (px, inner.bottom)], GRID));
            marks.push(Mark::text(word, (px, inner.bottom + 6.0), TICK, (HPos::Center, VPos::Top)));
        }
        for (value, word) in y_ticks {
            let (_, py) = at((x.low, value));
            marks.push(thin(vec![(inner.left, py), (inner.right, py)], GRID));
            marks.push(Mark::text(word, (inner.left - 6.0, py), TICK, (HPos::Right, VPos::Center)));
        }
        for layer in &self.layers {
            layer.draw(&x, &y, at, marks);
        }
        marks.push(thin(vec![(inner.left, inner.top), (inner.left, inner.bottom), (inner.right, inner.bottom)], INK));
        let below = ((inner.left + inner.right) / 2.0, inner.bottom + 36.0);
        marks.push(Mark::text(&self.x.label, below, LABEL, CENTRE));
        let beside = (place.left + 18.0, (inner.top + inner.bottom) / 2.0);
        marks.push(Mark::upright_text(&self.y.label, beside, LABEL, CENTRE));
        self.draw_legend(inner, marks);
    }

    /// As far as there is something to see.
    fn scales(&self) -> (Scale, Scale) {
        let points = || self.layers.iter().flat_map(|layer| layer.points());
        let any = |test: fn(&Shape) -> bool| self.layers.iter().any(|layer| test(&layer.shape));
        // Dots are wide; bars and areas stand on the axis.
        let side = if any(|shape| matches!(shape, Shape::Dots(..))) { 0.04 } else { 0.0 };
        let foot = if any(|shape| matches!(shape, Shape::Bars(_) | Shape::Area(_))) { 0.0 } else { 0.05 };
        let x = self.x.scale(points().map(|p| p.0), (side, side));
        (x, self.y.scale(points().map(|p| p.1), (foot, 0.08)))
    }

    fn draw_legend(&self, inner: Place, marks: &mut Vec<Mark>) {
        const LINE: f64 = 20.0;
        let named: Vec<&Layer> = self.layers.iter().filter(|layer| !layer.name.is_empty()).collect();
        if named.is_empty() {
            return;
        }
        let words = named.iter().map(|layer| text_width(&layer.name, TICK)).fold(0.0, f64::max);
        let (width, height) = (words + 46.0, LINE * named.len() as f64 + 8.0);
        let left = match self.legend {
            Corner::UpperLeft | Corner::LowerLeft => inner.left + 8.0,
            Corner::UpperRight | Corner::LowerRight => inner.right - width - 4.0,
        };
        let top = match self.legend {
            Corner::UpperLeft | Corner::UpperRight => inner.top + 4.0,
            Corner::LowerLeft | Corner::LowerRight => inner.bottom - height - 6.0,
        };
        marks.push(Mark::rectangle((left, top), (left + width, top + height), plotters::style::WHITE.mix(0.85)));
        for (i, layer) in named.into_iter().enumerate() {
            let y = top + 4.0 + LINE * (i as f64 + 0.5);
            layer.draw_sample((left + 6.0, left + 32.0), y, marks);
            marks.push(Mark::text(&layer.name, (left + 38.0, y), TICK, (HPos::Left, VPos::Center)));
        }
    }
}

const CENTRE: (HPos, VPos) = (HPos::Center, VPos::Center);
const LINE_WIDTH: f64 = 2.0;

impl Layer {
    /// The points that must be seen.
    fn points(&self) -> Vec<Point> {
        match &self.shape {
            Shape::Line(points) | Shape::Dashes(points) | Shape::Dots(points, _) => points.clone(),
            Shape::Area(points) => points.iter().flat_map(|&(x, y)| [(x, 0.0), (x, y)]).collect(),
            Shape::Bars(bars) => bars.iter().flat_map(|&(left, right, y)| [(left, 0.0), (right, y)]).collect(),
            Shape::Contour(lines) => lines.concat(),
        }
    }

    fn draw(&self, x: &Scale, y: &Scale, at: impl Fn(Point) -> Point, marks: &mut Vec<Mark>) {
        // 0 has no place on a logarithmic axis.
        let path = |points: &[Point]| -> Vec<Point> {
            points.iter().map(|&p| at(p)).filter(|(px, py)| px.is_finite() && py.is_finite()).collect()
        };
        let line = |points: Vec<Point>, width: f64| Mark::Line { points, color: self.color.to_rgba(), width };
        match &self.shape {
            Shape::Line(points) => marks.push(line(path(points), LINE_WIDTH)),
            Shape::Dashes(points) => marks.extend(dashes(&path(points)).into_iter().map(|dash| line(dash, LINE_WIDTH))),
            Shape::Contour(lines) => marks.extend(lines.iter().map(|points| line(path(points), 1.5))),
            Shape::Area(points) => {
                let ends = points.first().into_iter().chain(points.last());
                let [first, last] = &ends.map(|&(x, _)| (x, 0.0)).collect::<Vec<_>>()[..] else { return };
                let outline = [*first].into_iter().chain(points.iter().copied()).chain([*last]);
                marks.push(Mark::Polygon { points: outline.map(at).collect(), color: self.color.mix(0.45) });
            }
            Shape::Bars(bars) => {
                for &(left, right, height) in bars.iter().filter(|bar| bar.2 > 0.0) {
                    let ((x0, y0), (x1, y1)) = (at((left, height)), at((right, 0.0)));
                    // A gap of white between bars that are wide enough.
                    let gap = if x1 - x0 > 4.0 { 0.5 } else { 0.0 };
                    marks.push(Mark::rectangle((x0 + gap, y0), (x1 - gap, y1), self.color.mix(0.55)));
                }
            }
            Shape::Dots(points, radius) => {
                let seen = points.iter().filter(|(px, py)| x.contains(*px) && y.contains(*py));
                marks.extend(seen.map(|&p| Mark::Dot { at: at(p), radius: *radius, color: self.color.mix(0.6) }));
            }
        }
    }

    /// The layer's sign in the legend, between two places at height y.
    fn draw_sample(&self, (left, right): Point, y: f64, marks: &mut Vec<Mark>) {
        let middle = (left + right) / 2.0;
        let line = |points: Vec<Point>| Mark::Line { points, color: self.color.to_rgba(), width: LINE_WIDTH };
        match &self.shape {
            Shape::Line(_) | Shape::Contour(_) => marks.push(line(vec![(left, y), (right, y)])),
            Shape::Dashes(_) => marks.extend(dashes(&[(left, y), (right, y)]).into_iter().map(line)),
            Shape::Area(_) | Shape::Bars(_) => {
                marks.push(Mark::rectangle((left + 4.0, y - 6.0), (right - 4.0, y + 6.0), self.color.mix(0.55)));
            }
            Shape::Dots(_, radius) => {
                marks.push(Mark::Dot { at: (middle, y), radius: radius.max(3.0), color: self.color.mix(0.8) });
            }
        }
    }
}

/// A path cut into dashes of 7 pixels with gaps of 4.
fn dashes(path: &[Point]) -> Vec<Vec<Point>> {
    const LENGTHS: [f64; 2] = [7.0, 4.0];
    let Some(&first) = path.first() else { return vec![] };
    let (mut dashes, mut dash) = (vec![], vec![first]);
    let (mut gap, mut left) = (0, LENGTHS[0]);
    for ends in path.windows(2) {
        let ((x0, y0), (x1, y1)) = (ends[0], ends[1]);
        let length = (x1 - x0).hypot(y1 - y0);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let border = (x0 + (x1 - x0) * done / length, y0 + (y1 - y0) * done / length);
            if gap == 0 {
                dash.push(border);
                dashes.push(std::mem::take(&mut dash));
            } else {
                dash = vec![border];
            }
            gap = 1 - gap;
            left = LENGTHS[gap];
        }
        left -= length - done;
        if gap == 0 {
            dash.push((x1, y1));
        }
    }
    dashes.extend((dash.len() > 1).then_some(dash));
    dashes
}
