//! The flag of programs whose images can be evaluated with the classifier of step 6.

use super::unet::Label;
use crate::common::cli::{Common, MnistArgs};
use crate::common::images::size_name;
use crate::step06::{Convnet, Evaluator, SIDE};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;
use tsukuru::tensor::Tensor;

#[derive(Args, Clone, Debug, Default)]
pub struct EvaluatorFlag {
    /// A model.safetensors of `step06 -- classifier` to evaluate the digits with; by default the one in --out, if there is one
    #[arg(long, value_name = "FILE")]
    pub classifier: Option<PathBuf>,
}

impl EvaluatorFlag {
    /// An evaluator with the network that the flag names, or else with one that step 6 has trained in `--out` on the same
    /// data set, if it can be used with these images.
    ///
    /// # Errors
    /// If a file is damaged or holds something else, or was named and is not there; with a named one also as
    /// [`Evaluator::new`].
    pub fn load(&self, common: &Common, mnist: &MnistArgs) -> Result<Option<Evaluator>> {
        let source = mnist.source()?;
        let path_of = |program: &str| common.out.join("step06").join(program).join("model.safetensors");
        let path = match &self.classifier {
            Some(path) => Some(path.clone()),
            None => source.find_model(["classifier", "classifier_quick"].map(path_of))?,
        };
        let Some(path) = path else { return Ok(None) };
        let evaluator = Evaluator::new(Convnet::read(&path)?, &source);
        match &evaluator {
            Ok(_) => println!("evaluation with {}", path.display()),
            Err(error) if self.classifier.is_none() => {
                println!("no evaluation with {}: {error}", path.display());
                return Ok(None);
            }
            Err(_) => (),
        }
        evaluator.map(Some)
    }
}

/// Prints the metrics of images x (N, C, H, W) with target labels (N), if they are of the size that the evaluator takes.
///
/// # Errors
/// As [`Evaluator::evaluate`].
pub fn print_metrics(evaluator: &Evaluator, x: &Tensor, labels: &[Label]) -> Result<()> {
    let (expected, found) = ([1, SIDE, SIDE], [1, 2, 3].map(|axis| x.shape()[axis]));
    if found != expected {
        println!("no evaluation: expected images of {}, found {}", size_name(expected), size_name(found));
        return Ok(());
    }
    let target_labels: Option<Vec<usize>> = labels.iter().copied().collect();
    let metrics = evaluator.evaluate(x, target_labels.as_deref())?.to_string();
    if !metrics.is_empty() {
        println!("{metrics}");
    }
    Ok(())
}
