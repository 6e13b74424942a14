//! [`find_model`]: the U-Net that a program uses if no flag names one.

use crate::common::cli::Common;
use crate::common::data::Source;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The `--model` that was given, or else one in `--out` that was trained on the same data set.
///
/// # Errors
/// If there is none, or a file is damaged.
pub fn find_model(named: Option<&Path>, common: &Common, source: &Source) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(path.into());
    }
    let programs = ["step10/classifier_free_guidance", "step09/diffusion_model"];
    let folders = programs.iter().flat_map(|program| [program.to_string(), format!("{program}_quick")]);
    source.find_model(folders.map(|folder| common.out.join(folder).join("model.safetensors")))?.with_context(|| {
        format!(
            "no model of {} in {}: expected one of `step10 -- classifier_free_guidance` or \
             `step09 -- diffusion_model` there, or --model",
            source.name(),
            common.out.display()
        )
    })
}
