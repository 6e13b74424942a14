//! From strokes to pixels, as MNIST was made: the ink fits a box of 20 x 20 pixels, and the box is laid into the image
//! so that the ink's centre of mass lies in the middle.

use super::curve::Point;

/// Pixels along an image's side.
pub const SIDE: usize = 28;
/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;
const BOX: usize = 20;
/// Pixels over which an edge goes from black to white. A pixel seen as a square gives 1 to 1.4.
const SOFTNESS: f64 = 1.2;

/// A point on a stroke's middle line and the pen's radius there.
#[derive(Clone, Copy)]
pub struct Dab {
    pub at: Point,
    pub radius: f64,
}

/// Draws strokes given in any units; only the radii are in pixels already.
///
/// # Panics
/// If `pixels` is not one image.
pub fn draw(strokes: &mut [Vec<Dab>], pixels: &mut [u8]) {
    fit(strokes);
    let mut ink = [0.0; BOX * BOX];
    for pair in strokes.iter().flat_map(|stroke| stroke.windows(2)) {
        stamp(pair[0], pair[1], &mut ink);
    }
    lay(&ink, pixels);
}

/// Scales and shifts the strokes until they, with their thickness, touch the box from inside.
fn fit(strokes: &mut [Vec<Dab>]) {
    let dabs = || strokes.iter().flatten();
    let radius = dabs().map(|d| d.radius).fold(0.0, f64::max);
    let low = [0, 1].map(|k| dabs().map(|d| d.at[k]).fold(f64::INFINITY, f64::min));
    let high = [0, 1].map(|k| dabs().map(|d| d.at[k]).fold(f64::NEG_INFINITY, f64::max));
    let extent = (high[0] - low[0]).max(high[1] - low[1]);
    let scale = (BOX as f64 - 2.0 * radius) / extent;
    for dab in strokes.iter_mut().flatten() {
        dab.at = [0, 1].map(|k| BOX as f64 / 2.0 + scale * (dab.at[k] - (low[k] + high[k]) / 2.0));
    }
}

/// Inks the pixels near the line from `a` to `b`. Overlapping strokes are as white as one: the maximum, not the sum.
fn stamp(a: Dab, b: Dab, ink: &mut [f64; BOX * BOX]) {
    let reach = a.radius.max(b.radius) + SOFTNESS / 2.0;
    let range = |k: usize| {
        let (low, high) = (a.at[k].min(b.at[k]) - reach, a.at[k].max(b.at[k]) + reach);
        low.max(0.0) as usize..(high.max(0.0) as usize + 1).min(BOX)
    };
    let along = [b.at[0] - a.at[0], b.at[1] - a.at[1]];
    let length2 = (along[0] * along[0] + along[1] * along[1]).max(1e-12);
    for y in range(1) {
        for x in range(0) {
            // The pixel's middle, seen from a; t is how far along the line its nearest point lies.
            let [dx, dy] = [x as f64 + 0.5 - a.at[0], y as f64 + 0.5 - a.at[1]];
            let t = ((dx * along[0] + dy * along[1]) / length2).clamp(0.0, 1.0);
            let [rx, ry] = [dx - t * along[0], dy - t * along[1]];
            let inside = a.radius + t * (b.radius - a.radius) - (rx * rx + ry * ry).sqrt();
            let cover = (0.5 + inside / SOFTNESS).clamp(0.0, 1.0);
            let pixel = &mut ink[y * BOX + x];
            *pixel = cover.max(*pixel);
        }
    }
}

/// Copies the box into the image, by whole pixels, so that the ink's centre of mass is nearest to the middle.
fn lay(ink: &[f64; BOX * BOX], pixels: &mut [u8]) {
    assert_eq!(pixels.len(), PIXELS);
    let (mut mass, mut moment) = (0.0, [0.0; 2]);
    for (i, &v) in ink.iter().enumerate() {
        mass += v;
        moment = [moment[0] + v * (i % BOX) as f64, moment[1] + v * (i / BOX) as f64];
    }
    let middle = (SIDE / 2) as f64; // MNIST's centre is the pixel (14, 14)
    let [left, top] = moment.map(|m| (middle - m / mass + 0.5).clamp(0.0, (SIDE - BOX) as f64) as usize);
    pixels.fill(0);
    for (y, row) in ink.chunks_exact(BOX).enumerate() {
        let start = (top + y) * SIDE + left;
        for (pixel, v) in pixels[start..start + BOX].iter_mut().zip(row) {
            *pixel = (255.0 * v + 0.5) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(points: &[Point], radius: f64) -> Vec<f64> {
        let mut pixels = [0; PIXELS];
        draw(&mut [points.iter().map(|&at| Dab { at, radius }).collect()], &mut pixels);
        pixels.iter().map(|&v| f64::from(v) / 255.0).collect()
    }

    #[test]
    fn a_line_has_its_length_and_thickness() {
        // Along x, y and askew; whatever its own size, it is made 20 long, and its ends are half circles.
        for end in [[7.0, 0.0], [0.0, 0.1], [3.0, 3.0]] {
            let ink: f64 = drawn(&[[0.0, 0.0], end], 1.5).iter().sum();
            let length = if end[0] == end[1] { 17.0 * 2.0_f64.sqrt() } else { 17.0 };
            let area = 3.0 * length + std::f64::consts::PI * 1.5 * 1.5;
            assert!((ink / area - 1.0).abs() < 0.03, "{end:?}: {ink} for {area}");
        }
    }

    #[test]
    fn crossing_strokes_are_as_white_as_one() {
        let once = drawn(&[[0.0, 0.0], [1.0, 1.0]], 1.0);
        let twice = drawn(&[[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]], 1.0);
        assert_eq!(once, twice);
    }

    #[test]
    fn a_lopsided_drawing_is_moved_to_the_middle() {
        // Most of the ink is at the top: the box's top edge is 4 pixels from the image's before it is moved down.
        let pixels = drawn(&[[0.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.5, 0.01], [0.5, 1.0]], 2.0);
        let top = pixels.iter().position(|&v| v > 0.5).unwrap() / SIDE;
        assert!(top > 4, "{top}");
    }
}
