//! The network that predicts the noise in an image.

use tsukuru::Real;
use tsukuru::mode::{eval_mode, no_grad};
use tsukuru::module;
use tsukuru::nn::{BatchNorm2d, Conv2d, Embedding, Linear};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// Size of the time encoding.
pub const TIME_DIM: usize = 100;

/// The class label that an image is conditioned on, if any: step 9 has none, step 10 has digits.
pub type Label = Option<usize>;

/// v (N, dim) with v_i = sin(t / 10000^(i/dim)) for even i and cos(t / 10000^(i/dim)) for odd i: the book's encoding,
/// with i itself in the exponent where Vaswani et al. (2017, section 3.5) have 2 floor(i / 2).
pub fn time_encoding(t: &[f64], dim: usize) -> Tensor {
    let angle = |t: f64, i: usize| t / libm::pow(10000.0, i as f64 / dim as f64);
    let encoded = |t: f64, i: usize| if i.is_multiple_of(2) { libm::sin(angle(t, i)) } else { libm::cos(angle(t, i)) };
    let places = t.iter().flat_map(|&t| (0..dim).map(move |i| (t, i)));
    Tensor::build([t.len(), dim], |v| v.iter_mut().zip(places).for_each(|(v, (t, i))| *v = encoded(t, i) as Real))
}

/// Adds a function of the time to every pixel of a channel, then twice convolution, batch norm, ReLU.
pub struct ConvBlock {
    conv1: Conv2d,
    norm1: BatchNorm2d,
    conv2: Conv2d,
    norm2: BatchNorm2d,
    mlp1: Linear,
    mlp2: Linear,
}

module!(ConvBlock {
    conv1: "convs.0",
    norm1: "convs.1",
    conv2: "convs.3",
    norm2: "convs.4",
    mlp1: "mlp.0",
    mlp2: "mlp.2",
});

impl ConvBlock {
    pub fn new(channels: usize, channels_out: usize, time_dim: usize, rng: &mut Rng) -> ConvBlock {
        let conv = |c, c_out, rng: &mut Rng| Conv2d::new(c, c_out, 3, rng).padding(1);
        ConvBlock {
            conv1: conv(channels, channels_out, rng),
            norm1: BatchNorm2d::new(channels_out),
            conv2: conv(channels_out, channels_out, rng),
            norm2: BatchNorm2d::new(channels_out),
            mlp1: Linear::new(time_dim, channels, rng),
            mlp2: Linear::new(channels, channels, rng),
        }
    }

    /// x (N, C, H, W), v (N, time_dim) -> (N, C_out, H, W)
    pub fn forward(&self, x: &Variable, v: &Variable) -> Variable {
        let (n, c) = (x.shape()[0], x.shape()[1]);
        let time = self.mlp2.forward(&self.mlp1.forward(v).relu()).reshape([n, c, 1, 1]);
        let mut x = x + time;
        x = self.norm1.forward_relu(&self.conv1.forward(&x));
        self.norm2.forward_relu(&self.conv2.forward(&x))
    }
}

/// Two linear layers over all positions of the lowest resolution, so that distant strokes know of each other, as they do by
/// attention in the U-Net of Ho et al. (2020, appendix B). The book's U-Net has nothing of the kind.
///
/// ```text
/// x (N, C, H, W), reduce (N, 32, H, W), linear1 + mlp(v) (N, hidden), ReLU, linear2 (N, 32 H W), expand (N, C_out, H, W)
/// ```
pub struct MidBlock {
    reduce: Conv2d,
    linear1: Linear,
    mlp: Linear,
    linear2: Linear,
    expand: Conv2d,
}

module!(MidBlock { reduce, linear1, mlp, linear2, expand });

impl MidBlock {
    /// Channels between `reduce` and `expand`.
    pub const CHANNELS: usize = 32;

    /// For images whose lowest resolution is (H, W).
    pub fn new(channels: usize, channels_out: usize, [h, w]: [usize; 2], hidden: usize, rng: &mut Rng) -> MidBlock {
        let numbers = MidBlock::CHANNELS * h * w;
        MidBlock {
            reduce: Conv2d::new(channels, MidBlock::CHANNELS, 1, rng),
            linear1: Linear::new(numbers, hidden, rng),
            mlp: Linear::new(TIME_DIM, hidden, rng),
            linear2: Linear::new(hidden, numbers, rng),
            expand: Conv2d::new(MidBlock::CHANNELS, channels_out, 1, rng),
        }
    }

    /// x (N, C, H, W), v (N, TIME_DIM) -> (N, C_out, H, W)
    ///
    /// # Panics
    /// If the images have another size than the layers were made for.
    #[track_caller]
    pub fn forward(&self, x: &Variable, v: &Variable) -> Variable {
        let reduced = self.reduce.forward(x);
        let shape = reduced.shape();
        let hidden = (self.linear1.forward(&reduced.flatten(1)) + self.mlp.forward(v)).relu();
        self.expand.forward(&self.linear2.forward(&hidden).reshape(shape))
    }
}

/// Halves the resolution twice and doubles it twice; skip connections concatenate what has the same resolution.
///
/// ```text
/// x (N, C, 28, 28)                                          out (N, C, 28, 28)
///   down1 (N, w, 28, 28) ------------------------- cat, up1 (N, w, 28, 28)
///     pool, down2 (N, 2w, 14, 14) ------- cat, up2 (N, 2w, 14, 14), upsample
///         pool, bot1 (N, 4w, 7, 7), upsample
/// ```
pub struct UNet {
    pub down1: ConvBlock,
    pub down2: ConvBlock,
    pub bot1: ConvBlock,
    pub up2: ConvBlock,
    pub up1: ConvBlock,
    pub out: Conv2d,
    /// What the quick form adds to the output of `bot1`.
    pub mid: Option<MidBlock>,
    /// What step 10 adds: for each label TIME_DIM numbers, which are added to the time encoding.
    pub label_emb: Option<Embedding>,
}

module!(UNet { down1, down2, bot1, mid, up2, up1, out, label_emb });

impl UNet {
    /// For images of `channels`; `width` channels at full resolution (64 in the book).
    pub fn new(channels: usize, width: usize, rng: &mut Rng) -> UNet {
        let w = width;
        UNet {
            down1: ConvBlock::new(channels, w, TIME_DIM, rng),
            down2: ConvBlock::new(w, 2 * w, TIME_DIM, rng),
            bot1: ConvBlock::new(2 * w, 4 * w, TIME_DIM, rng),
            up2: ConvBlock::new(4 * w + 2 * w, 2 * w, TIME_DIM, rng),
            up1: ConvBlock::new(2 * w + w, w, TIME_DIM, rng),
            out: Conv2d::new(w, channels, 1, rng),
            mid: None,
            label_emb: None,
        }
    }

    /// The same, with a [`MidBlock`] for images of `size`.
    pub fn with_mid(self, [h, w]: [usize; 2], hidden: usize, rng: &mut Rng) -> UNet {
        let (c, c_out) = (self.bot1.conv1.weight.shape()[1], self.bot1.conv2.weight.shape()[0]);
        UNet { mid: Some(MidBlock::new(c, c_out, [h / 4, w / 4], hidden, rng)), ..self }
    }

    /// The same, with an embedding of `labels` labels to condition it on.
    pub fn with_labels(self, labels: usize, rng: &mut Rng) -> UNet {
        UNet { label_emb: Some(Embedding::new(labels, TIME_DIM, rng)), ..self }
    }

    /// How many labels it can be conditioned on.
    pub fn labels(&self) -> usize {
        self.label_emb.as_ref().map_or(0, |labels| labels.weight.shape()[0])
    }

    /// The predicted noise in x (N, C, H, W) at times t (N), of x's shape.
    ///
    /// # Panics
    /// If H or W cannot be halved twice, or t are not N times.
    #[track_caller]
    pub fn forward(&self, x: &Variable, t: &[usize]) -> Variable {
        self.forward_conditioned(x, t, &vec![None; t.len()])
    }

    /// [`UNet::forward`], conditioned on `labels` (N); an image with the label `None` is unconditional.
    ///
    /// # Panics
    /// As `forward`; or if labels are not N, or one is not in the embedding.
    #[track_caller]
    pub fn forward_conditioned(&self, x: &Variable, t: &[usize], labels: &[Label]) -> Variable {
        self.forward_at(x, &Vec::from_iter(t.iter().map(|&t| t as f64)), labels)
    }

    /// [`UNet::forward_conditioned`] at times t (N) that may lie between two timesteps, as in step 11.
    ///
    /// # Panics
    /// As `forward_conditioned`.
    #[track_caller]
    pub fn forward_at(&self, x: &Variable, t: &[f64], labels: &[Label]) -> Variable {
        let shape = x.shape();
        let halves_twice = shape.len() == 4 && shape[2].is_multiple_of(4) && shape[3].is_multiple_of(4);
        assert!(halves_twice, "unet: x {shape} is not (N, C, H, W) with sizes that can be halved twice");
        assert!(shape[0] == t.len(), "unet: {} images and {} times", shape[0], t.len());
        assert!(shape[0] == labels.len(), "unet: {} images and {} labels", shape[0], labels.len());

        let mut v = Variable::new(time_encoding(t, TIME_DIM));
        if labels.iter().any(Option::is_some) {
            v = v + self.embed_labels(labels);
        }
        let x1 = self.down1.forward(x, &v);
        let x2 = self.down2.forward(&x1.max_pool2d(2, 2), &v);
        let pooled = x2.max_pool2d(2, 2);
        let mut x = self.bot1.forward(&pooled, &v);
        if let Some(mid) = &self.mid {
            x = x + mid.forward(&pooled, &v);
        }
        x = x.upsample_bilinear2d();
        x = self.up2.forward(&Variable::cat(&[&x, &x2], 1), &v);
        x = x.upsample_bilinear2d();
        x = self.up1.forward(&Variable::cat(&[&x, &x1], 1), &v);
        self.out.forward(&x)
    }

    /// v (N, TIME_DIM): the embeddings of labels (N), zeros for `None`.
    #[track_caller]
    fn embed_labels(&self, labels: &[Label]) -> Variable {
        let Some(Embedding { weight }) = &self.label_emb else { panic!("unet: it has no embedding of labels") };
        let count = weight.shape()[0];
        let rows: Vec<usize> = labels.iter().map(|label| label.unwrap_or(count)).collect();
        weight.pad(0, 0, 1).embedding(&rows)
    }

    /// The predicted noise in images x (N, C, H, W), all at time t, for sampling: no graph, and evaluation mode.
    ///
    /// # Panics
    /// As [`UNet::forward_conditioned`].
    #[track_caller]
    pub fn predict_noise(&self, x: &Tensor, t: usize, labels: &[Label]) -> Tensor {
        let (x, t) = (Variable::new(x.clone()), vec![t; labels.len()]);
        no_grad(|| eval_mode(|| self.forward_conditioned(&x, &t, labels))).value().clone()
    }
}
