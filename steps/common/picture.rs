//! Pictures in memory: what images and animated figures are before they become files.

/// Pixels, row by row from the top.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// [red, green, blue]
    pub pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// A picture of one colour.
    pub fn new(width: usize, height: usize, colour: [u8; 3]) -> Picture {
        Picture { width, height, pixels: vec![colour; width * height] }
    }

    /// Row y, all of its pixels.
    pub fn row(&self, y: usize) -> &[[u8; 3]] {
        &self.pixels[y * self.width..][..self.width]
    }

    /// The pixel in column x of row y.
    ///
    /// # Panics
    /// If it lies outside.
    pub fn pixel_mut(&mut self, x: usize, y: usize) -> &mut [u8; 3] {
        assert!(x < self.width && y < self.height, "pixel ({x}, {y}) of {} x {}", self.width, self.height);
        &mut self.pixels[y * self.width + x]
    }
}
