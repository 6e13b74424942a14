//! What the network of step 6 that reads digits says of drawn ones.

use super::Label;
use crate::common::cli::{Common, Mnist};
use crate::common::data::Source;
use crate::step06::{Convnet, judge};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;
use tsukuru::tensor::Tensor;

/// The flag of programs whose digits can be judged.
#[derive(Args, Clone, Debug, Default)]
pub struct ReaderFlags {
    /// A model.safetensors of `step06 -- classifier`, which judges the digits; by default the one in --out, if there is one
    #[arg(long, value_name = "FILE")]
    pub classifier: Option<PathBuf>,
}

/// A network that reads digits, and the images to compare drawn ones with.
pub struct Reader {
    network: Convnet,
    source: Source,
}

impl ReaderFlags {
    /// The network that the flag names, or else one that step 6 has left in `--out`.
    ///
    /// # Errors
    /// If the file is damaged or holds something else, or was named and is not there.
    pub fn find(&self, common: &Common, mnist: &Mnist) -> Result<Option<Reader>> {
        let path_of = |program: &str| common.out.join("step06").join(program).join("model.safetensors");
        let left = || ["classifier", "classifier_quick"].map(path_of).into_iter().find(|path| path.exists());
        let Some(path) = self.classifier.clone().or_else(left) else { return Ok(None) };
        println!("the digits will be judged by {}", path.display());
        let (network, source) = (Convnet::read(&path)?, Source::find(mnist.data.as_deref())?);
        Ok(Some(Reader { network, source }))
    }
}

impl Reader {
    /// Prints how many of the images x (N, 1, 28, 28) are read as the labels (N) that were asked for, and how far their
    /// features are from those of test images, beside how far those of as many train images are.
    ///
    /// # Errors
    /// If the images to compare with cannot be read.
    pub fn report(&self, x: &Tensor, labels: &[Label]) -> Result<()> {
        let asked: Option<Vec<usize>> = labels.iter().copied().collect();
        // One image has no spread.
        if labels.len() > 1 {
            println!("{}", judge(&self.network, x, asked.as_deref(), &self.source)?);
        }
        Ok(())
    }
}
