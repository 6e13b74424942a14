//! [`Format`]: from the bytes of a PNG or JPEG file to an image of the size that a network takes.

use anyhow::{Result, anyhow, ensure};
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageReader, ImageResult, Limits, RgbImage};
use std::io::Cursor;
use std::path::Path;

/// Numbers of all images together, at most, as of an IDX file.
const MOST_NUMBERS: usize = 1 << 30;
/// Pixels along a side of a picture, at most.
const MOST_PIXELS: u32 = 1 << 14;
/// Bytes that a picture may take while it is decoded: 89 million pixels of three bytes.
const MOST_BYTES: u64 = 1 << 28;

/// What pictures of all sizes are made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Pixels along a side.
    pub size: usize,
    /// Whether they keep their colours.
    pub colour: bool,
}

impl Format {
    /// (C, H, W)
    pub fn image_size(self) -> [usize; 3] {
        [if self.colour { 3 } else { 1 }, self.size, self.size]
    }

    /// # Errors
    /// If so many images from a folder are more than memory should hold.
    pub fn check_count(self, count: usize, folder: &Path) -> Result<()> {
        let most = MOST_NUMBERS / self.image_size().iter().product::<usize>();
        let location = folder.display();
        ensure!(
            count <= most,
            "{location}: expected at most {most} images of this size, found {count}; --limit takes fewer"
        );
        Ok(())
    }

    /// Decodes a file and makes an image (C, H, W) of it: the largest square in its middle, made smaller or larger by
    /// averages that are weighted with a triangle. Transparent pixels are seen on white; a photo is turned as its camera
    /// was held (Exif).
    ///
    /// # Errors
    /// If these are no whole PNG or JPEG file, or one of more pixels than the limits.
    pub fn decode(self, bytes: &[u8]) -> Result<Vec<u8>> {
        // Some of these errors have several lines.
        self.decoded(bytes).map_err(|error| anyhow!(error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")))
    }

    fn decoded(self, bytes: &[u8]) -> ImageResult<Vec<u8>> {
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
        let mut limits = Limits::default();
        (limits.max_image_width, limits.max_image_height) = (Some(MOST_PIXELS), Some(MOST_PIXELS));
        limits.max_alloc = Some(MOST_BYTES);
        reader.limits(limits.clone());
        let mut decoder = reader.into_decoder()?;
        limits.reserve(decoder.total_bytes())?;
        decoder.set_limits(limits)?;
        let orientation = decoder.orientation()?;
        let picture = on_white(DynamicImage::from_decoder(decoder)?);
        // Turned when it is small: a square in the middle stays there.
        let mut square = DynamicImage::from(self.square(&picture));
        square.apply_orientation(orientation);
        Ok(self.planes(&square.into_rgb8()))
    }

    /// An image (C, H, W) of a picture, as [`decode`](Format::decode) makes it.
    pub fn fit(self, picture: &RgbImage) -> Vec<u8> {
        self.planes(&self.square(picture))
    }

    fn square(self, picture: &RgbImage) -> RgbImage {
        let (width, height) = picture.dimensions();
        let side = width.min(height);
        let middle = imageops::crop_imm(picture, (width - side) / 2, (height - side) / 2, side, side);
        imageops::resize(&*middle, self.size as u32, self.size as u32, FilterType::Triangle)
    }

    fn planes(self, square: &RgbImage) -> Vec<u8> {
        if self.colour {
            return (0..3).flat_map(|channel| square.pixels().map(move |pixel| pixel[channel])).collect();
        }
        // ITU-R BT.601
        let luma = |[r, g, b]: [u8; 3]| (299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000;
        square.pixels().map(|pixel| luma(pixel.0) as u8).collect()
    }
}

/// Without transparency.
fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0.map(u32::from);
        image::Rgb([r, g, b].map(|channel| ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    })
}
