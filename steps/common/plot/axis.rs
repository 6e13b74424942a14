//! [`Axis`]: from numbers to places between 0 and 1, with round numbers marked.

/// One axis: what it shows, from where to where.
#[derive(Clone, Debug)]
pub struct Axis {
    pub label: String,
    /// Set by hand; otherwise what the data ask for.
    pub range: Option<(f64, f64)>,
    pub log: bool,
}

/// An axis whose ends are known.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    pub log: bool,
}

impl Axis {
    pub fn new(label: &str) -> Axis {
        Axis { label: label.into(), range: None, log: false }
    }

    /// The scale that was set by hand, or one that shows all `values`, with a margin where `margin` (low, high) is not 0,
    /// as a share of the length.
    pub fn scale(&self, values: impl Iterator<Item = f64>, margin: (f64, f64)) -> Scale {
        let log = self.log;
        if let Some((low, high)) = self.range {
            return Scale { low, high, log };
        }
        let usable = values.filter(|x| x.is_finite() && (!log || *x > 0.0));
        let (low, high) = usable.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let (low, high) = match (low < high, low == high) {
            (true, _) => (low, high),
            (_, true) if log => (low / 2.0, high * 2.0),
            (_, true) => (low - 0.5, high + 0.5),
            _ => (0.1, 1.0),
        };
        if log {
            let length = (high / low).ln();
            Scale { low: low * (-margin.0 * length).exp(), high: high * (margin.1 * length).exp(), log }
        } else {
            let length = high - low;
            Scale { low: low - margin.0 * length, high: high + margin.1 * length, log }
        }
    }
}

impl Scale {
    /// 0 at the low end, 1 at the high end.
    pub fn place(&self, x: f64) -> f64 {
        if self.log {
            (x / self.low).ln() / (self.high / self.low).ln()
        } else {
            (x - self.low) / (self.high - self.low)
        }
    }

    pub fn contains(&self, x: f64) -> bool {
        (self.low.min(self.high)..=self.high.max(self.low)).contains(&x)
    }

    /// Round numbers on the axis, at most about `count`, each with its label.
    pub fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let powers = if self.log { self.powers(count) } else { vec![] };
        // Within a decade there may be none.
        if powers.len() > 1 { powers } else { self.multiples(count) }
    }

    /// Multiples of 1, 2 or 5 times a power of ten.
    fn multiples(&self, count: usize) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / count.max(1) as f64;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= 0.999 * rough);
        let step = step.unwrap_or(rough);
        let digits = (-(step * 1.0001).log10().floor()).max(0.0) as usize;
        let (first, last) = ((self.low / step - 1e-6).ceil() as i64, (self.high / step + 1e-6).floor() as i64);
        let label = |x: f64| if digits > 5 { format!("{x:.0e}") } else { format!("{x:.digits$}") };
        (first..=last).map(|i| i as f64 * step).map(|x| (x, label(x))).collect()
    }

    /// Powers of ten, and where there is room, their 2- and 5-fold.
    fn powers(&self, count: usize) -> Vec<(f64, String)> {
        let decades = (self.high / self.low).log10();
        let factors: &[f64] = if decades < 1.0 || 3.0 * decades <= count as f64 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let all = (first..=last).flat_map(|power| factors.iter().map(move |factor| (power, factor)));
        let label = |x: f64, power: i32| match power {
            -4..=5 => format!("{x:.*}", (-power).max(0) as usize),
            _ => format!("{x:.0e}"),
        };
        all.map(|(power, factor)| (factor * 10f64.powi(power), power))
            .filter(|(x, _)| (-1e-9..=1.0 + 1e-9).contains(&self.place(*x)))
            .map(|(x, power)| (x, label(x, power)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(low: f64, high: f64, log: bool, count: usize) -> String {
        let ticks = Scale { low, high, log }.ticks(count);
        ticks.into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(words(0.0, 1.0, false, 5), "0.0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(words(-3.0, 3.0, false, 4), "-2 0 2");
        assert_eq!(words(153.1, 190.9, false, 10), "155 160 165 170 175 180 185 190");
        assert_eq!(words(0.0, 3e-7, false, 3), "0e0 1e-7 2e-7 3e-7");
    }

    #[test]
    fn a_logarithmic_axis_marks_what_there_is_room_for() {
        assert_eq!(words(1.0, 1e5, true, 8), "1 10 100 1000 10000 100000");
        assert_eq!(words(0.8, 100.0, true, 3), "1 10 100");
        assert_eq!(words(0.8, 100.0, true, 10), "1 2 5 10 20 50 100");
        assert_eq!(words(0.03, 0.3, true, 4), "0.05 0.1 0.2");
        assert_eq!(words(0.055, 0.095, true, 4), "0.06 0.07 0.08 0.09", "no power, nor its 2- or 5-fold");
    }

    #[test]
    fn data_decide_where_an_axis_ends() {
        let ends = |log, values: &[f64]| {
            let Scale { low, high, .. } = Axis { log, ..Axis::new("") }.scale(values.iter().copied(), (0.0, 0.1));
            (low, high)
        };
        assert_eq!(ends(false, &[2.0, 12.0, f64::NAN]), (2.0, 13.0));
        assert_eq!(ends(false, &[5.0, 5.0]), (4.5, 5.6));
        assert_eq!(ends(true, &[0.0, 1.0, 1e10]).0, 1.0);
        assert!((ends(true, &[0.0, 1.0, 1e10]).1 / 1e11 - 1.0).abs() < 1e-9);
    }
}
