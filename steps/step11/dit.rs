//! [`Dit`]: a transformer in the place of the U-Net.

use super::Network;
use crate::step09::{Label, T, TIME_DIM, time_encoding};
use anyhow::{Result, ensure};
use tsukuru::Real;
use tsukuru::module;
use tsukuru::nn::{Conv2d, Embedding, Linear, MultiheadAttention};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// The sizes of a [`Dit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DitSize {
    /// Numbers in a token: D.
    pub dim: usize,
    /// How many blocks.
    pub depth: usize,
    /// Heads of the attention.
    pub heads: usize,
    /// Pixels along the sides of a patch: P.
    pub patch: usize,
}

impl DitSize {
    /// # Errors
    /// If a size is 0 or too large, or does not divide what it should: for images of (H, W).
    pub fn check(&self, [h, w]: [usize; 2]) -> Result<()> {
        let DitSize { dim, depth, heads, patch } = *self;
        ensure!((4..=1024).contains(&dim) && dim.is_multiple_of(4), "--dim {dim}: expected a multiple of 4 up to 1024");
        ensure!((1..=64).contains(&depth), "--depth {depth}: expected 1 to 64");
        ensure!(heads > 0 && dim.is_multiple_of(heads), "--heads {heads}: expected a number that divides {dim}");
        let fits = patch > 0 && h.is_multiple_of(patch) && w.is_multiple_of(patch);
        ensure!(fits, "--patch {patch}: expected a number that divides {h} and {w}");
        Ok(())
    }
}

/// Attention and a perceptron, each on normalised tokens that are scaled and shifted by the condition, and each let in by a
/// gate that is 0 at first: adaLN-Zero (Peebles and Xie, 2023, section 3.2).
pub struct DitBlock {
    attn: MultiheadAttention,
    fc1: Linear,
    fc2: Linear,
    modulation: Linear,
}

module!(DitBlock { attn, fc1: "mlp.0", fc2: "mlp.2", modulation: "adaLN_modulation.1" });

impl DitBlock {
    pub fn new(dim: usize, heads: usize, rng: &mut Rng) -> DitBlock {
        DitBlock {
            attn: MultiheadAttention::new(dim, heads, rng),
            fc1: Linear::new(dim, 4 * dim, rng),
            fc2: Linear::new(4 * dim, dim, rng),
            modulation: zero_linear(dim, 6 * dim, rng),
        }
    }

    /// x (N, L, D), c (N, D) -> (N, L, D)
    pub fn forward(&self, x: &Variable, c: &Variable) -> Variable {
        let [shift1, scale1, gate1, shift2, scale2, gate2] = chunks(&self.modulation.forward(&c.silu()));
        let h = modulate(x, &shift1, &scale1);
        let x = x + gate1 * self.attn.forward(&h, &h, &h);
        let h = modulate(&x, &shift2, &scale2);
        &x + gate2 * self.fc2.forward(&self.fc1.forward(&h).gelu())
    }
}

/// A diffusion transformer (Peebles and Xie, 2023): an image is cut into patches, each becomes a token of D numbers, and each
/// token at the end a patch of the prediction.
///
/// ```text
/// x (N, C, H, W), patches (N, L, D) + positions, blocks (N, L, D), norm, linear (N, L, P P C), y (N, C, H, W)
/// t (N), labels (N), c (N, D): the condition of every block
/// ```
pub struct Dit {
    patches: Conv2d,
    positions: Tensor,
    time1: Linear,
    time2: Linear,
    labels: Embedding,
    blocks: Vec<DitBlock>,
    last_modulation: Linear,
    out: Linear,
    size: DitSize,
}

module!(Dit {
    patches: "x_embedder.proj",
    time1: "t_embedder.mlp.0",
    time2: "t_embedder.mlp.2",
    labels: "y_embedder.embedding_table",
    blocks,
    last_modulation: "final_layer.adaLN_modulation.1",
    out: "final_layer.linear";
    positions, size,
});

impl Dit {
    /// For images (C, H, W) of as many channels, with `labels` labels.
    ///
    /// # Panics
    /// If H or W are no multiple of the patch, or D no multiple of four and of the heads.
    #[track_caller]
    pub fn new(size: DitSize, [c, h, w]: [usize; 3], labels: usize, rng: &mut Rng) -> Dit {
        let DitSize { dim, depth, heads, patch } = size;
        let even = h.is_multiple_of(patch) && w.is_multiple_of(patch) && dim.is_multiple_of(4);
        assert!(even, "dit: patches of {patch} x {patch} in images of {h} x {w}, {dim} numbers in a token: uneven");
        Dit {
            patches: Conv2d::new(c, dim, patch, rng).stride(patch),
            positions: position_encoding([h / patch, w / patch], dim),
            time1: Linear::new(TIME_DIM, dim, rng),
            time2: Linear::new(dim, dim, rng),
            labels: Embedding::new(labels + 1, dim, rng), // the last one stands for no label
            blocks: (0..depth).map(|_| DitBlock::new(dim, heads, rng)).collect(),
            last_modulation: zero_linear(dim, 2 * dim, rng),
            out: zero_linear(dim, patch * patch * c, rng),
            size,
        }
    }
}

impl Network for Dit {
    #[track_caller]
    fn forward(&self, x: &Variable, t: &[f64], labels: &[Label]) -> Variable {
        let (shape, DitSize { dim, patch, .. }) = (x.shape(), self.size);
        let [n, c, h, w] = [0, 1, 2, 3].map(|axis| shape[axis]);
        let (rows, columns) = (h / patch, w / patch);

        let time = time_encoding(&Vec::from_iter(t.iter().map(|t| T as f64 * t)), TIME_DIM).into();
        let no_label = self.labels.weight.shape()[0] - 1;
        let labels = Vec::from_iter(labels.iter().map(|label| label.unwrap_or(no_label)));
        let c_embedded = self.time2.forward(&self.time1.forward(&time).silu()) + self.labels.forward(&labels);

        let tokens = self.patches.forward(x).reshape([n, dim, rows * columns]).transpose(1, 2);
        let mut x = tokens + Variable::new(&self.positions);
        for block in &self.blocks {
            x = block.forward(&x, &c_embedded);
        }
        let [shift, scale] = chunks(&self.last_modulation.forward(&c_embedded.silu()));
        let y = self.out.forward(&modulate(&x, &shift, &scale));
        let y = y.reshape([n, rows, columns, patch, patch, c]).permute(&[0, 5, 1, 3, 2, 4]);
        y.reshape([n, c, h, w])
    }
}

/// Of zeros: what it adds or scales is nothing at first, so a new block is the identity.
fn zero_linear(inputs: usize, outputs: usize, rng: &mut Rng) -> Linear {
    let linear = Linear::new(inputs, outputs, rng);
    for parameter in [&linear.weight, &linear.bias] {
        parameter.update(|numbers| numbers.data_mut().fill(0.0));
    }
    linear
}

/// x (N, K D) as K times (N, 1, D).
fn chunks<const K: usize>(x: &Variable) -> [Variable; K] {
    let (n, d) = (x.shape()[0], x.shape()[1] / K);
    std::array::from_fn(|i| x.narrow(1, i * d, d).reshape([n, 1, d]))
}

/// LayerNorm(x) (1 + scale) + shift: x (N, L, D), shift and scale (N, 1, D).
fn modulate(x: &Variable, shift: &Variable, scale: &Variable) -> Variable {
    x.layer_norm(Some((&(1.0 + scale), shift)), 1e-6)
}

/// (rows columns, D): sines and cosines of the row in the first half of a position's numbers, of the column in the second
/// (Vaswani et al., 2017, section 3.5; Dosovitskiy et al., 2021, appendix D.4).
fn position_encoding([rows, columns]: [usize; 2], dim: usize) -> Tensor {
    let quarter = dim / 4;
    Tensor::from_fn([rows * columns, dim], |i| {
        let (position, i) = (i / dim, i % dim);
        let place = if i < 2 * quarter { position / columns } else { position % columns };
        let i = i % (2 * quarter);
        let angle = place as f64 / libm::pow(10000.0, (i % quarter) as f64 / quarter as f64);
        (if i < quarter { libm::sin(angle) } else { libm::cos(angle) }) as Real
    })
}
