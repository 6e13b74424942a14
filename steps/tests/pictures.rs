//! Pictures of the reader's own: what images they become, and programs that learn from them.

mod program;

use image::{DynamicImage, Rgb, RgbImage, Rgba, RgbaImage};
use program::{are_there, command, fails, folder, losses, succeeds};
use std::fs;
use std::path::Path;
use steps::common::data::{Source, Split};
use tsukuru::data::Dataset;

const STEP07: &str = env!("CARGO_BIN_EXE_step07");
const STEP09: &str = env!("CARGO_BIN_EXE_step09");
const STEP10: &str = env!("CARGO_BIN_EXE_step10");
const STEP11: &str = env!("CARGO_BIN_EXE_step11");

const RED: [u8; 3] = [200, 20, 30];
const GREEN: [u8; 3] = [10, 180, 40];
const BLUE: [u8; 3] = [30, 60, 220];

/// A picture whose pixels have these colours in each third of its width.
fn thirds(width: u32, height: u32, colours: [[u8; 3]; 3]) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| Rgb(colours[(3 * x / width) as usize]))
}

fn put(path: &Path, picture: impl Into<DynamicImage>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.into().save(path).unwrap();
}

fn load(folder: &Path, split: Split, size: usize, colour: bool) -> Result<Dataset, String> {
    let source = Source::choose(Some(folder), Path::new("nowhere")).map_err(|error| error.to_string())?;
    let source = source.with_format(Some(size), colour).map_err(|error| error.to_string())?;
    source.load(split, None).map_err(|error| error.to_string())
}

/// The planes of a data set of one image.
fn planes(folder: &Path, size: usize, colour: bool) -> Vec<u8> {
    let dataset = load(folder, Split::Train, size, colour).unwrap();
    assert_eq!(dataset.len(), 1);
    dataset.images().pixels.clone()
}

#[track_caller]
fn near(found: &[u8], expected: u8, error: u8) {
    assert!(found.iter().all(|found| found.abs_diff(expected) <= error), "{found:?}, not {expected}");
}

#[test]
fn the_square_in_the_middle_is_made_an_image_of_red_green_and_blue_planes() {
    for (name, error) in [("wide.png", 0), ("wide.JPG", 3)] {
        let folder = folder();
        put(&folder.path().join(name), thirds(60, 20, [RED, GREEN, BLUE]));
        let pixels = planes(folder.path(), 4, true);
        assert_eq!(pixels.len(), 3 * 16);
        (0..3).for_each(|channel| near(&pixels[16 * channel..][..16], GREEN[channel], error));
        near(&planes(folder.path(), 4, false), 113, error); // 0.299 * 10 + 0.587 * 180 + 0.114 * 40
        assert_eq!(planes(folder.path(), 40, true).len(), 3 * 1600);
    }
    let folder = folder();
    let white_to_black = RgbImage::from_fn(8, 8, |x, _| Rgb([if x < 4 { 255 } else { 0 }; 3]));
    put(&folder.path().join("half.png"), white_to_black);
    assert_eq!(planes(folder.path(), 4, false)[..4], [255, 223, 32, 0]); // a triangle is four pixels wide here
}

/// The hidden colour of a transparent pixel is often black.
#[test]
fn transparent_pixels_are_seen_on_white() {
    let folder = folder();
    put(&folder.path().join("a.png"), RgbaImage::from_pixel(8, 8, Rgba([0, 100, 200, 51])));
    let pixels = planes(folder.path(), 4, true);
    [204, 224, 244].into_iter().enumerate().for_each(|(i, shade)| near(&pixels[16 * i..][..16], shade, 0));
}

/// Cameras write photos as their sensor lies, and how it was held.
#[test]
fn a_photo_is_turned_upright() {
    let folder = folder();
    let path = folder.path().join("photo.jpeg");
    put(&path, RgbImage::from_fn(32, 48, |_, y| Rgb(if y < 24 { RED } else { BLUE })));
    let bytes = fs::read(&path).unwrap();
    // TIFF, one entry: the orientation (0x0112), a u16, 6: the first row is the right side.
    let exif = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    fs::write(&path, [&bytes[..2], exif, &bytes[2..]].concat()).unwrap();
    let red = &planes(folder.path(), 16, true)[..256];
    red.chunks(16).for_each(|row| {
        near(&row[..6], BLUE[0], 4);
        near(&row[10..], RED[0], 4);
    });
}

#[test]
fn subfolders_are_classes_that_take_turns() {
    let folder = folder();
    for (class, count, shade) in [("b", 12, 100), ("a b", 3, 50), ("empty", 0, 0)] {
        fs::create_dir(folder.path().join(class)).unwrap();
        for i in 0..count {
            put(
                &folder.path().join(class).join(format!("{i:02}.png")),
                RgbImage::from_pixel(5, 4, Rgb([shade + i; 3])),
            );
        }
    }
    fs::write(folder.path().join("empty/notes.txt"), "no picture").unwrap();
    fs::write(folder.path().join("b/._00.png"), "what macOS leaves").unwrap();
    let train = load(folder.path(), Split::Train, 4, false).unwrap();
    assert_eq!(train.classes(), ["a b", "b"]);
    assert_eq!(train.labels(), [0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    let firsts: Vec<u8> = train.images().pixels.chunks(16).map(|image| image[0]).collect();
    assert_eq!(firsts, [50, 100, 51, 101, 52, 102, 103, 104, 105, 106, 107, 108, 110, 111]);
    let test = load(folder.path(), Split::Test, 4, false).unwrap();
    assert_eq!((test.labels(), test.images().pixels[0]), (&[1][..], 109));
    assert_eq!(test.classes(), train.classes());

    put(&folder.path().join("z.png"), RgbImage::from_pixel(5, 4, Rgb([7; 3])));
    let classes = load(folder.path(), Split::Train, 4, false).unwrap().classes().to_vec();
    assert_eq!(classes, [&folder.path().file_name().unwrap().display().to_string(), "a b", "b"]);
}

#[test]
fn the_checksum_is_that_of_the_images_as_they_are_used() {
    let folder = folder();
    put(&folder.path().join("a.png"), thirds(30, 30, [RED, GREEN, BLUE]));
    let checksum = |size, colour| load(folder.path(), Split::Train, size, colour).unwrap().checksum();
    let sums = [checksum(16, false), checksum(16, true), checksum(32, true)];
    assert!(sums[0] != sums[1] && sums[1] != sums[2] && sums[1] == checksum(16, true));
}

#[test]
fn what_cannot_be_used_is_left_out_or_an_error() {
    let folder = folder();
    let said = load(folder.path(), Split::Train, 32, false).unwrap_err();
    assert!(said.contains("expected train-images-idx3-ubyte") && said.contains("PNG and JPEG files"), "{said}");
    let bad = folder.path().join("b/bad.png");
    fs::create_dir(folder.path().join("b")).unwrap();
    fs::write(&bad, "no picture").unwrap();
    let said = load(folder.path(), Split::Train, 32, false).unwrap_err();
    assert!(said.contains(": none of 1 pictures can be used; ") && said.contains("bad.png: "), "{said}");
    // 60,000 pixels along a side, in a file of a few bytes.
    put(&folder.path().join("b/good.png"), thirds(9, 9, [RED, GREEN, BLUE]));
    let mut huge = fs::read(folder.path().join("b/good.png")).unwrap();
    huge.splice(16..24, [0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    huge.splice(29..33, [0x0f, 0xb0, 0xe2, 0x15]); // its checksum
    fs::write(folder.path().join("b/huge.png"), huge).unwrap();
    assert_eq!(load(folder.path(), Split::Train, 32, false).unwrap().len(), 1);
    let said = load(folder.path(), Split::Test, 32, false).unwrap_err();
    assert!(said.ends_with("expected at least 10 pictures of some class, as every 10th is one to test with"), "{said}");

    let ran = command(STEP07, folder.path(), "vae --data .").output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    let lines: Vec<&str> = said.lines().filter(|line| line.ends_with("; it is left out")).collect();
    assert!(ran.status.success() && lines.len() == 2, "{said}");
    assert!(lines[0].contains("bad.png: ") && lines[1].contains("huge.png: "), "{said}");
    assert!(lines[1].contains("imit"), "refused before it is decoded: {said}");
}

/// Twenty images, the i-th of class i % 10 and of one colour.
fn put_cifar(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let record =
        |i: usize| [vec![(i % 10) as u8], [i as u8, 100, 200].map(|shade| vec![shade; 1024]).concat()].concat();
    for batch in 1..=5 {
        let records: Vec<u8> = (0..4).flat_map(|i| record(4 * (batch - 1) + i)).collect();
        fs::write(folder.join(format!("data_batch_{batch}.bin")), records).unwrap();
    }
    fs::write(folder.join("test_batch.bin"), record(3)).unwrap();
}

#[test]
fn the_files_of_cifar_10_are_read_as_such() {
    let folder = folder();
    let within = folder.path().join("cifar-10-batches-bin");
    put_cifar(&within);
    for place in [folder.path(), &within] {
        let train = load(place, Split::Train, 32, true).unwrap();
        assert_eq!((train.len(), train.images().size(), &train.classes()[9][..]), (20, [3, 32, 32], "truck"));
        assert_eq!(train.labels()[..11], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
        let last = &train.images().pixels[19 * 3072..];
        [19, 100, 200].into_iter().enumerate().for_each(|(i, shade)| near(&last[1024 * i..][..1024], shade, 0));
        let test = load(place, Split::Test, 16, false).unwrap();
        assert_eq!((test.labels(), test.images().size()), (&[3][..], [1, 16, 16]));
        near(&test.images().pixels, 82, 0); // 0.299 * 3 + 0.587 * 100 + 0.114 * 200
    }
    let path = within.join("data_batch_2.bin");
    let wrong = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        load(&within, Split::Train, 32, true).unwrap_err()
    };
    let whole = fs::read(&path).unwrap();
    let message = |offset: usize, said: &str| format!("{}, byte {offset}: expected {said}", path.display());
    assert_eq!(wrong(&whole[..3100]), message(3073, "a record of 3073 bytes, found 27 and the end of the file"));
    assert_eq!(wrong(&[&whole[..3073], &[10; 3073]].concat()), message(3073, "a label from 0 to 9, found 10"));
    fs::remove_file(&path).unwrap();
    assert!(load(&within, Split::Train, 32, true).unwrap_err().contains("missing: train-images"));
}

/// Twelve red, green and blue pictures of each of three classes.
fn flowers(folder: &Path) {
    for (class, colour) in [("daisy", RED), ("rose", GREEN), ("tulip", BLUE)] {
        (0..12).for_each(|i| put(&folder.join(format!("flowers/{class}/{i}.png")), thirds(20 + i, 24, [colour; 3])));
    }
}

/// Whether a file is a picture in colour.
fn is_coloured(path: &Path) -> bool {
    image::open(path).expect("a picture").color() == image::ColorType::Rgb8
}

#[test]
fn programs_learn_from_pictures_in_colour() {
    let folder = folder();
    flowers(folder.path());
    let colour = "--data flowers --size 16 --colour --epochs 1 --batch-size 8";
    for (step, program) in [
        (STEP07, "vae"),
        (env!("CARGO_BIN_EXE_step08"), "hvae"),
        (STEP09, "diffusion_model"),
        (STEP10, "conditional"),
        (STEP10, "classifier_free_guidance"),
        (STEP11, "flow"),
        (STEP11, "transformer"),
    ] {
        let said = succeeds(step, folder.path(), &format!("{program} {colour}"));
        assert!(said.contains("33 images of 3 x 16 x 16, data: pictures in flowers"), "{said}");
        let name = Path::new(step).file_stem().unwrap().display().to_string();
        let run = folder.path().join("out").join(name).join(program);
        assert!(is_coloured(&run.join("samples/epoch_001.png")));
        are_there(&run, &["model.safetensors"]);
    }
    succeeds(STEP07, folder.path(), "latent --data flowers --size 16 --colour");
    assert!(is_coloured(&folder.path().join("out/step07/latent/interpolations.png")));
    succeeds(STEP10, folder.path(), &format!("classifier_guidance {colour}"));
    assert!(is_coloured(&folder.path().join("out/step10/classifier_guidance/guidance/label_2.png")));
    assert!(!folder.path().join("out/step10/classifier_guidance/guidance/label_3.png").exists());

    let other = "diffusion_model --data flowers --epochs 1 --batch-size 8 --resume";
    fails(
        STEP09,
        folder.path(),
        &format!("{other} --colour --size 24"),
        &["it trains on other images", "size: [16,16]"],
    );
    fails(STEP09, folder.path(), &format!("{other} --size 16"), &["it trains on other images"]);

    // A model knows its channels, its size and the names of its labels.
    let of = |path: &str| format!("sample --model out/{path}/model.safetensors");
    succeeds(STEP09, folder.path(), &format!("{} --count 2", of("step09/diffusion_model")));
    for (step, model) in [(STEP10, "step10/conditional"), (STEP11, "step11/flow"), (STEP11, "step11/transformer")] {
        succeeds(step, folder.path(), &format!("{} --labels tulip,daisy", of(model)));
        let samples = folder.path().join("out").join(&model[..6]).join("sample/samples.png");
        assert!(is_coloured(&samples));
        assert_eq!(image::open(samples).unwrap().width(), 3 * (2 * 18 + 2)); // two of 16 pixels, three times as large
        let unknown = format!("{} --labels oak", of(model));
        fails(
            step,
            folder.path(),
            &unknown,
            &["--labels oak: expected names such as daisy, rose, tulip, found \"oak\""],
        );
        fails(
            step,
            folder.path(),
            &format!("{} --export a", of(model)),
            &["--export: expected a model of grey images"],
        );
    }
}

#[test]
fn programs_for_digits_and_sizes_that_do_not_fit_are_explained() {
    let folder = folder();
    flowers(folder.path());
    let step06 = env!("CARGO_BIN_EXE_step06");
    let flowers = "--data flowers --colour";
    fails(
        step06,
        folder.path(),
        &format!("classifier {flowers}"),
        &["flowers: expected images of 28 x 28, found 3 x 32 x 32"],
    );
    let grey = "classifier --data flowers --size 28";
    fails(step06, folder.path(), grey, &["flowers: expected ten classes, as of digits, found 3"]);
    fails(STEP11, folder.path(), &format!("objectives {flowers}"), &["flowers: expected images of 28 x 28"]);
    let unet = ["flowers: expected images whose sides are multiples of 4, and 8 at least, found 30 x 30"];
    fails(STEP09, folder.path(), &format!("diffusion_model {flowers} --size 30"), &unet);
    fails(STEP11, folder.path(), &format!("flow {flowers} --size 30"), &unet);
    let dit = ["--patch 4: expected a number that divides 30 and 30"];
    fails(STEP11, folder.path(), &format!("transformer {flowers} --size 30"), &dit);
    succeeds(STEP11, folder.path(), &format!("transformer {flowers} --size 30 --patch 5 --epochs 1"));
    fails(STEP09, folder.path(), "diffusion_model --data flowers --size 2000", &["--size 2000: expected 4 to 1024"]);
    fails(STEP09, folder.path(), "diffusion_model --data built-in --size 32", &["--size: built-in digits have one"]);
    fails(STEP09, folder.path(), "diffusion_model --data built-in --colour", &["--colour: built-in digits have none"]);
    fails(
        STEP09,
        folder.path(),
        "gaussian_noise --colour",
        &["gaussian_noise takes no --colour: it reads no pictures"],
    );
    assert!(losses(&folder.path().join("out/step11/transformer")).len() == 3);
}
