//! The ticks of an axis: round numbers, and their labels, which have the same number of digits.

/// About `count` round numbers from `low` to `high` at most, with their labels.
pub fn ticks(low: f64, high: f64, log: bool, count: usize) -> Vec<(f64, String)> {
    let mut ticks = if log { powers(low, high, count) } else { vec![] };
    // The ends may be off by a rounding error.
    ticks.retain(|(x, _)| x.is_finite() && (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(x));
    // Within a decade there may be no power of ten, nor its 2- or 5-fold.
    let ticks = if ticks.len() > 1 { ticks } else { multiples(low, high, count) };
    let shown = ticks.into_iter().filter(|(x, _)| !log || *x > 0.0);
    shown.map(|(x, label)| (x, label.replace('-', "−"))).collect()
}

/// At most `count` multiples of 1, 2 or 5 times a power of ten; two, where `count` is 1. plotters' own lack the
/// last one at times (0.40 between 0.26 and 0.41), and have no end where numbers are huge.
fn multiples(low: f64, high: f64, count: usize) -> Vec<(f64, String)> {
    // Without a rounding error, which a tick far from 0 would multiply.
    let decimal = |digits: f64, power: i32| format!("{digits}e{power}").parse::<f64>().expect("a number");
    let between = |step: f64| ((low / step).ceil(), (high / step).floor());
    let few = |&(digits, power): &(f64, i32)| {
        let (first, last) = between(decimal(digits, power));
        last - first < count.max(2) as f64
    };
    let power = libm::log10(high - low).floor() as i32;
    let finer = (0..3).flat_map(|i| [5.0, 2.0, 1.0].map(|digits| (digits, power - i)));
    let (digits, power) = finer.take_while(few).last().unwrap_or((1.0, power + 1));
    let (first, last) = between(decimal(digits, power));
    let largest = low.abs().max(high.abs());
    let decimals = (-power).max(0) as usize;
    let label = |x: f64| match decimals {
        0..=5 if largest < 1e6 => format!("{x:.decimals$}"),
        _ if x == 0.0 => "0".into(),
        _ => format!("{x:.*e}", (libm::log10(largest * 1.0001).floor() as i32 - power).max(0) as usize),
    };
    // + 0.0 makes 0 of -0.
    let numbers = (0..(last - first + 1.0) as usize).map(|i| decimal((first + i as f64) * digits, power) + 0.0);
    numbers.map(|x| (x, label(x))).collect()
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
