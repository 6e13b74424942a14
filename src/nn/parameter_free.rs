//! Layers without parameters: an operation as a part of a [`Sequential`](super::Sequential). Written as in PyTorch:
//! `ReLU`, `LeakyReLU(0.01)`, `MaxPool2d(2, 2)`.

use super::{Entry, Layer, Module};
use crate::Real;
use crate::variable::Variable;

/// What an [`Upsample`] writes between the pixels of x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpsampleMode {
    /// Every pixel becomes a square: see [`Variable::upsample_nearest2d`].
    Nearest,
    /// Linear between the centres of the pixels (`align_corners=False`), for a scale of 2: see
    /// [`Variable::upsample_bilinear2d`].
    Bilinear,
}

/// A struct with the settings as its fields, and its `forward`.
macro_rules! layers {
    ($($(#[$doc:meta])* $Name:ident $(($($field:ident: $Type:ty),+))? => |$x:ident| $y:expr;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $Name $(($(pub $Type),+))?;

        impl $Name {
            /// The layer's operation.
            ///
            /// # Panics
            /// As the operation.
            #[track_caller]
            pub fn forward(&self, $x: &Variable) -> Variable {
                let $Name $(($($field),+))? = *self;
                $y
            }
        }

        impl Module for $Name {
            fn visit<'a>(&'a self, _: &str, _: &mut dyn FnMut(&str, Entry<'a>)) {}
        }

        impl Layer for $Name {
            fn forward(&self, x: &Variable) -> Variable {
                $Name::forward(self, x)
            }
        }
    )+ };
}

layers! {
    /// [`Variable::relu`]: y = max(x, 0).
    ReLU => |x| x.relu();

    /// [`Variable::leaky_relu`]: y = x where x > 0, slope x elsewhere. PyTorch's default slope is 0.01.
    LeakyReLU(slope: Real) => |x| x.leaky_relu(slope);

    /// [`Variable::sigmoid`]: y = 1 / (1 + e^-x).
    Sigmoid => |x| x.sigmoid();

    /// [`Variable::tanh`]: y = tanh x.
    Tanh => |x| x.tanh();

    /// [`Variable::clamp`]: y = min(max(x, low), high). PyTorch's defaults are -1 and 1.
    Hardtanh(low: Real, high: Real) => |x| x.clamp(low, high);

    /// [`Variable::silu`]: y = x sigmoid(x).
    SiLU => |x| x.silu();

    /// [`Variable::gelu`]: y = x P(N(0, 1) <= x).
    GELU => |x| x.gelu();

    /// [`Variable::softplus`]: y = ln(1 + e^x).
    Softplus => |x| x.softplus();

    /// [`Variable::softmax`] along an axis.
    Softmax(axis: isize) => |x| x.softmax(axis);

    /// [`Variable::log_softmax`] along an axis.
    LogSoftmax(axis: isize) => |x| x.log_softmax(axis);

    /// [`Variable::max_pool2d`] with kernel and stride: x (N, C, H, W).
    MaxPool2d(kernel: usize, stride: usize) => |x| x.max_pool2d(kernel, stride);

    /// [`Variable::avg_pool2d`] with kernel and stride: x (N, C, H, W).
    AvgPool2d(kernel: usize, stride: usize) => |x| x.avg_pool2d(kernel, stride);

    /// [`Variable::pad2d`] with so many zeros left, right, above and below: x (N, C, H, W).
    ZeroPad2d(left: usize, right: usize, top: usize, bottom: usize) => |x| x.pad2d(left, right, top, bottom);

    /// `scale` times as large: x (N, C, H, W), y (N, C, scale H, scale W). `forward` panics for a bilinear scale other
    /// than 2.
    Upsample(scale: usize, mode: UpsampleMode) => |x| match mode {
        UpsampleMode::Nearest => x.upsample_nearest2d(scale),
        UpsampleMode::Bilinear => {
            assert!(scale == 2, "upsample: the bilinear scale is 2, not {scale}");
            x.upsample_bilinear2d()
        }
    };

    /// [`Variable::flatten`] from axis 1 on: x (N, ..), y (N, count).
    Flatten => |x| x.flatten(1);
}
