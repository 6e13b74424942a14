//! Letters as pixels, for pictures and animations: those of GNU Unifont, which has Greek ones, subscripts and the minus
//! sign, too.

use unifont::get_glyph;

/// Pixels of a line of letters, from top to bottom.
pub const HEIGHT: usize = 16;

/// Pixels of a text from left to right.
pub fn width(text: &str) -> usize {
    text.chars().filter_map(get_glyph).map(|glyph| glyph.get_width()).sum()
}

/// The inked pixels (x, y) of a text, whose upper left corner is (0, 0).
pub fn ink(text: &str) -> Vec<(usize, usize)> {
    let (mut inked, mut left) = (vec![], 0);
    for glyph in text.chars().filter_map(get_glyph) {
        let pixels = (0..HEIGHT).flat_map(|y| (0..glyph.get_width()).map(move |x| (x, y)));
        inked.extend(pixels.filter(|&(x, y)| glyph.get_pixel(x, y)).map(|(x, y)| (left + x, y)));
        left += glyph.get_width();
    }
    inked
}

/// A minus sign in place of every `-` that is no hyphen: it stands behind no letter or digit.
pub fn with_minus_signs(text: &str) -> String {
    let before = [' '].into_iter().chain(text.chars());
    before.zip(text.chars()).map(|(before, c)| if c == '-' && !before.is_alphanumeric() { '−' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_that_the_figures_use_has_ink() {
        for letter in "azAZ09γμσφ₀₁₂²√−±≤→|()".chars() {
            let (text, wide) = (letter.to_string(), width(&letter.to_string()));
            assert!(wide > 0 && !ink(&text).is_empty(), "{letter}");
            assert!(ink(&text).iter().all(|&(x, y)| x < wide && y < HEIGHT), "{letter}");
        }
        assert_eq!(ink("−").iter().map(|&(x, _)| x + 8).min(), ink(" −").iter().map(|&(x, _)| x).min());
    }

    #[test]
    fn a_minus_is_no_hyphen() {
        assert_eq!(with_minus_signs("-3 cm, log-likelihood -ln p - 1, (-L)"), "−3 cm, log-likelihood −ln p − 1, (−L)");
    }
}
