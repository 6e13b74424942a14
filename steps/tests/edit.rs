//! The programs of step 10 that edit images, as a user meets them.

mod program;

use program::{folder, succeeds};
use std::fs;
use std::path::Path;

const STEP10: &str = env!("CARGO_BIN_EXE_step10");

fn step10(folder: &Path, args: &str) -> String {
    succeeds(STEP10, folder, &format!("{args} --data built-in"))
}

/// The picture that a program draws.
fn drawn(folder: &Path, args: &str, picture: &str) -> Vec<u8> {
    step10(folder, args);
    fs::read(folder.join("out/step10").join(picture)).expect("a picture")
}

fn write_png(path: &Path, side: usize, shade: impl Fn(usize, usize) -> u8) {
    let picture =
        image::GrayImage::from_fn(side as u32, side as u32, |x, y| image::Luma([shade(x as usize, y as usize)]));
    picture.save(path).expect("a file");
}

#[test]
fn images_are_edited_as_the_flags_say() {
    let folder = folder();
    let at = folder.path();
    step10(at, "classifier_free_guidance --batch-size 8 --epochs 1");
    // White is hidden: the lower half, as `bottom`, in a file that is larger than the images.
    write_png(&at.join("mask.png"), 56, |_, y| if y < 28 { 0 } else { 255 });
    let filled = |flags: &str| drawn(at, &format!("inpaint {flags}"), "inpaint/inpainted.png");
    let centre = filled("");
    assert!(filled("") == centre, "the same seed, the same images");
    let bottom = filled("--mask bottom");
    assert!(filled("--mask mask.png") == bottom && bottom != centre);
    for flags in ["--resample 1", "--jump 2", "--gamma 0", "--seed 1", "--count 3"] {
        assert!(filled(flags) != centre, "{flags}");
    }
    // Dark on light or light on dark is the same drawing.
    write_png(&at.join("dark.png"), 28, |x, _| if (12..15).contains(&x) { 0 } else { 255 });
    write_png(&at.join("light.png"), 28, |x, _| if (12..15).contains(&x) { 255 } else { 0 });
    let edited = |flags: &str| drawn(at, &format!("sdedit {flags}"), "sdedit/edited.png");
    let dark = edited("--drawing dark.png");
    assert!(dark == edited("--drawing light.png") && dark != edited(""));
    for flags in ["--label 1", "--strength 0.3,0.5", "--seed 1"] {
        assert!(edited(&format!("--drawing dark.png {flags}")) != dark, "{flags}");
    }
    let said = step10(at, "sdedit --strength 0");
    assert!(said.contains("strength 0, from t = 0: root mean square of the change 0.000"), "{said}");
    let between = |flags: &str| drawn(at, &format!("interpolate {flags}"), "interpolate/interpolated.png");
    assert!(between("") == between("") && between("") != between("--iterations 1"));
}

/// A model without labels fills and edits, too, and one with nothing but labels needs one.
#[test]
fn other_models_edit_as_far_as_they_can() {
    let folder = folder();
    let train = "diffusion_model --batch-size 8 --epochs 1 --data built-in";
    succeeds(env!("CARGO_BIN_EXE_step09"), folder.path(), train);
    for program in ["inpaint", "sdedit --label 3", "interpolate"] {
        let said = step10(folder.path(), program);
        assert!(said.contains("model: out/step09/diffusion_model/model.safetensors"), "{said}");
    }
    fails(folder.path(), "inpaint --gamma 2", &["--gamma: expected with a model that knows labels"]);
    step10(folder.path(), "conditional --batch-size 8 --epochs 1");
    let model = "--model out/step10/conditional/model.safetensors";
    step10(folder.path(), &format!("inpaint {model}"));
    fails(folder.path(), &format!("inpaint --gamma 0 {model}"), &["--gamma 0: expected another scale"]);
    fails(folder.path(), &format!("sdedit {model}"), &["--label: expected with a model that was always conditioned"]);
    fails(folder.path(), &format!("interpolate {model}"), &["expected a model that was also trained without labels"]);
}

fn fails(folder: &Path, args: &str, expected: &[&str]) {
    program::fails(STEP10, folder, &format!("{args} --data built-in"), expected);
}

#[test]
fn wrong_flags_and_files_are_explained() {
    let folder = folder();
    let at = folder.path();
    fails(at, "inpaint", &["no model of built-in digits in out", "--model"]);
    step10(at, "classifier_free_guidance --batch-size 8 --epochs 1");
    write_png(&at.join("black.png"), 8, |_, _| 0);
    fs::write(at.join("text.png"), "text").expect("a file");
    fails(at, "inpaint --mask nothing.png", &["nothing.png: cannot be read"]);
    fails(at, "inpaint --mask text.png", &["text.png"]);
    fails(
        at,
        "inpaint --mask black.png",
        &["black.png: expected white pixels, and black ones, found 0 white ones of 784"],
    );
    fails(at, "inpaint --count 0", &["--count 0: expected 1 to 64, the test images"]);
    fails(at, "inpaint --resample 0", &["--resample 0: expected 1 to 100"]);
    fails(at, "inpaint --jump 0", &["--jump 0"]);
    fails(at, "sdedit --drawing .", &[".: cannot be read: expected a file, found a folder"]);
    fails(at, "sdedit --strength 0.5,1.5", &["--strength 1.5: expected 0 to 1"]);
    fails(at, "sdedit --strength nan", &["--strength NaN"]);
    fails(at, "sdedit --label 10", &["--label 10: expected 0 to 9"]);
    fails(at, "sdedit --count 0", &["--count 0"]);
    fails(at, "interpolate --count 0", &["--count 0: expected 1 to 100"]);
    fails(at, "interpolate --iterations 0", &["--iterations 0"]);
    fails(at, "interpolate --sample-steps 1", &["--sample-steps 1: expected 2 to 1000"]);
}
