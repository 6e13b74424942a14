//! The arguments of kernels besides the numbers: sizes, strides, and which operation.

use crate::Real;
use crate::shape::{MAX_RANK, Shape};

pub use crate::shape::Strides;

/// Numbers to be read through strides.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The numbers, from the first that is read.
    pub data: &'a [Real],
    /// How far apart neighbours along each axis lie.
    pub strides: Strides,
}

/// Which axes of a shape are meant.
pub type Axes = [bool; MAX_RANK];

/// Operations on one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// -x
    Neg,
    /// e^x
    Exp,
    /// ln x
    Ln,
    /// The square root of x.
    Sqrt,
    /// sin x
    Sin,
    /// cos x
    Cos,
    /// tanh x
    Tanh,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// max(x, 0), NaN passes
    Relu,
    /// ln(1 + e^x)
    Softplus,
    /// The error function.
    Erf,
    /// |x|
    Abs,
    /// 1, 0 or -1
    Sign,
    /// x^2
    Square,
    /// x to a constant power
    Pow(Real),
    /// min(max(x, low), high), NaN passes
    Clamp(Real, Real),
    /// x times a constant
    Scale(Real),
    /// x plus a constant
    Shift(Real),
    /// x sigmoid(x)
    Silu,
    /// x (1 + erf(x / sqrt 2)) / 2
    Gelu,
}

/// Operations on two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Binary {
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a b
    Mul,
    /// a / b
    Div,
    /// a where b > 0 or NaN, else 0
    WherePositive,
    /// a where low < b < high, else 0
    WhereWithin(Real, Real),
    /// 1 where a = b, else 0
    Equal,
    /// a + w (b - a): a share w of the way from a to b
    Lerp(Real),
    /// a times the derivative of [`Unary::Silu`] at b
    SiluDx,
    /// a times the derivative of [`Unary::Gelu`] at b
    GeluDx,
}

/// The sizes of a (batched) matrix product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatMul {
    /// How many products.
    pub batch: usize,
    /// Rows of a and c.
    pub m: usize,
    /// Columns of a, rows of b.
    pub k: usize,
    /// Columns of b and c.
    pub n: usize,
    /// a lies as (batch, k, m).
    pub a_transposed: bool,
    /// b lies as (batch, n, k).
    pub b_transposed: bool,
}

impl MatMul {
    /// Additions and multiplications, counted directly.
    pub fn flops(&self) -> f64 {
        [2, self.batch, self.m, self.k, self.n].iter().map(|&size| size as f64).product()
    }
}

/// The sizes of a convolution: x (n, c, h, w), weights (c_out, c, kh, kw).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Images.
    pub n: usize,
    /// Channels of x.
    pub c: usize,
    /// Rows of x.
    pub h: usize,
    /// Columns of x.
    pub w: usize,
    /// Channels of y.
    pub c_out: usize,
    /// Rows of the kernel.
    pub kh: usize,
    /// Columns of the kernel.
    pub kw: usize,
    /// How many pixels of x the kernel moves on from one pixel of y to the next.
    pub stride: usize,
    /// Zeros on each side of x.
    pub padding: usize,
}

impl Conv {
    /// Rows of the output. The kernel must fit: h + 2 padding >= kh.
    pub fn h_out(&self) -> usize {
        (self.h + 2 * self.padding - self.kh) / self.stride + 1
    }

    /// Columns of the output.
    pub fn w_out(&self) -> usize {
        (self.w + 2 * self.padding - self.kw) / self.stride + 1
    }

    /// Additions and multiplications, counted directly, of the convolution and of each of its derivatives.
    pub fn flops(&self) -> f64 {
        let sizes = [2, self.n, self.c_out, self.h_out(), self.w_out(), self.c, self.kh, self.kw];
        sizes.iter().map(|&size| size as f64).product()
    }
}

/// Planes (h, w), one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planes {
    /// How many planes.
    pub planes: usize,
    /// Rows of each.
    pub h: usize,
    /// Columns of each.
    pub w: usize,
}

/// Pooling of planes (h, w): square windows of side `kernel`, every `stride` rows and columns, within the plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// How many planes.
    pub planes: usize,
    /// Rows of each.
    pub h: usize,
    /// Columns of each.
    pub w: usize,
    /// Rows and columns of a window.
    pub kernel: usize,
    /// How far apart windows lie.
    pub stride: usize,
}

impl Pool {
    /// Rows of the output.
    pub fn h_out(&self) -> usize {
        (self.h - self.kernel) / self.stride + 1
    }

    /// Columns of the output.
    pub fn w_out(&self) -> usize {
        (self.w - self.kernel) / self.stride + 1
    }
}

/// x (n, c, s): s numbers of each of c channels of each of n samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// Samples.
    pub n: usize,
    /// Channels.
    pub c: usize,
    /// Numbers of a sample in a channel.
    pub s: usize,
}

impl Channels {
    /// Channels are axis 1 of `shape`, which has at least two axes.
    pub fn of(shape: &Shape) -> Channels {
        Channels { n: shape[0], c: shape[1], s: shape[2..].iter().product() }
    }
}

/// The constants of one step of Adam (Kingma and Ba, 2015, algorithm 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// The learning rate.
    pub lr: f64,
    /// How much of m stays.
    pub beta1: f64,
    /// How much of v stays.
    pub beta2: f64,
    /// Added to the root of v.
    pub eps: f64,
    /// Which step this is, from 1.
    pub step: u64,
}

/// What a batch norm does to each channel, y = gamma (x - mean) rstd + beta, and whether a ReLU follows.
#[derive(Clone, Copy)]
pub struct BatchNorm<'a> {
    /// (C)
    pub mean: &'a [Real],
    /// 1 / standard deviation (C)
    pub rstd: &'a [Real],
    /// (C)
    pub gamma: &'a [Real],
    /// (C)
    pub beta: &'a [Real],
    /// Whether y is max(0, y).
    pub relu: bool,
}

impl BatchNorm<'_> {
    /// y = scale x + shift for channel c.
    pub fn scale_and_shift(&self, c: usize) -> (Real, Real) {
        let scale = self.gamma[c] * self.rstd[c];
        (scale, self.beta[c] - self.mean[c] * scale)
    }

    /// y is never below it.
    pub fn floor(&self) -> Real {
        if self.relu { 0.0 } else { Real::NEG_INFINITY }
    }
}

/// What a layer norm does to each row of x (rows, d), y = gamma (x - mean) / sqrt(var + eps) + beta.
#[derive(Clone, Copy)]
pub struct LayerNorm<'a> {
    /// Numbers of a row.
    pub d: usize,
    /// Added to the variance.
    pub eps: f64,
    /// Neighbouring rows that have one gamma and one beta.
    pub shared: usize,
    /// gamma and beta, each (rows / shared, d); 1 and 0, if there are none.
    pub affine: Option<[&'a [Real]; 2]>,
}

impl<'a> LayerNorm<'a> {
    /// gamma and beta of one row.
    pub fn affine_of(&self, row: usize) -> Option<[&'a [Real]; 2]> {
        self.affine.map(|both| both.map(|numbers| &numbers[row / self.shared * self.d..][..self.d]))
    }
}

/// The sizes of attention: `l` queries look at `s` keys, in each head of each sample. The result is (samples, l, heads, e).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// How many samples.
    pub samples: usize,
    /// Heads of a sample: 1, if not packed.
    pub heads: usize,
    /// Queries of a head.
    pub l: usize,
    /// Keys, and values, of a head: as many as queries, if packed.
    pub s: usize,
    /// Numbers of a query and of a key.
    pub d: usize,
    /// Numbers of a value: as many as of a key, if packed.
    pub e: usize,
    /// Whether query, key and value of one row stand side by side: qkv is (samples, l, 3, heads, d). Otherwise all queries
    /// (samples, l, d) come first, then the keys (samples, s, d) and the values (samples, s, e).
    pub packed: bool,
}

/// Vectors in the rows of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vectors {
    /// Where the first begins.
    pub start: usize,
    /// How far it is to the next.
    pub row: usize,
}

impl Vectors {
    /// Those from vector `i` on.
    pub fn from(self, i: usize) -> Vectors {
        Vectors { start: self.start + i * self.row, ..self }
    }
}

impl Attention {
    /// How many numbers qkv holds.
    pub fn qkv_len(&self) -> usize {
        self.samples * self.heads * (self.l * self.d + self.s * (self.d + self.e))
    }

    /// Where in qkv the queries, keys and values of a head are.
    pub fn places(&self, sample: usize, head: usize) -> [Vectors; 3] {
        let &Attention { samples, heads, l, s, d, e, packed } = self;
        if packed {
            let row = 3 * heads * d;
            return [0, 1, 2].map(|i| Vectors { start: sample * l * row + (i * heads + head) * d, row });
        }
        let (k, v) = (samples * l * d, samples * (l + s) * d);
        [(sample * l * d, d), (k + sample * s * d, d), (v + sample * s * e, e)]
            .map(|(start, row)| Vectors { start, row })
    }

    /// Where in the result the vectors of a head are.
    pub fn y_places(&self, sample: usize, head: usize) -> Vectors {
        Vectors { start: (sample * self.l * self.heads + head) * self.e, row: self.heads * self.e }
    }

    /// What the products of queries and keys are multiplied by: 1 / sqrt(d).
    pub fn scale(&self) -> Real {
        1.0 / (self.d as Real).sqrt()
    }

    /// Additions and multiplications, counted directly.
    pub fn flops(&self) -> f64 {
        [2, self.samples, self.heads, self.l, self.s, self.d + self.e].iter().map(|&size| size as f64).product()
    }
}
