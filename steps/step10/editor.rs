//! [`Editor`]: what programs that edit images with a trained model have in common.

use super::{DIGITS, find_model, guidance_scales, guided_noise};
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::Source;
use crate::step06::Evaluator;
use crate::step09::{Diffuser, EvaluatorFlag, Label, Sampler, SamplerFlags, TrainedUNet, UNet, read_unet};
use anyhow::{Result, ensure};
use clap::Args;
use std::path::PathBuf;
use tsukuru::Real;
use tsukuru::tensor::Tensor;

#[derive(Args, Clone, Debug)]
pub struct EditorFlags {
    /// The model.safetensors of a program of step 9 or 10; by default that of classifier_free_guidance, or of step 9, in --out
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// The guidance scale, with a model that knows labels: 0 leaves them out [default: 3; with a model of conditional: 1]
    #[arg(long, allow_negative_numbers = true)]
    pub gamma: Option<f64>,
    #[command(flatten)]
    pub sampler: SamplerFlags,
    #[command(flatten)]
    pub evaluator: EvaluatorFlag,
}

/// A trained model, and how it is sampled.
pub struct Editor {
    model: UNet,
    /// 0 where the model knows no labels.
    gamma: f64,
    always_conditioned: bool,
    pub diffuser: Diffuser,
    pub sampler: Sampler,
    /// Height and width of its images, which are grey.
    pub size: [usize; 2],
    pub evaluator: Option<Evaluator>,
}

impl EditorFlags {
    /// # Errors
    /// If a flag has a value that it cannot have, or there is no model, or one that knows other labels than digits.
    pub fn resolve(&self, common: &Common, mnist: &MnistArgs, source: &Source) -> Result<Editor> {
        let path = find_model(self.model.as_deref(), common, source)?;
        let TrainedUNet { model, diffuser, always_conditioned, size: [channels, h, w], .. } = read_unet(&path)?;
        let (path, labels) = (path.display(), model.labels());
        ensure!(channels == 1, "{path}: expected a model of grey images, found one of {channels} channels");
        ensure!([0, DIGITS].contains(&labels), "{path}: expected a model with {DIGITS} labels or none, found {labels}");
        ensure!(labels > 0 || self.gamma.is_none(), "--gamma: expected with a model that knows labels, found {path}");
        let default = match labels {
            0 => Some(0.0),
            _ => always_conditioned.then_some(1.0),
        };
        let gamma = guidance_scales::resolve_gamma(self.gamma.or(default))?;
        ensure!(
            gamma != 0.0 || !always_conditioned,
            "--gamma 0: expected another scale, since {path} has never predicted without a label"
        );
        let sampler = self.sampler.resolve(common, &diffuser, Sampler::FIFTY_STEPS)?;
        let evaluator = self.evaluator.load(common, mnist)?;
        println!("model: {path}");
        Ok(Editor { model, gamma, always_conditioned, diffuser, sampler, size: [h, w], evaluator })
    }
}

impl Editor {
    /// The label of a digit, if the model is to be told.
    pub fn label(&self, digit: usize) -> Label {
        (self.gamma != 0.0).then_some(digit)
    }

    /// Whether it predicts nothing without a label.
    pub fn needs_labels(&self) -> bool {
        self.always_conditioned
    }

    /// The noise in x (N, 1, H, W), all at time t, guided towards labels (N), if there are any, and clipped.
    pub fn eps(&self, x: &Tensor, t: usize, labels: &[Label]) -> Tensor {
        let eps = match labels.iter().any(Option::is_some) {
            true => guided_noise(&self.model, x, t, labels, self.gamma),
            false => self.model.predict_noise(x, t, labels),
        };
        self.diffuser.clip_noise(x, &eps, t)
    }
}

/// The root of the mean squared difference.
pub fn rms(a: &[Real], b: &[Real]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
    (squares.sum::<f64>() / a.len() as f64).sqrt()
}
