//! Drawings and masks of the reader's, from files.

use super::data::Format;
use anyhow::{Context, Result};
use std::path::Path;
use tsukuru::Real;
use tsukuru::files::read_regular;
use tsukuru::tensor::Tensor;

/// So many bytes are read at most.
const MOST: u64 = 1 << 26;

/// A PNG or JPEG file in grey, 0 to 1, as (1, 1, `size`, `size`): the square in its middle.
///
/// # Errors
/// If the file cannot be read, or as [`Format::decode`].
pub fn read(path: &Path, size: usize) -> Result<Tensor> {
    let bytes = read_regular(path, MOST).with_context(|| format!("{}: cannot be read", path.display()))?;
    let pixels = Format { size, colour: false }.decode(&bytes).with_context(|| path.display().to_string())?;
    Ok(Tensor::from_fn([1, 1, size, size], |i| Real::from(pixels[i]) / 255.0))
}

/// x (1, 1, H, W) as light lines on a dark ground, as digits are: reversed if its border is lighter than grey.
pub fn light_on_dark(x: &Tensor) -> Tensor {
    let (h, w) = (x.shape()[2], x.shape()[3]);
    let is_border = |i: usize| i.is_multiple_of(w) || i % w == w - 1 || i < w || i >= w * (h - 1);
    let border = Vec::from_iter((0..h * w).filter(|&i| is_border(i)).map(|i| x.data()[i]));
    let reversed = border.iter().sum::<Real>() > 0.5 * border.len() as Real;
    let opposite = |x: Real| (255.0 - 255.0 * x).round() / 255.0; // of a byte, to the last bit
    if reversed { x.map(opposite) } else { x.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_light_whichever_way_they_were_drawn() {
        let drawn = Tensor::from_fn([1, 1, 3, 3], |i| if i == 4 { 200.0 / 255.0 } else { 0.0 });
        assert_eq!(light_on_dark(&drawn), drawn);
        assert_eq!(light_on_dark(&drawn.map(|x| if x > 0.0 { 55.0 / 255.0 } else { 1.0 })), drawn);
    }
}
