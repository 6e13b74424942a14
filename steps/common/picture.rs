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

    /// Each pixel as a square of `scale` x `scale`.
    pub fn enlarged(&self, scale: usize) -> Picture<P> {
        let mut pixels = Vec::with_capacity(self.pixels.len() * scale * scale);
        for y in 0..self.height * scale {
            pixels.extend(self.row(y / scale).iter().flat_map(|&pixel| std::iter::repeat_n(pixel, scale)));
        }
        Picture { width: self.width * scale, height: self.height * scale, pixels }
    }
}
