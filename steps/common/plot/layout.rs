//! Where the axes of a chart lie: [`Insets`] around them, the same for all charts of a figure, and their [`Plane`].

use super::axis::{Axis, Scale};
use super::chart::{Chart, text_width};
use super::legend;
use super::room::Rect;
use super::series::{Series, Shape};
use super::style::{px, title_height};
use plotters::coord::Shift;
use plotters::prelude::*;

/// The room around axes, in units. Charts with the same insets are aligned.
#[derive(Clone, Copy, Default)]
pub struct Insets {
    pub left: u32,
    pub right: u32,
    /// For a legend.
    pub above: u32,
}

/// Around everything.
fn margin() -> u32 {
    px(8.0)
}

impl Insets {
    /// What all charts of a figure need, each in its area.
    pub fn of_figure<DB: DrawingBackend>(charts: &[(&Chart, &DrawingArea<DB, Shift>)]) -> Insets {
        let mut insets = Insets::default();
        for (chart, area) in charts {
            let Plane { x, y, .. } = Plane::new(chart, area, Insets::default());
            let width = |label: &str| text_width(area, label);
            insets.left = insets.left.max(margin() + px(30.0) + y.labels().map(width).max().unwrap_or(0));
            // The last label may reach beyond the axis.
            insets.right = insets.right.max(px(18.0)).max(px(4.0) + x.labels().last().map_or(0, width) / 2);
        }
        let rows = charts.iter().map(|(chart, area)| chart.legend_rows(area, insets)).max().unwrap_or(0);
        Insets { above: legend::height(rows), ..insets }
    }

    /// The part of the left inset for the labels of y.
    pub fn y_labels(&self) -> u32 {
        self.left - margin()
    }

    /// The room below the axis for the labels of x.
    pub fn x_labels() -> u32 {
        px(44.0)
    }
}

/// The axes of a chart.
pub struct Plane {
    pub x: Scale,
    pub y: Scale,
    /// Where they lie in the area below the title.
    pub rect: Rect,
}

impl Plane {
    pub fn new<DB: DrawingBackend>(chart: &Chart, area: &DrawingArea<DB, Shift>, insets: Insets) -> Plane {
        let (wide, high) = area.dim_in_pixel();
        let wide = wide.saturating_sub(insets.left + insets.right).max(1);
        let high = high.saturating_sub(title_height() + insets.above + Insets::x_labels() + margin()).max(1);
        let points = || chart.series.iter().flat_map(Series::points);
        let any = |test: fn(&Shape) -> bool| chart.series.iter().any(|series| test(&series.shape));
        // Dots need room at the sides; bars and areas begin at the axis.
        let side = if any(|shape| matches!(shape, Shape::Dots(..) | Shape::Errors(_))) { 0.04 } else { 0.0 };
        let foot = if any(|shape| matches!(shape, Shape::Bars(_) | Shape::Area(_))) { 0.0 } else { 0.05 };
        let x = |axis: &Axis, ticks| axis.scale(points().map(|p| p.0), (side, side), ticks);
        let y = |axis: &Axis, ticks| axis.scale(points().map(|p| p.1), (foot, 0.08), ticks);
        let (mut x_axis, mut y_axis) = (chart.x.clone(), chart.y.clone());
        let (mut width, mut height) = (wide, high);
        if chart.equal {
            // Axes that follow the data become longer, the others become smaller.
            let (x, y) = (x(&x_axis, 2), y(&y_axis, 2));
            let (across, up) = (f64::from(wide) / x.extent(), f64::from(high) / y.extent());
            if x_axis.range.is_none() && y_axis.range.is_none() {
                x_axis.range = Some(x.stretched((across / up).max(1.0)));
                y_axis.range = Some(y.stretched((up / across).max(1.0)));
            } else {
                width = (across.min(up) * x.extent()) as u32;
                height = (across.min(up) * y.extent()) as u32;
            }
        }
        let fits = |x: &Scale| x.labels_fit(width, |label| text_width(area, label) + px(8.0));
        let counts = (2..=(width / px(56.0)).max(2) as usize).rev();
        let x = counts.map(|ticks| x(&x_axis, ticks)).find(fits).unwrap_or_else(|| x(&x_axis, 2));
        let y = y(&y_axis, (height / px(48.0)).max(2) as usize);
        let corner = (insets.left + (wide - width) / 2, insets.above + (high - height) / 2);
        Plane { x, y, rect: Rect::new((corner.0 as i32, corner.1 as i32), (width.max(1), height.max(1))) }
    }
}
