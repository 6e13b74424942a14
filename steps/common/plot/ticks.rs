//! The ticks of an axis: round numbers, and their labels, which have the same number of digits.

use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;

/// About `count` round numbers from `low` to `high` at most, with their labels.
pub fn ticks(low: f64, high: f64, log: bool, count: usize) -> Vec<(f64, String)> {
    let mut ticks = if log { powers(low, high, count) } else { vec![] };
    // The ends may be off by a rounding error.
    ticks.retain(|(x, _)| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(x));
    // Within a decade there may be no power of ten, nor its 2- or 5-fold.
    let ticks = if ticks.len() > 1 { ticks } else { multiples(low, high, count) };
    ticks.into_iter().map(|(x, label)| (x, label.replace('-', "−"))).collect()
}

/// At most `count` multiples of 1, 2 or 5 times a power of ten. plotters finds them if its range is about 1 to 10 long;
/// tiny ones it takes for empty, and in huge ones it does not come to an end.
fn multiples(low: f64, high: f64, count: usize) -> Vec<(f64, String)> {
    let unit = libm::exp10(libm::log10(high - low).floor());
    let numbers = RangedCoordf64::from(low / unit..high / unit).key_points(count);
    let step = if let [first, second, ..] = numbers[..] { (second - first) * unit } else { high - low };
    let power = |x: f64| libm::log10(x * 1.0001).floor();
    let largest = low.abs().max(high.abs());
    let decimals = (-power(step)).max(0.0) as usize;
    let label = |x: f64| match decimals {
        0..=5 if largest < 1e6 => format!("{x:.decimals$}"),
        _ if x == 0.0 => "0".into(),
        _ => format!("{x:.*e}", (power(largest) - power(step)).max(0.0) as usize),
    };
    // Multiples without rounding errors; + 0.0 makes 0 of -0.
    numbers.into_iter().map(|x| (x * unit / step).round() * step + 0.0).map(|x| (x, label(x))).collect()
}

/// Powers of ten, `count` at most, and their 2- and 5-fold if there is room. Some may lie outside.
fn powers(low: f64, high: f64, count: usize) -> Vec<(f64, String)> {
    let (first, last, count) = (libm::log10(low), libm::log10(high), count as f64);
    let decades = last - first;
    let factors: &[f64] = if decades < 1.0 || 3.0 * decades <= count { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = (decades / count).ceil().max(1.0) as i32;
    let label = |x: f64, power: i32| match power {
        -4..=5 => format!("{x:.*}", (-power).max(0) as usize),
        _ => format!("{x:.0e}"),
    };
    let powers = (first.floor() as i32..=last.ceil() as i32).filter(|power| power % every == 0);
    let all = powers.flat_map(|power| factors.iter().map(move |factor| (factor * libm::exp10(power.into()), power)));
    all.map(|(x, power)| (x, label(x, power))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, log: bool, count: usize) -> String {
        ticks(low, high, log, count).into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(0.0, 1.0, false, 6), "0.0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(labels(-3.0, 3.0, false, 4), "−2 0 2");
        assert_eq!(labels(153.1, 190.9, false, 10), "155 160 165 170 175 180 185 190");
        assert_eq!(labels(0.0, 3e-7, false, 4), "0 1e−7 2e−7 3e−7");
        assert_eq!(labels(-2e6, 2e6, false, 6), "−2e6 −1e6 0 1e6 2e6");
        assert_eq!(labels(1e9, 1e9 + 4e3, false, 4), "1.000000e9 1.000002e9 1.000004e9");
    }

    #[test]
    fn a_logarithmic_axis_marks_what_there_is_room_for() {
        assert_eq!(labels(1.0, 1e5, true, 8), "1 10 100 1000 10000 100000");
        assert_eq!(labels(0.8, 100.0, true, 3), "1 10 100");
        assert_eq!(labels(0.8, 100.0, true, 10), "1 2 5 10 20 50 100");
        assert_eq!(labels(0.03, 0.3, true, 4), "0.05 0.1 0.2");
        assert_eq!(labels(0.055, 0.095, true, 4), "0.06 0.07 0.08 0.09", "no power, nor its 2- or 5-fold");
        assert_eq!(labels(1e-300, 1e300, true, 4), "1e−300 1e−150 1 1e150 1e300");
    }
}
