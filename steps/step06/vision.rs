//! Images as numbers: a data set, and its batches.

use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Split;
use crate::common::images::{Captions, save_captioned_grid, save_grid, size_name};
use anyhow::Result;

const BATCH_SIZE: usize = 32;
/// So many images of each class are shown.
const PER_CLASS: usize = 12;

pub fn run(common: &Common, mnist: &MnistArgs) -> Result<()> {
    let source = mnist.source()?;
    let dataset = source.load(Split::Train, None)?;
    println!("{} images of {} bytes, {source}", dataset.len(), size_name(dataset.images().size()));

    // Bytes from 0 to 255 become numbers from 0 to 1.
    let (x, labels) = dataset.batch(&[0]);
    let nonzero = x.data().iter().filter(|&&x| x > 0.0).count();
    let name = |label: usize| dataset.classes()[label].clone();
    println!(
        "the first shows a {}: {}, {nonzero} of {} pixels are not zero",
        name(labels[0]),
        x.shape(),
        x.data().len()
    );

    println!("class   images");
    let mut shown = vec![];
    for (label, class) in dataset.classes().iter().enumerate() {
        let which: Vec<usize> = (0..dataset.len()).filter(|&i| usize::from(dataset.labels()[i]) == label).collect();
        println!("{class:>5}   {:>6}", which.len());
        shown.extend(which.into_iter().take(PER_CLASS));
    }

    let batches = dataset.batches(BATCH_SIZE, Some((common.seed, 1)))?;
    println!("one epoch: {} batches, in random order", batches.len());
    for (i, (x, labels)) in batches.take(2).enumerate() {
        println!("batch {i}: x {}, {} labels: {:?} ..", x.shape(), labels.len(), &labels[..labels.len().min(10)]);
    }

    let folder = common.folder("step06", "vision")?;
    let digits = folder.join("digits.png");
    save_grid(&digits, &dataset.batch(&shown).0, PER_CLASS)?;
    println!("{}", digits.display());
    let (x, labels) = dataset.batches(BATCH_SIZE, Some((common.seed, 1)))?.next().expect("there is an image");
    let batch = folder.join("batch.png");
    save_captioned_grid(
        &batch,
        &x,
        BATCH_SIZE / 4,
        &Captions::within(labels.iter().map(|&label| name(label)), x.shape()[3]),
    )?;
    println!("{}", batch.display());
    Ok(())
}
