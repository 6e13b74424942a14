//! The ways of writing a digit, read from `datasets/strokes.txt`; that file explains its own format.

use super::curve::Guide;
use std::sync::LazyLock;
use tsukuru::random::Rng;

/// One way of writing a digit.
pub struct Template {
    pub digit: u8,
    pub name: String,
    /// How often it is chosen, relative to the digit's other templates.
    pub weight: f64,
    pub strokes: Vec<Vec<Guide>>,
}

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let text = include_str!("../../../datasets/strokes.txt");
    parse(text).unwrap_or_else(|error| panic!("datasets/strokes.txt: {error}"))
});

/// All templates, in the file's order.
pub fn all() -> &'static [Template] {
    &TEMPLATES
}

/// One of a digit's templates, chosen by weight.
pub fn choose(digit: u8, rng: &mut Rng) -> &'static Template {
    let ways = || TEMPLATES.iter().filter(|t| t.digit == digit);
    let mut left = rng.uniform() * ways().map(|t| t.weight).sum::<f64>();
    let chosen = ways().find(|t| {
        left -= t.weight;
        left < 0.0
    });
    chosen.or_else(|| ways().last()).expect("parse has seen every digit")
}

fn parse(text: &str) -> Result<Vec<Template>, String> {
    let mut templates: Vec<Template> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let at = |error| format!("line {}: {error}", number + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            templates.push(parse_header(header).map_err(at)?);
        } else {
            let template = templates.last_mut().ok_or_else(|| at("a stroke before the first [digit name weight]".into()))?;
            template.strokes.push(parse_stroke(line).map_err(at)?);
        }
    }
    if let Some(empty) = templates.iter().find(|t| t.strokes.is_empty()) {
        return Err(format!("[{} {}] has no strokes", empty.digit, empty.name));
    }
    match (0..10).find(|&digit| templates.iter().all(|t| t.digit != digit)) {
        Some(missing) => Err(format!("no template for the digit {missing}")),
        None => Ok(templates),
    }
}

/// `7 crossed 2]`
fn parse_header(header: &str) -> Result<Template, String> {
    let wrong = || format!("expected [digit name weight], found [{header}");
    let (digit, rest) = header.strip_suffix(']').and_then(|h| h.split_once(' ')).ok_or_else(wrong)?;
    let (name, weight) = rest.rsplit_once(' ').ok_or_else(wrong)?;
    let digit = digit.parse().ok().filter(|&d: &u8| d < 10).ok_or_else(wrong)?;
    let weight = weight.parse().ok().filter(|&w: &f64| w > 0.0 && w.is_finite()).ok_or_else(wrong)?;
    Ok(Template { digit, name: name.into(), weight, strokes: Vec::new() })
}

/// `12,8 85,5^ 42,99`, in hundredths.
fn parse_stroke(line: &str) -> Result<Vec<Guide>, String> {
    let guide = |word: &str| {
        let corner = word.ends_with('^');
        let (x, y) = word.trim_end_matches('^').split_once(',')?;
        let hundredths = |s: &str| s.parse().ok().filter(|v: &f64| v.is_finite()).map(|v| v / 100.0);
        Some(Guide { at: [hundredths(x)?, hundredths(y)?], corner })
    };
    let words = line.split_whitespace();
    let stroke: Vec<Guide> =
        words.map(|w| guide(w).ok_or_else(|| format!("expected a point x,y or x,y^, found {w}"))).collect::<Result<_, _>>()?;
    if stroke.len() < 2 { Err("a stroke needs two points".into()) } else { Ok(stroke) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_several_ways_of_writing_each_digit() {
        for digit in 0..10 {
            assert!(all().iter().filter(|t| t.digit == digit).count() >= 4, "{digit}");
        }
    }

    #[test]
    fn a_stroke_is_points_and_corners() {
        let stroke = parse_stroke("12,8 85,5^  42,100").unwrap();
        assert_eq!(stroke.iter().map(|k| k.at).collect::<Vec<_>>(), [[0.12, 0.08], [0.85, 0.05], [0.42, 1.0]]);
        assert_eq!(stroke.iter().map(|k| k.corner).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn errors_name_the_line_and_what_was_expected() {
        let error = |text| parse(text).err().unwrap();
        assert_eq!(error("# x\n1,2 3,4"), "line 2: a stroke before the first [digit name weight]");
        assert_eq!(error("[7 crossed]"), "line 1: expected [digit name weight], found [7 crossed]");
        assert_eq!(error("[70 crossed 1]"), "line 1: expected [digit name weight], found [70 crossed 1]");
        assert_eq!(error("[7 crossed -1]"), "line 1: expected [digit name weight], found [7 crossed -1]");
        assert_eq!(error("[7 crossed 1]\n1,2 3;4"), "line 2: expected a point x,y or x,y^, found 3;4");
        assert_eq!(error("[7 crossed 1]\n1,2"), "line 2: a stroke needs two points");
        assert_eq!(error("[7 crossed 1]\n\n[1 bar 1]\n1,2 3,4"), "[7 crossed] has no strokes");
        assert_eq!(error("[0 bar 1]\n1,2 3,4"), "no template for the digit 1");
    }
}
