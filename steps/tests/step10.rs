//! Step 10 as a user meets it; see step09.rs for what both have in common.

mod program;

use program::{are_there, folder, losses, model};
use std::fs;
use std::path::Path;
use tsukuru::data::idx;

const STEP10: &str = env!("CARGO_BIN_EXE_step10");

fn step10(folder: &Path, args: &str) -> String {
    program::succeeds(STEP10, folder, args)
}

fn fails(folder: &Path, args: &str, expected: &[&str]) {
    program::fails(STEP10, folder, args, expected);
}

const TRAIN: &str = "classifier_free_guidance --data built-in --batch-size 8";

#[test]
fn without_a_program_both_ways_run_in_their_quick_form() {
    let folder = folder();
    let said = step10(folder.path(), "--data built-in");
    let step = folder.path().join("out/step10");
    let files = [
        "classifier_free_guidance_quick/samples/epoch_001.png",
        "classifier_free_guidance_quick/loss.svg",
        "classifier_free_guidance_quick/denoising.gif",
        "classifier_free_guidance_quick/guidance/label_0.png",
        "classifier_free_guidance_quick/model.safetensors",
        "classifier_guidance_quick/guidance/label_9.png",
        "classifier_guidance_quick/model.safetensors",
    ];
    are_there(&step, &files);
    let guided = "the model to guide: out/step10/classifier_free_guidance_quick/model.safetensors";
    assert!(said.contains(guided), "{said}");
}

/// Also on another number of threads.
#[test]
fn a_resumed_training_is_the_unbroken_one() {
    let folder = folder();
    for (program, flags) in
        [("conditional", ""), ("classifier_free_guidance", ""), ("classifier_free_guidance", "--book")]
    {
        let out = |name: &str| format!("{name}{flags}");
        let run = |name: &str| folder.path().join(out(name)).join("step10").join(program);
        let train = |name: &str, more: &str| {
            let flags = format!("{program} --data built-in --batch-size 8 {flags} --out {} {more}", out(name));
            step10(folder.path(), &flags)
        };
        train("unbroken", "--epochs 2 --threads 2");
        train("broken", "--epochs 1 --threads 1");
        train("broken", "--epochs 2 --threads 1 --resume");
        assert_eq!(losses(&run("broken")), losses(&run("unbroken")), "{program} {flags}");
        assert!(model(&run("broken")) == model(&run("unbroken")), "{program} {flags}");
    }
}

#[test]
fn classifier_guidance_gives_the_same_bits_with_any_number_of_threads() {
    let folder = folder();
    step10(folder.path(), &format!("{TRAIN} --epochs 1 --out unet"));
    let results = ["1", "2"].map(|threads| {
        let unet = "--model unet/step10/classifier_free_guidance/model.safetensors";
        let flags =
            format!("classifier_guidance --data built-in --batch-size 8 {unet} --threads {threads} --out {threads}");
        step10(folder.path(), &flags);
        let run = folder.path().join(threads).join("step10/classifier_guidance");
        let pictures =
            (0..10).map(|digit| fs::read(run.join(format!("guidance/label_{digit}.png"))).expect("a picture"));
        (losses(&run), model(&run), pictures.collect::<Vec<_>>())
    });
    assert!(results[0] == results[1]);
}

#[test]
fn the_learning_rate_of_the_noisy_classifier_decays_over_all_epochs() {
    let folder = folder();
    step10(folder.path(), &format!("{TRAIN} --epochs 1"));
    let [one, two] = [1, 2].map(|epochs| {
        let unet = "--model out/step10/classifier_free_guidance/model.safetensors";
        let flags = format!("--data built-in --batch-size 8 {unet} --epochs {epochs} --out {epochs}");
        step10(folder.path(), &format!("classifier_guidance {flags}"));
        losses(&folder.path().join(format!("{epochs}/step10/classifier_guidance")))
    });
    assert!(program::decays_over_all_epochs(&one, &two), "{one:?}, {two:?}");
}

/// The same initial weights and the same noise: the labels make the difference.
#[test]
fn conditional_is_trained_with_labels_and_step_9_without() {
    let folder = folder();
    let flags = "--data built-in --batch-size 8 --epochs 1";
    step10(folder.path(), &format!("conditional {flags}"));
    program::succeeds(env!("CARGO_BIN_EXE_step09"), folder.path(), &format!("diffusion_model {flags}"));
    let of = |run: &str| losses(&folder.path().join("out").join(run));
    assert_ne!(of("step10/conditional"), of("step09/diffusion_model"));
}

#[test]
fn how_labels_are_dropped_decides_the_losses() {
    let folder = folder();
    step10(folder.path(), &format!("{TRAIN} --out own"));
    step10(folder.path(), &format!("{TRAIN} --out book --book"));
    let run = |name: &str| folder.path().join(name).join("step10/classifier_free_guidance");
    assert_ne!(losses(&run("own")), losses(&run("book")));
    fails(
        folder.path(),
        &format!("{TRAIN} --out own --book --resume"),
        &["another run", "conditioning: \"label_dropout\" in the checkpoint, \"batch_label_dropout\" now"],
    );
}

#[test]
fn images_and_their_target_labels_are_exported() {
    let folder = folder();
    step10(folder.path(), &format!("{TRAIN} --epochs 1"));
    let sample = "sample --model out/step10/classifier_free_guidance/model.safetensors --labels 1984";
    step10(folder.path(), &format!("{sample} --count 2 --export drawn"));
    let images = idx::read_images(&folder.path().join("drawn-images-idx3-ubyte.gz")).expect("images");
    let labels = idx::read_labels(&folder.path().join("drawn-labels-idx1-ubyte.gz")).expect("labels");
    assert_eq!((images.count, images.rows, images.cols), (8, 28, 28));
    assert_eq!(labels, [1, 9, 8, 4, 1, 9, 8, 4]);

    // One of the files is enough to stop before anything is drawn.
    fs::rename(folder.path().join("drawn-labels-idx1-ubyte.gz"), folder.path().join("other-labels-idx1-ubyte.gz"))
        .expect("a file");
    fails(folder.path(), &format!("{sample} --export other"), &["other-labels-idx1-ubyte.gz is there already"]);
    assert!(!folder.path().join("other-images-idx3-ubyte.gz").exists());
}

#[test]
fn guidance_changes_the_samples() {
    let folder = folder();
    step10(folder.path(), &format!("{TRAIN} --epochs 1"));
    let draw = |flags: &str| {
        let sample = "sample --model out/step10/classifier_free_guidance/model.safetensors";
        step10(folder.path(), &format!("{sample} {flags}"));
        fs::read(folder.path().join("out/step10/sample/samples.png")).expect("samples")
    };
    let pictures = ["--gamma 0", "--gamma 1", "", "--sampler ancestral", "--labels 0123456788"].map(draw);
    assert!((0..5).all(|i| (0..i).all(|j| pictures[i] != pictures[j])));
    assert!(draw("--gamma 3") == pictures[2]);

    // So does that after each epoch, which changes nothing in the training.
    step10(folder.path(), &format!("{TRAIN} --epochs 1 --gamma 0 --out unconditional"));
    let run = |name: &str| folder.path().join(name).join("step10/classifier_free_guidance");
    let picture = |name: &str| fs::read(run(name).join("samples/epoch_001.png")).expect("samples");
    assert!(picture("unconditional") != picture("out") && model(&run("unconditional")) == model(&run("out")));
}

/// The pixels of a grey PNG file, and its width and height.
fn grey(path: &Path) -> (Vec<u8>, (usize, usize)) {
    let image::DynamicImage::ImageLuma8(picture) = image::open(path).expect("a picture") else { panic!("not grey") };
    let (width, height) = picture.dimensions();
    (picture.into_raw(), (width as usize, height as usize))
}

#[test]
fn every_row_of_a_grid_has_its_own_guidance_scale() {
    let folder = folder();
    step10(folder.path(), &format!("{TRAIN} --epochs 1"));
    step10(folder.path(), "classifier_guidance --data built-in --batch-size 8 --lr 0.1");
    for program in ["classifier_free_guidance", "classifier_guidance"] {
        let path = folder.path().join("out/step10").join(program).join("guidance/label_3.png");
        let (picture, (width, _)) = grey(&path);
        // A margin of two pixels, then 28 rows of an image and the next margin, all three times as large.
        let rows: Vec<&[u8]> = picture[6 * width..].chunks(90 * width).collect();
        assert_eq!(rows.len(), 4);
        assert!((0..4).all(|i| (0..i).all(|j| rows[i] != rows[j])), "{program}");
    }
}

#[test]
fn wrong_flags_are_explained() {
    let folder = folder();
    step10(folder.path(), &format!("{TRAIN} --epochs 1"));
    let sample = "sample --model out/step10/classifier_free_guidance/model.safetensors";
    fails(
        folder.path(),
        &format!("{sample} --labels 12x"),
        &["--labels 12x", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, found \"x\""],
    );
    fails(folder.path(), &format!("{sample} --labels="), &["--labels", "1 to 100"]);
    fails(folder.path(), &format!("{sample} --gamma -101"), &["--gamma -101", "-100 to 100"]);
    fails(folder.path(), &format!("{sample} --count 0"), &["--count 0", "1 to 10000"]);
    fails(folder.path(), "classifier_free_guidance --gamma nan", &["--gamma NaN"]);
    fails(folder.path(), "conditional --ema 1", &["--ema 1", "0 to below 1"]);
    fails(folder.path(), "classifier_guidance --batch-size 0", &["--batch-size 0"]);
    fails(folder.path(), "classifier_guidance --out empty", &["empty", "classifier_free_guidance", "--model"]);
}

/// Its prediction without a label means nothing.
#[test]
fn a_model_that_was_always_conditioned_is_not_used_without_a_label() {
    let folder = folder();
    step10(folder.path(), "conditional --data built-in --batch-size 8 --epochs 1");
    let model = "--model out/step10/conditional/model.safetensors --data built-in";
    let draw = |gamma: &str| {
        step10(folder.path(), &format!("sample {model} {gamma}"));
        fs::read(folder.path().join("out/step10/sample/samples.png")).expect("samples")
    };
    assert!(draw("") == draw("--gamma 1") && draw("--gamma 3") != draw(""));
    let said = ["model.safetensors: expected a model that was also trained without labels", "step10 -- sample"];
    program::fails(env!("CARGO_BIN_EXE_step09"), folder.path(), &format!("sample {model}"), &said);
    fails(folder.path(), &format!("classifier_guidance {model}"), &said);
}

#[test]
fn images_of_another_size_are_generated_in_that_size_and_not_evaluated() {
    let folder = folder();
    program::write_data(folder.path(), (32, 32), (20, 32));
    step10(folder.path(), "classifier_free_guidance --data . --epochs 1 --batch-size 16");
    let picture = |name: &str| {
        let path = folder.path().join("out/step10/classifier_free_guidance").join(name);
        grey(&path).1
    };
    // Columns and rows of 32 pixels with gaps of 2, three times as large.
    assert_eq!(picture("samples/epoch_001.png"), (3 * (10 * 34 + 2), 16 + 3 * (2 * 34 + 2))); // labels above the first row
    let captions = 5 * 8 + 2 * 6; // such as γ = 3, to the left of each row
    assert_eq!(picture("guidance/label_0.png"), (captions + 3 * (2 * 34 + 2), 3 * (4 * 34 + 2)));

    program::succeeds(env!("CARGO_BIN_EXE_step06"), folder.path(), "classifier --data built-in");
    let evaluator = "--classifier out/step06/classifier/model.safetensors --out evaluated";
    let train = format!("classifier_free_guidance --data . {evaluator}");
    fails(folder.path(), &train, &[".: expected images of 28 x 28, found 32 x 32"]);
    assert!(!folder.path().join("evaluated").exists(), "said before the training");
    // One that was not named is left out.
    fs::create_dir_all(folder.path().join("out/step06/classifier_quick")).expect("a folder");
    let left = ["classifier", "classifier_quick"]
        .map(|name| folder.path().join(format!("out/step06/{name}/model.safetensors")));
    fs::rename(&left[0], &left[1]).expect("a model");
    let sample = "sample --model out/step10/classifier_free_guidance/model.safetensors";
    let said = step10(folder.path(), &format!("{sample} --data built-in"));
    assert!(said.contains("no evaluation: expected images of 28 x 28, found 32 x 32"), "{said}");
    fs::write(&left[1], "damaged").expect("a file");
    fails(folder.path(), &format!("{sample} --data ."), &["classifier_quick/model.safetensors"]);
    fs::remove_file(&left[1]).expect("a file");
    program::write_data(folder.path(), (32, 32), (20, 28));
    fails(
        folder.path(),
        "classifier_guidance --data .",
        &["expected test images of 32 x 32 as the others, found 28 x 28"],
    );
}

#[test]
fn an_unconditional_model_cannot_be_asked_for_digits() {
    let folder = folder();
    let train = "diffusion_model --data built-in --epochs 1 --sampler ddim";
    program::succeeds(env!("CARGO_BIN_EXE_step09"), folder.path(), train);
    let model = "out/step09/diffusion_model/model.safetensors";
    fails(folder.path(), &format!("sample --model {model}"), &[model, "a model with labels, found one without"]);
    // But it can be guided by a classifier.
    let said = step10(folder.path(), "classifier_guidance --data built-in");
    assert!(said.contains(&format!("the model to guide: {model}")), "{said}");
}

/// The classifier of step 6 is found in its folder. It evaluates the digits of every guidance scale, and of `sample`.
#[test]
fn generated_digits_are_evaluated_by_the_classifier() {
    let folder = folder();
    program::succeeds(env!("CARGO_BIN_EXE_step06"), folder.path(), "classifier --data built-in");
    let said = step10(folder.path(), &format!("{TRAIN} --epochs 1"));
    assert_eq!(said.matches("accuracy on the target labels: ").count(), 4, "{said}");
    let model = "--model out/step10/classifier_free_guidance/model.safetensors --data built-in";
    let said = step10(folder.path(), &format!("sample {model} --count 2"));
    let (accuracy, distance) = ("accuracy on the target labels: ", "Fréchet distance to 20 test images: ");
    assert!(said.contains(accuracy) && said.contains(distance) && said.contains("(of 20 train images: "), "{said}");
    // Step 9 has no target labels, and a single image no distance.
    let sample = |count: u32| {
        program::succeeds(env!("CARGO_BIN_EXE_step09"), folder.path(), &format!("sample {model} --count {count}"))
    };
    let said = sample(4);
    assert!(!said.contains(accuracy) && said.contains("Fréchet distance to 4 test images: "), "{said}");
    assert!(!sample(1).contains("Fréchet"));
    fails(folder.path(), &format!("sample {model} --classifier nothing.safetensors"), &["nothing.safetensors"]);
}
