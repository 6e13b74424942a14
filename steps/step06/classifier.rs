//! Trains a small convolutional network to read digits.

use super::convnet::Convnet;
use super::judge::{Judge, accuracy, check_size};
use crate::common::cli::{Common, Mnist, TrainingFlags, capped};
use crate::common::data::{Part, Source};
use crate::common::images::save_grid;
use crate::common::run::RunFolder;
use crate::common::training::Training;
use anyhow::Result;
use serde_json::json;
use tsukuru::nn::Module;
use tsukuru::optim::Adam;
use tsukuru::random::Rng;

/// So many of the misread images are shown, ten in a row.
const SHOWN: usize = 100;
/// So many of the built-in digits are judged.
const JUDGED: usize = 1000;

pub fn run(common: &Common, mnist: &Mnist, flags: &TrainingFlags) -> Result<()> {
    flags.check()?;
    let epochs = capped(flags.or(flags.epochs, 5, 1), 2);
    let batch_size = capped(flags.batch_size.unwrap_or(128), 16);
    let lr = flags.lr.unwrap_or(3e-3);
    let source = Source::find(mnist.data.as_deref())?;
    let train = source.load(Part::Train, Some(capped(flags.limit.unwrap_or(usize::MAX), 32)))?;
    let test = source.load(Part::Test, Some(capped(usize::MAX, 32)))?;
    check_size(&train, &source)?;
    check_size(&test, &source)?;
    println!("{} images, {source}", train.len());

    let model = Convnet::new(&mut Rng::new(common.seed, "init", 0));
    println!("convnet: {} parameters", model.parameter_count());
    let mut optimizer = Adam::new(model.parameters(), lr);
    let run = RunFolder::open(&common.out, "step06", &flags.folder("classifier"), flags.resume)?;
    let training = Training {
        run: &run,
        epochs,
        batch_size,
        seed: common.seed,
        ema: 0.0,
        lr: &|done| lr * (1.0 - done),
        data: source.kind(),
        settings: json!({ "lr": lr, "falls_over": epochs, "checksum": train.checksum() }),
        resume: flags.resume,
        quiet: common.quiet,
    };
    let (x, labels) = test.all();
    let mut digits = vec![];
    training.run(
        &train,
        &model,
        &mut optimizer,
        |x, labels, _| model.forward(&x.into()).cross_entropy(&labels),
        |epoch| {
            digits = model.look(&x).digits;
            println!("epoch {epoch}: reads {:.2} % of {} test images", 100.0 * accuracy(&digits, &labels), test.len());
            Ok(())
        },
    )?;

    let misread: Vec<usize> = (0..test.len()).filter(|&i| digits[i] != labels[i]).take(SHOWN).collect();
    if !misread.is_empty() {
        let path = run.file("misread.png")?;
        save_grid(&path, &test.batch(&misread).0, 10)?;
        println!("{}", path.display());
        for row in misread.chunks(10) {
            let read: Vec<String> = row.iter().map(|&i| format!("{} for {}", digits[i], labels[i])).collect();
            println!("    read {}", read.join(", "));
        }
    }

    println!("{}", run.path().join("model.safetensors").display());
    if source != Source::BuiltIn && train.len().min(test.len()) > 1 {
        // What later steps ask it of the digits that they draw, it says of the built-in ones.
        let drawn = Source::BuiltIn.load(Part::Test, Some(capped(JUDGED, 32)))?;
        let (x, labels) = drawn.all();
        println!("{} built-in digits\n{}", drawn.len(), Judge::new(model, &source)?.verdict(&x, Some(&labels))?);
    }
    Ok(())
}
