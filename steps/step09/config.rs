//! From the flags of a program that trains a U-Net to its configuration.

use super::diffuser::{Diffuser, TimestepSampling};
use super::sampler::{Sampler, SamplerFlags};
use super::unet::UNet;
use crate::common::cli::{Common, MnistArgs};
use crate::common::data::{Source, Split};
use crate::common::images::size_name;
use crate::common::training::{Preset, TrainingConfig, TrainingFlags};
use crate::step08::{NoiseSchedule, T};
use anyhow::{Result, ensure};
use clap::Args;
use serde_json::{Value, json};
use tsukuru::data::Dataset;
use tsukuru::nn::Module;
use tsukuru::random::Rng;

/// The flags of programs that train a diffusion model.
#[derive(Args, Clone, Debug, Default)]
#[group(skip)] // its name would be that of the flags around it
pub struct Flags {
    #[command(flatten)]
    pub unet: UNetFlags,
    /// How fast noise is added: linear, as in the book, or cosine [default: linear; quick: cosine]
    #[arg(long, value_name = "NAME")]
    pub schedule: Option<NoiseSchedule>,
    /// How often each time is drawn: uniform, as in the book, or min-snr, less often where there is little noise [default: uniform; quick: min-snr]
    #[arg(long, value_name = "NAME")]
    pub timesteps: Option<TimestepSampling>,
    #[command(flatten)]
    pub sampler: SamplerFlags,
}

/// The flags of programs that train a U-Net.
#[derive(Args, Clone, Debug, Default)]
pub struct UNetFlags {
    #[command(flatten)]
    pub training: TrainingFlags,
    /// Channels of the U-Net at full resolution [default: 64; quick: 24]
    #[arg(long, value_name = "N")]
    pub width: Option<usize>,
    /// Decay of the moving average of the weights, which is used for samples and saved; 0: no average, as in the book [default: 0.999; quick: 0]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    pub ema: Option<f64>,
    /// Hidden size of dense layers at the lowest resolution; 0: none, as in the book [default: 0; quick: 256]
    #[arg(long, value_name = "N")]
    pub mid: Option<usize>,
}

const FULL: Preset = Preset {
    epochs: 10,
    batch_size: 128,
    lr: 1e-3,
    lr_decay: false,
    ema: 0.999, // from step 9000 on; before, about the last ninth of the steps counts
    images: usize::MAX,
    width: 64,
};
/// Many short steps. Where the learning rate falls to 0, the weights need no average.
const QUICK: Preset =
    Preset { epochs: 5, batch_size: 16, lr: 3e-3, lr_decay: true, ema: 0.0, images: 12_000, width: 24 };
/// Eight times the book's width: a step of it would take minutes and some gigabytes.
pub const MAX_WIDTH: usize = 512;

/// A [`MidBlock`](super::unet::MidBlock) of this size has more weights than the rest of the book's U-Net.
const MAX_MID: usize = 1024;

/// What a U-Net is trained with.
pub struct UNetConfig {
    pub training: TrainingConfig,
    /// Size of the hidden layer of the `MidBlock`, or 0 for none.
    pub mid: usize,
}

/// What a diffusion model is trained and sampled with.
pub struct DiffusionConfig {
    pub unet: UNetConfig,
    pub diffuser: Diffuser,
    pub sampler: Sampler,
}

impl UNetFlags {
    /// # Errors
    /// If a flag has a value that it cannot have, or the images cannot be found.
    pub fn resolve(&self, common: &Common, mnist: &MnistArgs) -> Result<UNetConfig> {
        let [full, quick] = [FULL, QUICK].map(|preset| Preset {
            ema: self.ema.unwrap_or(preset.ema),
            width: self.width.unwrap_or(preset.width),
            ..preset
        });
        let Preset { ema, width, .. } = if self.training.quick { quick } else { full };
        ensure!((0.0..1.0).contains(&ema), "--ema {ema}: expected 0 to below 1");
        ensure!((1..=MAX_WIDTH).contains(&width), "--width {width}: expected 1 to {MAX_WIDTH}");
        let mid = self.mid.unwrap_or(if self.training.quick { 256 } else { 0 });
        ensure!(mid <= MAX_MID, "--mid {mid}: expected 0 to {MAX_MID}");
        let training = self.training.resolve(common, mnist, full, quick)?;
        Ok(UNetConfig { training, mid: mid.min(common.limits.width) })
    }
}

impl Flags {
    /// `default` is the sampler if no flag names one.
    ///
    /// # Errors
    /// If a flag has a value that it cannot have, or the images cannot be found.
    pub fn resolve(&self, common: &Common, mnist: &MnistArgs, default: Sampler) -> Result<DiffusionConfig> {
        let unet = self.unet.resolve(common, mnist)?;
        let (schedule, timesteps) = match unet.training.quick {
            true => (NoiseSchedule::Cosine, TimestepSampling::MinSnr),
            false => (NoiseSchedule::Linear, TimestepSampling::Uniform),
        };
        let schedule = self.schedule.unwrap_or(schedule).with(T.min(common.limits.num_timesteps));
        let diffuser = Diffuser::new(schedule).timesteps(self.timesteps.unwrap_or(timesteps));
        let sampler = self.sampler.resolve(common, &diffuser, default)?;
        Ok(DiffusionConfig { unet, diffuser, sampler })
    }
}

/// How a U-Net is conditioned on labels during its training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conditioning {
    /// Never: the U-Net of step 9.
    Unconditional,
    /// On the label of every image.
    Conditional,
    /// On every label with the same probability, each by itself.
    LabelDropout,
    /// On the labels of all images of a batch, or of none.
    BatchLabelDropout,
}

impl Conditioning {
    /// As the file of a model remembers it.
    pub fn name(self) -> &'static str {
        match self {
            Conditioning::Unconditional => "unconditional",
            Conditioning::Conditional => "conditional",
            Conditioning::LabelDropout => "label_dropout",
            Conditioning::BatchLabelDropout => "batch_label_dropout",
        }
    }
}

impl UNetConfig {
    /// The network for images like these, with the weights that the seed gives, and an embedding of `labels` if there are
    /// any; prints its size.
    pub fn build(&self, dataset: &Dataset, labels: usize) -> UNet {
        let mut rng = Rng::new(self.training.seed, "init", 0);
        let [channels, h, w] = dataset.images().size();
        let mut model = UNet::new(channels, self.training.width, &mut rng);
        if labels > 0 {
            model = model.with_labels(labels, &mut rng);
        }
        if self.mid > 0 {
            model = model.with_mid([h, w], self.mid, &mut rng);
        }
        println!("U-Net of width {}: {} parameters", self.training.width, model.parameter_count());
        model
    }

    /// What a checkpoint and a model remember beside [`TrainingConfig`], and a resumed run must agree in.
    pub fn settings(&self, dataset: &Dataset, conditioning: Conditioning) -> Value {
        json!({
            "width": self.training.width,
            "mid": self.mid,
            "size": [dataset.images().rows, dataset.images().cols],
            "conditioning": conditioning.name(),
        })
    }
}

impl DiffusionConfig {
    /// As [`UNetConfig::settings`].
    pub fn settings(&self, dataset: &Dataset, conditioning: Conditioning) -> Value {
        let mut settings = self.unet.settings(dataset, conditioning);
        settings["schedule"] = json!(self.diffuser.noise_schedule().name());
        settings["num_timesteps"] = json!(self.diffuser.num_timesteps());
        settings["timesteps"] = json!(self.diffuser.timestep_sampling().name());
        settings
    }
}

/// At most `limit` images to train on, whose sides are multiples of 4, so that the U-Net can halve them twice.
///
/// # Errors
/// If the images cannot be read, or have another size.
pub fn load_images(source: &Source, limit: usize) -> Result<Dataset> {
    let dataset = source.load(Split::Train, Some(limit))?;
    let size @ [_, h, w] = dataset.images().size();
    println!("{} images of {}, {source}", dataset.len(), size_name(size));
    let halves = h.is_multiple_of(4) && w.is_multiple_of(4) && h.min(w) >= 8;
    let location = source.location();
    ensure!(halves, "{location}: expected images whose sides are multiples of 4, and 8 at least, found {h} x {w}");
    Ok(dataset)
}
