//! [`find_or_train`]: what a program that needs a trained model does if no flag names one.

use super::cli::Common;
use super::data::Source;
use super::training::is_unfinished;
use anyhow::{Context, Result};
use std::path::PathBuf;

/// The model of this folder of `--out`, or of its quick form, that was trained on the same data set; else `train` makes
/// one, in the quick form, as `command` would. If the whole step is resumed, so is a training that has not ended.
///
/// # Errors
/// If a file is damaged, or the training fails.
pub fn find_or_train(
    common: &Common,
    source: &Source,
    folder: &str,
    command: &str,
    train: impl FnOnce(&Common) -> Result<()>,
) -> Result<PathBuf> {
    let folders = [folder.to_string(), format!("{folder}_quick")].map(|folder| common.out.join(folder));
    let find = || source.find_model(folders.each_ref().map(|folder| folder.join("model.safetensors")));
    let unfinished = common.resume && is_unfinished(&folders[1].join("checkpoint.safetensors"));
    let path = match find()? {
        Some(path) if !(unfinished && path.starts_with(&folders[1])) => path,
        _ => {
            train(&Common { command: common.command.with_program(command), ..common.clone() })?;
            find()?.context("the training has written no model")?
        }
    };
    println!("model: {}", path.display());
    Ok(path)
}
