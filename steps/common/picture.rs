//! Pictures in memory: what images and animated figures are before they become files.

/// Pixels, row by row from the top: a `u8` for each of a grey picture, [red, green, blue] for each of a coloured one.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture<P> {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<P>,
}

impl<P: Copy> Picture<P> {
    /// A picture of one colour.
    pub fn new(width: usize, height: usize, colour: P) -> Picture<P> {
        Picture { width, height, pixels: vec![colour; width * height] }
    }

    /// Row y, all of its pixels.
    pub fn row(&self, y: usize) -> &[P] {
        &self.pixels[y * self.width..][..self.width]
    }

    /// The pixel in column x of row y.
    ///
    /// # Panics
    /// If it lies outside.
    pub fn pixel_mut(&mut self, x: usize, y: usize) -> &mut P {
        assert!(x < self.width && y < self.height, "pixel ({x}, {y}) of {} x {}", self.width, self.height);
        &mut self.pixels[y * self.width + x]
    }
}

impl From<Picture<u8>> for Picture<[u8; 3]> {
    fn from(grey: Picture<u8>) -> Picture<[u8; 3]> {
        let pixels = grey.pixels.into_iter().map(|shade| [shade; 3]).collect();
        Picture { width: grey.width, height: grey.height, pixels }
    }
}
