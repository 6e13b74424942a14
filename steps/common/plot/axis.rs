//! [`Axis`] and [`Scale`]: a coordinate for plotters that is linear or logarithmic.
//!
//! plotters' own coordinates are one type for each of the two, overflow far beyond the ends of an axis, and have no
//! logarithmic ticks but powers of ten. A [`Scale`] is linear in u, where u = x or u = ln x.

use super::ticks::ticks;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use std::f64::consts::LN_2;
use std::ops::Range;

/// An axis that follows the data ends here at the latest, so that its length is finite; a logarithmic axis begins at
/// 1 / LARGEST at the earliest.
const LARGEST: f64 = 1e300;

/// What a program says of an axis.
#[derive(Clone, Debug)]
pub struct Axis {
    pub label: String,
    /// From where to where; `None` for as far as the data reach.
    pub range: Option<(f64, f64)>,
    pub log: bool,
    /// Names for 0, 1, 2, .. instead of numbers, if there are any.
    pub categories: Vec<String>,
}

/// An axis whose ends and ticks are known.
#[derive(Clone, Debug)]
pub struct Scale {
    /// Both ends, as u.
    ends: (f64, f64),
    log: bool,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    pub fn new(label: &str) -> Axis {
        Axis { label: label.into(), range: None, log: false, categories: vec![] }
    }

    /// A scale of the range that was set, or one that shows all finite `values` (on a logarithmic axis, all positive ones)
    /// with a `margin` (low, high) as a share of the length. It has `ticks` ticks at most, or a few more if it is
    /// logarithmic. An axis of categories shows all of them.
    pub fn scale(&self, values: impl Iterator<Item = f64>, margin: (f64, f64), ticks: usize) -> Scale {
        if !self.categories.is_empty() {
            let ticks = (0..).map(f64::from).zip(self.categories.iter().cloned()).collect();
            return Scale { ends: (-0.5, self.categories.len() as f64 - 0.5), log: false, ticks };
        }
        let (values, margin) = match self.range {
            Some((low, high)) => (vec![low, high], (0.0, 0.0)),
            None => (values.collect(), margin),
        };
        let u = |x: f64| if self.log { libm::log(x) } else { x };
        let largest = u(LARGEST);
        let us = values.into_iter().map(u).filter(|u| u.is_finite()).map(|u| u.clamp(-largest, largest));
        let (low, high) = us.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), u| (low.min(u), high.max(u)));
        // Values that differ by rounding errors only are taken as equal.
        let nothing = if self.log { 1e-10 } else { 1e-12 * low.abs().max(high.abs()).max(1e-288) };
        let (low, high) = match high - low {
            length if length > nothing => (low - margin.0 * length, high + margin.1 * length),
            // There are no values.
            f64::NEG_INFINITY if self.log => (libm::log(0.1), 0.0),
            f64::NEG_INFINITY => (0.0, 1.0),
            _ if self.log => (low - LN_2, high + LN_2),
            _ => (low - (low.abs() / 10.0).max(0.5), high + (high.abs() / 10.0).max(0.5)),
        };
        Scale::new((low, high), self.log, ticks)
    }
}

impl Scale {
    fn new(ends: (f64, f64), log: bool, count: usize) -> Scale {
        let scale = Scale { ends, log, ticks: vec![] };
        let Range { start, end } = scale.range();
        Scale { ticks: ticks(start, end, log, count), ..scale }
    }

    /// The same scale from its high end to its low end.
    pub fn reversed(self) -> Scale {
        Scale { ends: (self.ends.1, self.ends.0), ..self }
    }

    /// The label of a tick; empty for other numbers.
    pub fn label(&self, tick: f64) -> String {
        self.ticks.iter().find(|(x, _)| *x == tick).map_or_else(String::new, |(_, label)| label.clone())
    }

    /// All ticks and their labels.
    pub fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    /// The labels of all ticks.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.ticks.iter().map(|(_, label)| label.as_str())
    }

    /// Whether no two labels touch each other on an axis of this `length`, if `size` is that of a label, with some room.
    pub fn labels_fit(&self, length: u32, size: impl Fn(&str) -> u32) -> bool {
        let place = |tick: &(f64, String)| (self.place(tick.0) * f64::from(length)) as i64;
        let half = |tick: &(f64, String)| i64::from(size(&tick.1) / 2);
        self.ticks.windows(2).all(|pair| place(&pair[0]) + half(&pair[0]) + half(&pair[1]) <= place(&pair[1]))
    }

    /// How far it is from the first end to the second.
    pub fn extent(&self) -> f64 {
        self.ends.1 - self.ends.0
    }

    /// The ends of a linear axis that is longer by this factor and has the same middle.
    pub fn stretched(&self, factor: f64) -> (f64, f64) {
        let more = (factor - 1.0) * self.extent() / 2.0;
        (self.ends.0 - more, self.ends.1 + more)
    }

    /// The position of x: 0 at the first end, 1 at the second. Not finite for x <= 0 on a logarithmic axis.
    pub fn place(&self, x: f64) -> f64 {
        let u = if self.log { libm::log(x) } else { x };
        (u - self.ends.0) / (self.ends.1 - self.ends.0)
    }

    /// Whether x lies on the axis, give or take a rounding error.
    pub fn contains(&self, x: f64) -> bool {
        (-1e-9..=1.0 + 1e-9).contains(&self.place(x))
    }
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, x: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * self.place(*x).clamp(-1.0, 2.0)).round() as i32
    }

    /// The ticks. There are no light lines between them.
    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let light = hint.weight().allow_light_points();
        self.ticks.iter().filter(|_| !light).map(|(x, _)| *x).collect()
    }

    fn range(&self) -> Range<f64> {
        let x = |u: f64| if self.log { libm::exp(u).clamp(f64::MIN_POSITIVE, f64::MAX) } else { u };
        x(self.ends.0)..x(self.ends.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn data_decide_where_an_axis_ends() {
        let ends = |log, values: &[f64]| {
            let Range { start, end } =
                Axis { log, ..Axis::new("") }.scale(values.iter().copied(), (0.0, 0.1), 5).range();
            (start, end)
        };
        assert_eq!(ends(false, &[2.0, 12.0, f64::NAN]), (2.0, 13.0));
        assert_eq!(ends(false, &[5.0, 5.0]), (4.5, 5.5));
        assert_eq!(ends(false, &[]), (0.0, 1.0));
        assert_eq!(ends(false, &[100.0, 100.0 + 1e-12]).0, 90.0, "a difference by rounding");
        let (low, high) = ends(true, &[0.0, 1.0, 1e10]);
        assert!((low - 1.0).abs() < 1e-12 && (high / 1e11 - 1.0).abs() < 1e-9, "{low} {high}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

        /// Random bits are numbers of all sizes; the second number is near the first, or anywhere.
        #[test]
        fn any_numbers_have_an_axis_with_few_ticks(
            bits in any::<[u64; 2]>(),
            ulps in prop::option::of(0_u32..60),
            log: bool,
            count in 2_usize..14,
        ) {
            let first = f64::from_bits(bits[0]);
            let second = f64::from_bits(ulps.map_or(bits[1], |ulps| bits[0].saturating_add(1_u64 << ulps)));
            let scale = Axis { log, ..Axis::new("") }.scale([first, second].into_iter(), (0.05, 0.08), count);
            let (ticks, near) = (scale.ticks(), |x: f64| (-0.001..=1.001).contains(&scale.place(x)));
            prop_assert!(ticks.len() <= 2 * count + 2, "{ticks:?}");
            prop_assert!(ticks.iter().all(|(x, label)| near(*x) && label.chars().count() < 24), "{ticks:?}");
            let shown = |x: f64| x.abs() <= 0.999 * LARGEST && (!log || x >= 1.001 / LARGEST);
            prop_assert!([first, second].into_iter().filter(|&x| shown(x)).all(near), "{scale:?}");
        }
    }

    #[test]
    fn numbers_far_outside_are_drawn_next_to_the_axis() {
        let axis = |log| Axis { log, range: Some((1.0, 100.0)), ..Axis::new("") }.scale([].into_iter(), (0.0, 0.0), 5);
        let map = |log, x: f64| axis(log).map(&x, (1000, 2000));
        assert_eq!([1.0, 50.5, 100.0].map(|x| map(false, x)), [1000, 1500, 2000]);
        assert_eq!([1.0, 10.0, 100.0].map(|x| map(true, x)), [1000, 1500, 2000]);
        assert_eq!([f64::MIN, -1e9, 1e9, f64::MAX].map(|x| map(false, x)), [0, 0, 3000, 3000]);
        assert_eq!([0.0, f64::MAX].map(|x| map(true, x)), [0, 3000]);
    }
}
