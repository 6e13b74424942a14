//! Letters as pixels, for pictures and animations: those of GNU Unifont, which has Greek ones, subscripts and the minus
//! sign, too.

use std::sync::{LazyLock, Mutex};
use unifont_bitmap::Unifont;

/// It unpacks 256 letters at a time, when one of them is first asked for.
static UNIFONT: LazyLock<Mutex<Unifont>> = LazyLock::new(|| Mutex::new(Unifont::open()));

/// Pixels of a line of letters, from top to bottom.
pub const HEIGHT: usize = 16;

/// The letter's rows from top to bottom, as bits from left to right: 8 or 16 of each row.
fn rows(letter: char) -> Vec<u8> {
    UNIFONT.lock().expect("no letter panics").load_bitmap(letter.into()).get_bytes().to_vec()
}

/// Pixels of a text from left to right.
pub fn width(text: &str) -> usize {
    text.chars().map(|letter| rows(letter).len() * 8 / HEIGHT).sum()
}

/// The inked pixels (x, y) of a text, whose upper left corner is (0, 0).
pub fn ink(text: &str) -> Vec<(usize, usize)> {
    let (mut inked, mut left) = (vec![], 0);
    for rows in text.chars().map(rows) {
        let width = rows.len() * 8 / HEIGHT;
        let pixels = (0..rows.len() * 8).filter(|i| rows[i / 8] << (i % 8) & 0x80 != 0);
        inked.extend(pixels.map(|i| (left + i % width, i / width)));
        left += width;
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
            assert!(wide > 0 && !ink(&text).is_empty() && ink(&text) != ink("\u{fffd}"), "{letter}");
            assert!(ink(&text).iter().all(|&(x, y)| x < wide && y < HEIGHT), "{letter}");
        }
        assert_eq!(ink("−").iter().map(|&(x, _)| x + 8).min(), ink(" −").iter().map(|&(x, _)| x).min());
    }

    #[test]
    fn a_minus_is_no_hyphen() {
        assert_eq!(with_minus_signs("-3 cm, log-likelihood -ln p - 1, (-L)"), "−3 cm, log-likelihood −ln p − 1, (−L)");
    }
}
