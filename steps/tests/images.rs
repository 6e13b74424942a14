//! Pictures: what a viewer shows of an animation, captions beside images, and images that cannot be drawn.

use steps::common::images::{self, Captions};
use steps::common::picture::Picture;
use steps::common::plot::{self, BLUE, Chart};
use tsukuru::Real;
use tsukuru::tensor::Tensor;

#[test]
fn an_animation_shows_every_frame_on_top_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figure.gif");
    let frame = |height: f64| {
        let chart = Chart::new("t", "x", "y").x_range(0.0, 1.0).y_range(0.0, 1.0);
        vec![chart.line("", BLUE, [(0.0, height), (1.0, height)]).into()]
    };
    plot::gif(&path, &[frame(0.25), frame(0.75)], 200).unwrap();
    let frames = shown(&path);
    assert_eq!(frames.len(), 2);
    assert_eq!([frames[0].0, frames[1].0], [200, 600]);
    let dark = |left: usize, top: usize| {
        let pixels = (top..top + 20).flat_map(|y| &frames[0].1.row(y)[left..left + 40]);
        pixels.filter(|pixel| pixel[0] < 128).count()
    };
    assert!(dark(385, 12) > 5 && dark(405, 454) > 5, "the title and the label below have letters");
    // Rows in which the middle column is blue.
    let blue = |i: usize| -> Vec<usize> {
        let picture = &frames[i].1;
        assert_eq!((picture.width, picture.height), (800, 480));
        assert_eq!(picture.row(2)[2], [255; 3]);
        (0..480).filter(|&y| picture.row(y)[430][0] < 100 && picture.row(y)[430][2] > 150).collect()
    };
    let (low, high) = (blue(0), blue(1));
    assert!(!low.is_empty() && !high.is_empty() && low.len() < 5 && high.len() < 5, "{low:?} {high:?}");
    assert!(low[0] > high[0] + 150, "{low:?} {high:?}");
}

/// Frames of a GIF on top of each other, as a viewer shows them, and for how many milliseconds.
fn shown(path: &std::path::Path) -> Vec<(u32, Picture)> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut gif = options.read_info(std::fs::File::open(path).unwrap()).unwrap();
    let mut seen = Picture::new(gif.width().into(), gif.height().into(), [0; 3]);
    let mut frames = vec![];
    while let Some(frame) = gif.read_next_frame().unwrap() {
        assert_eq!(frame.dispose, gif::DisposalMethod::Keep);
        assert_eq!((frame.buffer.len(), frame.left, frame.top), (4 * seen.pixels.len(), 0, 0));
        for (seen, &[r, g, b, alpha]) in seen.pixels.iter_mut().zip(frame.buffer.as_chunks().0) {
            if alpha > 0 {
                *seen = [r, g, b];
            }
        }
        frames.push((10 * u32::from(frame.delay), seen.clone()));
    }
    frames
}

/// Noise that changes in half of its pixels from frame to frame, in all shades of grey.
#[test]
fn an_animation_of_images_shows_every_frame() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.gif");
    let shade = |frame: usize, i: usize| ((i + i % 2 * frame * 7919) * 2_654_435_761 % 256) as Real / 255.0;
    let frames: Vec<Tensor> = (0..4).map(|frame| Tensor::from_fn([2, 1, 16, 16], |i| shade(frame, i))).collect();
    let grid = |frame: &Tensor| images::grid(frame, 2, &Captions::default()).unwrap();
    images::save_gif(&path, frames.iter().map(grid), 80, 2500).unwrap();
    let seen = shown(&path);
    assert_eq!(seen.len(), 4);
    for (seen, frame) in seen.iter().zip(&frames) {
        let expected = grid(frame).pixels;
        let pixels = seen.1.pixels.as_flattened().iter().zip(expected.as_flattened());
        let error = pixels.map(|(seen, expected)| seen.abs_diff(*expected)).max();
        assert!(error <= Some(2), "{error:?}");
    }
    assert_eq!([seen[0].0, seen[3].0], [80, 2500]);

    // Some viewers show black where frames have colours of their own.
    let mut decoder = gif::Decoder::new(std::fs::File::open(&path).unwrap()).unwrap();
    assert!(decoder.global_palette().unwrap().len() >= 3 * 255);
    while let Some(frame) = decoder.next_frame_info().unwrap() {
        assert!(frame.palette.is_none());
    }
}

/// The pixels of a part of a picture.
fn crop(picture: &Picture, (left, top): (usize, usize), [width, height]: [usize; 2]) -> Vec<[u8; 3]> {
    (top..top + height).flat_map(|y| picture.row(y)[left..left + width].to_vec()).collect()
}

/// Captions are written around the images, and change none of them.
#[test]
fn captions_stand_above_images_and_beside_rows() {
    let x = Tensor::from_fn([5, 1, 28, 28], |i| (i * 7919 % 256) as Real / 255.0);
    let plain = images::grid(&x, 3, &Captions::default()).unwrap();
    let captions =
        Captions { above: vec!["t = 0".into(), "t = 1".into()], beside: vec!["first".into(), "second row".into()] };
    let captioned = images::grid(&x, 3, &captions).unwrap();
    // Only the first row has captions above.
    let (left, top) = (captioned.width - plain.width, captioned.height - plain.height);
    assert!(left > 80 && top == 16, "{left}, {top}");
    let (tile, gap) = (84, 6);
    for (i, caption) in [(0, true), (1, true), (2, false), (3, false), (4, false)] {
        let at = (gap + i % 3 * (tile + gap), gap + i / 3 * (tile + gap));
        let image = |picture, at| crop(picture, at, [tile, tile]);
        assert!(image(&captioned, (at.0 + left, at.1 + top)) == image(&plain, at), "image {i}");
        let above = crop(&captioned, (at.0 + left, at.1), [tile, 16]);
        assert!(i > 2 || above.contains(&[232; 3]) == caption, "above image {i}");
    }
    for row in 0..2 {
        let beside = crop(&captioned, (0, top + row * (tile + gap)), [left, tile]);
        assert!(beside.contains(&[232; 3]), "beside row {row}");
    }
}

/// As bytes they would be black or white, as if they were images.
#[test]
fn images_that_are_not_finite_are_not_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images.png");
    for wrong in [Real::NAN, Real::INFINITY, Real::NEG_INFINITY] {
        let x = Tensor::from_fn([2, 1, 4, 5], |i| if i == 33 { wrong } else { 0.5 });
        let error = format!("{:#}", images::save_grid(&path, &x, 2).unwrap_err());
        let place = "image 1, row 2, column 3 (all counted from 0): expected a finite number";
        assert!(error.starts_with(&format!("{}: not drawn: {place}, found {wrong}", path.display())), "{error}");
        assert!(!path.exists());
    }
    let outside = Tensor::from_fn([1, 1, 4, 5], |i| [-1e30, 1e30][i % 2]);
    images::save_grid(&path, &outside, 2).unwrap();
}
