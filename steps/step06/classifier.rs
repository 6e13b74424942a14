//! Trains a small convolutional network to classify digits.

use super::convnet::Convnet;
use super::evaluator::{Evaluator, accuracy, check_digits};
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::{Source, Split};
use crate::common::images::{Captions, save_captioned_grid};
use crate::common::run::RunFolder;
use crate::common::training::{Preset, TrainingFlags, TrainingRun};
use anyhow::Result;
use serde_json::json;
use tsukuru::data::Dataset;
use tsukuru::nn::Module;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;

const FULL: Preset =
    Preset { epochs: 5, batch_size: 128, lr: 3e-3, lr_decay: true, ema: 0.0, images: usize::MAX, width: 0 };
const QUICK: Preset = Preset { epochs: 1, ..FULL };
/// So many of the misclassified images are shown, ten in a row.
const SHOWN: usize = 100;
/// So many of the built-in digits are classified by a network that was trained on MNIST.
const BUILT_IN: usize = 1000;

pub fn run(common: &Common, mnist: &MnistArgs, flags: &TrainingFlags) -> Result<()> {
    let config = flags.resolve(common, mnist, FULL, QUICK)?;
    let source = &config.source;
    let train = source.load(Split::Train, Some(config.images))?;
    let test = source.load(Split::Test, None)?;
    check_digits(&train, source)?;
    check_digits(&test, source)?;
    println!("{} images, {source}", train.len());

    let model = Convnet::new(&mut Rng::new(config.seed, "init", 0));
    println!("convnet: {} parameters", model.parameter_count());
    let mut optimizer = Adam::new(model.parameters(), config.lr);
    let folder = config.folder("step06", "classifier")?;
    let mut run = TrainingRun::start(&config, &folder, &train, json!({}), &model, &mut optimizer)?;

    let (test_x, test_labels) = test.all();
    for epoch in run.epochs() {
        for (x, labels) in run.batches(epoch) {
            let loss = model.forward(&x.into()).cross_entropy(&labels);
            optimizer.zero_grad();
            loss.backward();
            optimizer.lr = run.lr();
            optimizer.step();
            run.log(&[("loss", loss.item())])?;
        }
        run.save(&model, &optimizer)?;
        let accuracy = accuracy(&model.predict(&test_x).digits, &test_labels);
        println!("epoch {epoch}: accuracy {:.2} % on {} test images", 100.0 * accuracy, test.len());
    }

    show_misclassified(&model, &test, &folder)?;
    println!("{}", folder.path().join("model.safetensors").display());
    if !source.is_built_in() && train.len().min(test.len()) > 1 {
        // Later steps evaluate what they generate with this network; here it is tried on the built-in digits.
        let digits = Source::BUILT_IN.load(Split::Test, Some(BUILT_IN))?;
        let (x, labels) = digits.all();
        let evaluator = Evaluator::new(model, source)?;
        println!("{} built-in digits\n{}", digits.len(), evaluator.evaluate(&x, Some(&labels))?);
    }
    Ok(())
}

/// The first misclassified test images as a picture, and for each the prediction and the label.
fn show_misclassified(model: &Convnet, test: &Dataset, folder: &RunFolder) -> Result<()> {
    let (x, labels) = test.all();
    let digits = model.predict(&x).digits;
    let misclassified: Vec<usize> = (0..test.len()).filter(|&i| digits[i] != labels[i]).take(SHOWN).collect();
    if misclassified.is_empty() {
        return Ok(());
    }
    let path = folder.file("misclassified.png")?;
    let pair = |&i: &usize| format!("{} for {}", digits[i], labels[i]);
    let captions = Captions::above(misclassified.iter().map(pair));
    save_captioned_grid(&path, &test.batch(&misclassified).0, 10, &captions)?;
    println!("{}", path.display());
    for row in misclassified.chunks(10) {
        let pairs: Vec<String> = row.iter().map(pair).collect();
        println!("    predicted {}", pairs.join(", "));
    }
    Ok(())
}
