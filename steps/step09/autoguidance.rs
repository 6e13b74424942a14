//! Autoguidance: samples are pushed away from what a worse version of the model would draw (Karras et al., 2024).

use super::model_file::read_unet;
use super::unet::{Label, UNet};
use crate::common::images::size_name;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use tsukuru::Real;
use tsukuru::tensor::Tensor;

/// The name of the guide's file, which lies beside that of the model.
pub const GUIDE: &str = "guide.safetensors";

/// A worse version of a model, and how far to go away from it.
pub struct Autoguidance {
    guide: UNet,
    weight: f64,
}

impl Autoguidance {
    /// The weight that a flag gives, or else `default`.
    ///
    /// # Errors
    /// If it is not from 1 to 100.
    pub fn resolve_weight(flag: Option<f64>, default: f64) -> Result<f64> {
        let weight = flag.unwrap_or(default);
        ensure!((1.0..=100.0).contains(&weight), "--autoguidance {weight}: expected 1 (none) to 100");
        Ok(weight)
    }

    /// With the guide of the model in the file `model`, which draws `size` (C, H, W); none for a weight of 1.
    ///
    /// # Errors
    /// If there is no guide beside the model, or it is damaged, or it draws images of another size.
    pub fn read(model: &Path, size: [usize; 3], weight: f64) -> Result<Option<Autoguidance>> {
        if weight == 1.0 {
            return Ok(None);
        }
        let path = model.with_file_name(GUIDE);
        let missing = || format!("{}: cannot be used as a guide; --autoguidance 1 samples without one", path.display());
        let guide = read_unet(&path).with_context(missing)?;
        let (path, [found, expected]) = (path.display(), [guide.size, size].map(size_name));
        ensure!(guide.size == size, "{path}: draws images of {found}, the model of {expected}");
        Ok(Some(Autoguidance { guide: guide.model, weight }))
    }
}

impl UNet {
    /// eps = eps_guide + weight (eps_model - eps_guide), the noise in x (N, C, H, W) at time t extrapolated from the guide's
    /// prediction through the model's (Karras et al., 2024, equation 3): where both agree, nothing changes, and where they
    /// differ, it goes on in the direction in which the model has become better. Without guidance, the model's prediction.
    ///
    /// # Panics
    /// As [`UNet::forward_conditioned`].
    #[track_caller]
    pub fn predict_guided(&self, guidance: Option<&Autoguidance>, x: &Tensor, t: usize, labels: &[Label]) -> Tensor {
        let eps = self.predict_noise(x, t, labels);
        let Some(Autoguidance { guide, weight }) = guidance else { return eps };
        let guide = guide.predict_noise(x, t, labels);
        &guide + &(*weight as Real * (eps - &guide))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsukuru::random::Rng;

    #[test]
    fn it_extrapolates_from_the_guide_through_the_model() {
        let mut rng = Rng::new(0, "init", 0);
        let [model, guide] = [0; 2].map(|_| UNet::new(1, 4, &mut rng));
        let x = rng.normal_tensor([2, 1, 8, 8]);
        let [eps, worse] = [&model, &guide].map(|model| model.predict_noise(&x, 500, &[None; 2]));
        let far = |a: &Tensor, b: &Tensor| {
            a.data().iter().zip(b.data()).map(|(a, b)| f64::from(a - b).abs()).fold(0.0, f64::max)
        };
        assert!(far(&eps, &worse) > 1e-2);
        assert!(far(&model.predict_guided(None, &x, 500, &[None; 2]), &eps) == 0.0);
        let guidance = Autoguidance { guide, weight: 3.0 };
        let expected = eps.data().iter().zip(worse.data()).map(|(eps, worse)| 3.0 * eps - 2.0 * worse);
        let expected = Tensor::new(*x.shape(), &expected.collect::<Vec<_>>());
        assert!(far(&model.predict_guided(Some(&guidance), &x, 500, &[None; 2]), &expected) < 1e-4);
    }
}
