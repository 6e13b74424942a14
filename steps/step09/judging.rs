//! The flag of programs whose digits can be judged by the network of step 6 that reads digits.

use super::Label;
use crate::common::cli::{Common, Mnist};
use crate::common::data::Source;
use crate::step06::{Convnet, Judge, SIDE};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;
use tsukuru::tensor::Tensor;

#[derive(Args, Clone, Debug, Default)]
pub struct JudgeFlag {
    /// A model.safetensors of `step06 -- classifier`, which judges the digits; by default the one in --out, if there is one
    #[arg(long, value_name = "FILE")]
    pub classifier: Option<PathBuf>,
}

impl JudgeFlag {
    /// The network that the flag names, or else one that step 6 has left in `--out` after reading the same kind of images,
    /// if it can judge these.
    ///
    /// # Errors
    /// If a file is damaged or holds something else, or was named and is not there; of a named one also as [`Judge::new`].
    pub fn find(&self, common: &Common, mnist: &Mnist) -> Result<Option<Judge>> {
        let source = Source::find(mnist.data.as_deref())?;
        let path_of = |program: &str| common.out.join("step06").join(program).join("model.safetensors");
        let path = match &self.classifier {
            Some(path) => Some(path.clone()),
            None => source.taught(["classifier", "classifier_quick"].map(path_of))?,
        };
        let Some(path) = path else { return Ok(None) };
        let judge = Judge::new(Convnet::read(&path)?, &source);
        match &judge {
            Ok(_) => println!("the digits will be judged by {}", path.display()),
            Err(why) if self.classifier.is_none() => {
                println!("{} cannot judge: {why}", path.display());
                return Ok(None);
            }
            Err(_) => (),
        }
        judge.map(Some)
    }
}

/// Prints how many of the images x (N, 1, H, W), if they are of the size that the judge reads, are read as the labels (N) that were asked for, and how far their
/// features are from those of test images, beside how far those of as many train images are.
///
/// # Errors
/// As [`Judge::verdict`].
pub fn report(judge: &Judge, x: &Tensor, labels: &[Label]) -> Result<()> {
    let (side, size) = (SIDE, &x.shape()[2..]);
    if size != [side, side] {
        println!("the judge reads images of {side} x {side}, not of {} x {}", size[0], size[1]);
        return Ok(());
    }
    let asked: Option<Vec<usize>> = labels.iter().copied().collect();
    let said = judge.verdict(x, asked.as_deref())?.to_string();
    if !said.is_empty() {
        println!("{said}");
    }
    Ok(())
}
