//! [`Surface`]: a function of x and y as a landscape, seen from above its front corner.

use super::Grid;
use super::axis::Scale;
use super::canvas::{GRID, HPos, INK, LABEL, Mark, Place, Point, TICK, TITLE, VPos, text_width, viridis};
use plotters::style::{Color as _, RGBColor};

/// The landscape z = f(x, y).
#[derive(Clone, Debug)]
pub struct Surface {
    title: String,
    /// Of x, y and z.
    labels: [String; 3],
    grid: Grid,
}

/// Where the eye stands, in degrees: around the box from the x axis, and above the ground. The corner of the largest x and
/// the smallest y is in front.
const AZIMUTH: f64 = -60.0;
const ELEVATION: f64 = 30.0;
/// Height of the box, where its sides are 2 long.
const HEIGHT: f64 = 1.4;

/// A corner of the box or a point within: x and y from -1 to 1, z from 0 to 1.
type Spot = [f64; 3];

impl Surface {
    pub fn new(title: &str, labels: [&str; 3], grid: Grid) -> Surface {
        Surface { title: title.into(), labels: labels.map(Into::into), grid }
    }

    pub(super) fn draw(&self, place: Place, marks: &mut Vec<Mark>) {
        let grid = &self.grid;
        let ends = |places: &[f64]| (places[0], places[places.len() - 1]);
        let (x, y) = (ends(&grid.xs), ends(&grid.ys));
        let (low, high) = grid.extent();
        // A density stands on the ground.
        let low = if low >= 0.0 { 0.0 } else { low };
        let high = if high > low { high } else { low + 1.0 };
        let [x, y, z] = [x, y, (low, high)].map(|(low, high)| Scale { low, high, log: false });

        let view = View::new(place);
        let middle = (place.left + place.right) / 2.0;
        marks.push(Mark::text(&self.title, (middle, place.top + 22.0), TITLE, (HPos::Center, VPos::Center)));
        let line = |from: Spot, to: Spot, color: RGBColor| Mark::Line {
            points: vec![view.project(from), view.project(to)],
            color: color.to_rgba(),
            width: 1.0,
        };

        // The ground and the two walls behind, with a grid; then the axes on the edges in front.
        let ticks = [x, y, z].map(|scale| scale.ticks(5));
        for (value, _) in &ticks[0] {
            let v = 2.0 * x.place(*value) - 1.0;
            marks.extend([line([v, -1.0, 0.0], [v, 1.0, 0.0], GRID), line([v, 1.0, 0.0], [v, 1.0, 1.0], GRID)]);
        }
        for (value, _) in &ticks[1] {
            let v = 2.0 * y.place(*value) - 1.0;
            marks.extend([line([-1.0, v, 0.0], [1.0, v, 0.0], GRID), line([-1.0, v, 0.0], [-1.0, v, 1.0], GRID)]);
        }
        for (value, _) in &ticks[2] {
            let v = z.place(*value);
            marks.extend([line([-1.0, -1.0, v], [-1.0, 1.0, v], GRID), line([-1.0, 1.0, v], [1.0, 1.0, v], GRID)]);
        }
        let edges: [(Spot, Spot); 3] = [
            ([-1.0, -1.0, 0.0], [1.0, -1.0, 0.0]),
            ([1.0, -1.0, 0.0], [1.0, 1.0, 0.0]),
            ([-1.0, -1.0, 0.0], [-1.0, -1.0, 1.0]),
        ];
        marks.extend(edges.map(|(from, to)| line(from, to, INK)));
        for (axis, (scale, ticks)) in [x, y, z].iter().zip(&ticks).enumerate() {
            // Away from the box: towards the viewer on the ground, to the left at the wall.
            let (h, v, away) = [
                (HPos::Right, VPos::Top, (-3.0, 4.0)),
                (HPos::Left, VPos::Top, (4.0, 4.0)),
                (HPos::Right, VPos::Center, (-7.0, 0.0)),
            ][axis];
            let (from, to) = edges[axis];
            // On the ground two axes meet in a corner, where there is no room for two words.
            let roomy = |t: f64| axis == 2 || (0.04..0.96).contains(&t);
            let words = ticks.iter().map(|(value, word)| (scale.place(*value), word)).filter(|(t, _)| roomy(*t));
            let mut widest: f64 = 0.0;
            for (t, word) in words {
                let (px, py) = view.project(between(from, to, t));
                marks.push(Mark::text(word, (px + away.0, py + away.1), TICK, (h, v)));
                widest = widest.max(text_width(word, TICK));
            }
            let (px, py) = view.project(between(from, to, 0.5));
            let label = &self.labels[axis];
            marks.push(match axis {
                0 => Mark::text(label, (px - widest, py + 20.0), LABEL, (h, v)),
                1 => {
                    let within = place.right - 4.0 - text_width(label, LABEL);
                    Mark::text(label, ((px + widest).min(within), py + 20.0), LABEL, (h, v))
                }
                _ => Mark::upright_text(label, (px - widest - 21.0, py), LABEL, (HPos::Center, VPos::Center)),
            });
        }

        // Cells from the back to the front, so that near ones cover far ones.
        let spot = |i: usize, j: usize| {
            [2.0 * x.place(grid.xs[j]) - 1.0, 2.0 * y.place(grid.ys[i]) - 1.0, z.place(grid.at(i, j))]
        };
        for i in (0..grid.ys.len() - 1).rev() {
            for j in 0..grid.xs.len() - 1 {
                let corners = [spot(i, j), spot(i, j + 1), spot(i + 1, j + 1), spot(i + 1, j)];
                let height = corners.iter().map(|corner| corner[2]).sum::<f64>() / 4.0;
                let points = corners.map(|corner| view.project(corner)).to_vec();
                // Thin lines on the two sides in front.
                let edge = vec![points[0], points[1], points[2]];
                marks.push(Mark::Polygon { points, color: viridis(height).to_rgba() });
                marks.push(Mark::Line { points: edge, color: plotters::style::WHITE.mix(0.35), width: 0.5 });
            }
        }
    }
}

fn between(from: Spot, to: Spot, t: f64) -> Spot {
    std::array::from_fn(|i| from[i] + t * (to[i] - from[i]))
}

/// A parallel projection of the box onto a place.
struct View {
    scale: f64,
    middle: Point,
}

impl View {
    fn new(place: Place) -> View {
        let inner = Place {
            left: place.left + 64.0,
            right: place.right - 40.0,
            top: place.top + 44.0,
            bottom: place.bottom - 52.0,
        };
        let corners = (0..8).map(|i| {
            let end = |bit: usize| (i >> bit & 1) as f64;
            flat([2.0 * end(0) - 1.0, 2.0 * end(1) - 1.0, end(2)])
        });
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        let (across, down) =
            corners.fold((start, start), |((l, r), (t, b)), (x, y)| ((l.min(x), r.max(x)), (t.min(y), b.max(y))));
        let (wide, high) = (across.1 - across.0, down.1 - down.0);
        let scale = ((inner.right - inner.left) / wide).min((inner.bottom - inner.top) / high);
        let middle = |low: f64, high: f64, (first, last): Point| (low + high) / 2.0 - scale * (first + last) / 2.0;
        View { scale, middle: (middle(inner.left, inner.right, across), middle(inner.top, inner.bottom, down)) }
    }

    fn project(&self, spot: Spot) -> Point {
        let (x, y) = flat(spot);
        (self.middle.0 + self.scale * x, self.middle.1 + self.scale * y)
    }
}

/// Across and down, as the eye sees it.
fn flat([x, y, z]: Spot) -> Point {
    let (sin_a, cos_a) = AZIMUTH.to_radians().sin_cos();
    let (sin_e, cos_e) = ELEVATION.to_radians().sin_cos();
    let far = -(x * cos_a + y * sin_a);
    (y * cos_a - x * sin_a, -far * sin_e - HEIGHT * z * cos_e)
}
