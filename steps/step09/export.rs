//! [`Export`]: images and labels as the files that MNIST consists of.

use super::unet::Label;
use crate::common::images::byte;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use tsukuru::data::idx::{self, Images};
use tsukuru::files::write_whole;
use tsukuru::tensor::Tensor;

/// The files that `--export STEM` names.
pub struct Export {
    stem: PathBuf,
}

impl Export {
    /// Checks, before any work is done, that the files are not there and can be written, for images of so many channels.
    ///
    /// # Errors
    /// If they are there already, or cannot be written, or the images are not grey.
    pub fn new(stem: &Path, channels: usize) -> Result<Export> {
        ensure!(
            channels == 1,
            "--export: expected a model of grey images, as MNIST's files hold, found {channels} channels"
        );
        let export = Export { stem: stem.into() };
        for path in [export.path("images-idx3"), export.path("labels-idx1")] {
            ensure!(!path.exists(), "--export: {} is there already", path.display());
            let attempt = write_whole(&path, |_| Ok(())).and_then(|()| fs::remove_file(&path));
            attempt.with_context(|| format!("--export: {} cannot be written", path.display()))?;
        }
        Ok(export)
    }

    /// Writes images x (N, 1, H, W), and their labels (N) if every one has a label.
    pub fn write(&self, x: &Tensor, labels: &[Label]) -> Result<()> {
        let (count, rows, cols) = (x.shape()[0], x.shape()[2], x.shape()[3]);
        let pixels = x.data().iter().map(|&x| byte(x)).collect();
        let path = self.path("images-idx3");
        idx::write_images(&path, &Images { count, channels: 1, rows, cols, pixels })?;
        println!("{}", path.display());
        if let Some(labels) = labels.iter().map(|label| label.map(|label| label as u8)).collect::<Option<Vec<u8>>>() {
            let path = self.path("labels-idx1");
            idx::write_labels(&path, &labels)?;
            println!("{}", path.display());
        }
        Ok(())
    }

    fn path(&self, what: &str) -> PathBuf {
        let mut path = self.stem.as_os_str().to_os_string();
        path.push(format!("-{what}-ubyte.gz"));
        path.into()
    }
}
