//! [`Surface`]: the graph of a function of x and y in three dimensions, seen from above a corner.

use super::super::letters::with_minus_signs;
use super::axis::{Axis, Scale};
use super::grid::Grid;
use super::style::{GRID, INK, LABEL, TICK, letters, px, titled, viridis};
use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::f64::consts::FRAC_PI_6;

/// The graph z = f(x, y).
#[derive(Clone, Debug)]
pub struct Surface {
    title: String,
    /// Of x, y and z.
    labels: [String; 3],
    grid: Grid,
}

/// How far the box is turned, and from how high it is seen. The corner of the largest x and the smallest y is in front.
const YAW: f64 = FRAC_PI_6;
const PITCH: f64 = FRAC_PI_6;
/// The height of the box, where its sides are 1 long.
const HEIGHT: f64 = 0.7;
/// Length of a tick mark, which is half of the distance from an axis to its numbers, in pixels.
const TICK_SIZE: f64 = 6.0;

impl Surface {
    pub fn new(title: &str, labels: [&str; 3], grid: Grid) -> Surface {
        Surface { title: with_minus_signs(title), labels: labels.map(with_minus_signs), grid }
    }

    pub(super) fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<(), DB> {
        let grid = &self.grid;
        let scale = |values: &[f64]| Axis::new("").scale(values.iter().copied(), (0.0, 0.0), 6);
        let (low, high) = grid.extent();
        // A density begins at 0.
        let z = scale(&[low.min(0.0), high]);
        // plotters' axes are x to the right, z upwards, and -y into the distance.
        let (x, y) = (scale(&grid.xs), scale(&grid.ys).reversed());
        let widest = z.labels().filter_map(|label| area.estimate_text_size(label, &letters(TICK)).ok());
        let left = widest.map(|(width, _)| width).max().unwrap_or(0) + px(2.0 * TICK_SIZE + 6.0);

        let mut chart = ChartBuilder::on(&titled(area, &self.title, grid.not_finite())?)
            .margin_top(px(16.0))
            .margin_left(left + px(LABEL + 4.0))
            .margin_right(px(40.0))
            .margin_bottom(px(52.0))
            .build_cartesian_3d(x.clone(), z.clone(), y.clone())?;
        // The projected size of the box where its sides are 1 long, and how long they can be.
        let across = libm::sin(YAW) + libm::cos(YAW);
        let (wide, high) = (across, across * libm::sin(PITCH) + HEIGHT * libm::cos(PITCH));
        let room = chart.plotting_area().dim_in_pixel();
        let side = (f64::from(room.0) / wide).min(f64::from(room.1) / high);
        chart.set_3d_pixel_range((side as i32, (HEIGHT * side) as i32, side as i32)).with_projection(|mut view| {
            (view.yaw, view.pitch) = (YAW, PITCH);
            view.into_matrix()
        });
        // Where the axes of x and y meet, there is no room for two labels.
        let label = |scale: &Scale, tick: f64| match scale.place(tick) {
            0.04..0.96 => scale.label(tick),
            _ => String::new(),
        };
        chart
            .configure_axes()
            .tick_size(px(TICK_SIZE))
            .label_style(letters(TICK))
            .axis_panel_style(TRANSPARENT)
            .light_grid_style(TRANSPARENT)
            .bold_grid_style(GRID.stroke_width(px(1.0)))
            .x_formatter(&|tick| label(&x, *tick))
            .y_formatter(&|tick| z.label(*tick))
            .z_formatter(&|tick| label(&y, *tick))
            .draw()?;

        // plotters draws these axes thinly, without labels. Each is given by its ends and its middle.
        let [[x0, x1, x2], [y0, y1, y2], [z0, z1, z2]] =
            [&x, &y, &z].map(Ranged::range).map(|ends| [ends.start, (ends.start + ends.end) / 2.0, ends.end]);
        let (aside, below) = (px(6.0) as i32, px(30.0) as i32);
        let axes = [
            ([(x0, z0, y2), (x1, z0, y2), (x2, z0, y2)], HPos::Right, VPos::Top, FontTransform::None, (-aside, below)),
            ([(x2, z0, y0), (x2, z0, y1), (x2, z0, y2)], HPos::Left, VPos::Top, FontTransform::None, (aside, below)),
            (
                [(x0, z0, y2), (x0, z1, y2), (x0, z2, y2)],
                HPos::Center,
                VPos::Bottom,
                FontTransform::Rotate270,
                (-(left as i32), 0),
            ),
        ];
        for (label, (edge, h, v, turn, away)) in self.labels.iter().zip(axes) {
            let label = Text::new(label.clone(), away, letters(LABEL).pos(Pos::new(h, v)).transform(turn));
            chart.plotting_area().draw(&PathElement::new(edge, INK.stroke_width(px(1.0))))?;
            chart.plotting_area().draw(&(EmptyElement::at(edge[1]) + label))?;
        }

        // Cells from the back to the front, so that near ones cover far ones.
        let corner = |i: usize, j: usize| (grid.xs[j], grid.at(i, j), grid.ys[i]);
        for i in (0..grid.ys.len() - 1).rev() {
            for j in 0..grid.xs.len() - 1 {
                let corners = [corner(i, j), corner(i, j + 1), corner(i + 1, j + 1), corner(i + 1, j)];
                let height = corners.iter().map(|corner| z.place(corner.1)).sum::<f64>() / 4.0;
                if !height.is_finite() {
                    continue;
                }
                chart.plotting_area().draw(&Polygon::new(corners, viridis(height)))?;
                // Thin lines on the two sides in front.
                let sides = PathElement::new(&corners[..3], WHITE.mix(0.35).stroke_width(px(0.5)));
                chart.plotting_area().draw(&sides)?;
            }
        }
        Ok(())
    }
}
