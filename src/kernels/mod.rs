//! Kernels: functions over slices. They get numbers and sizes, and know nothing of Variables, modes and graphs.
//!
//! Every kernel exists twice, with one name and one signature: in [`mod@reference`], in as few and plain lines as
//! possible, which is what the kernel *means*; and in `fast`, parallel and vectorised. The environment variable `KERNELS`
//! says which of them runs (dispatch.rs):
//!
//! | `KERNELS=` | |
//! |---|---|
//! | `fast` (or unset) | the fast kernels, with the best instructions that this CPU has |
//! | `avx512`, `avx2`, `portable` | the fast kernels with those instructions; an error if the CPU lacks them |
//! | `reference` | the reference: serial, safe, obvious |
//!
//! With the feature `f64` there is only the reference.
//!
//! # The same bits
//!
//! The fast kernels give the same bits with any of these instructions, on any system and with any number of threads: each
//! number is summed in one order, which depends on the sizes alone; a multiply-add is rounded once, by software where the
//! CPU cannot (fast/mul_add.rs); and functions like `exp` are calculated here or by the libm crate, never by the system.
//! `steps/tests/same_bits.rs` compares whole trainings. Exempt are the sign and payload of a NaN. The reference sums in
//! another order, so it may differ from the fast kernels by rounding; it, too, is the same on every system.
//!
//! A convolution has Inf and NaN in the same places in both, because zeros in the padding are multiplied like other
//! numbers. Only Winograd's algorithm (3x3, stride 1, 16 channels or more) makes NaN of Inf, and an Inf or NaN in x or gy
//! reaches all numbers of its tile there.

mod dispatch;
#[cfg(not(feature = "f64"))]
mod fast;
pub mod reference;
mod sizes;

use crate::Real;
use crate::shape::Shape;
use dispatch::dispatch;
pub use dispatch::{Implementation, check_choice, implementation, vectorize};
pub use sizes::*;

macro_rules! kernels {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $kind:ty),* $(,)?) $(-> $out:ty)?;)*) => {$(
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        pub fn $name($($arg: $kind),*) $(-> $out)? {
            dispatch!(reference::$name($($arg),*), simd => fast::$name(simd, $($arg),*))
        }
    )*};
}

kernels! {
    /// y = op(x), number by number.
    fn map(op: Unary, x: &[Real], y: &mut [Real]);
    /// x = op(x) in place.
    fn map_assign(op: Unary, x: &mut [Real]);
    /// y = op(a, b), number by number; y has `shape`, a and b are read as if they had.
    fn zip(op: Binary, a: View, b: View, shape: &Shape, y: &mut [Real]);
    /// a = op(a, b) in place, for equally long a and b.
    fn zip_assign(op: Binary, a: &mut [Real], b: &[Real]);
    /// Sums x (shape) over the axes marked in `over`, in f64; y holds the others, in their order.
    fn sum(x: &[Real], shape: &Shape, over: Axes, y: &mut [Real]);
    /// The largest number over the marked axes: NaN if there is one, -inf over nothing.
    fn max(x: &[Real], shape: &Shape, over: Axes, y: &mut [Real]);
    /// y (shape) = x, read through its strides: transpose, broadcast and narrow are all this.
    fn read_strided(x: View, shape: &Shape, y: &mut [Real]);
    /// Writes x (shape, contiguous) into y through y's strides, from y's first number on: pad and cat are this.
    fn write_strided(x: &[Real], shape: &Shape, y: &mut [Real], strides: &Strides);

    /// c (batch, m, n) = a (batch, m, k) b (batch, k, n) + bias (n), where `size` says which of a and b lie transposed.
    fn matmul(size: &MatMul, a: &[Real], b: &[Real], bias: Option<&[Real]>, c: &mut [Real]);

    /// y (N, C_out, H_out, W_out) = x (N, C, H, W) convolved with w (C_out, C, KH, KW), plus bias (C_out).
    fn conv2d(size: &Conv, x: &[Real], w: &[Real], bias: Option<&[Real]>, y: &mut [Real]);
    /// How many numbers [`conv2d_prepare`] makes of w.
    fn conv2d_prepared_len(size: &Conv) -> usize;
    /// Makes of w what [`conv2d_prepared`] wants: work that is done once for weights that stay the same.
    fn conv2d_prepare(size: &Conv, w: &[Real], prepared: &mut [Real]);
    /// [`conv2d`] with prepared weights.
    fn conv2d_prepared(size: &Conv, x: &[Real], prepared: &[Real], bias: Option<&[Real]>, y: &mut [Real]);
    /// dL/dx of [`conv2d`] from gy = dL/dy.
    fn conv2d_dx(size: &Conv, gy: &[Real], w: &[Real], gx: &mut [Real]);
    /// dL/dw of [`conv2d`] from gy = dL/dy.
    fn conv2d_dw(size: &Conv, x: &[Real], gy: &[Real], gw: &mut [Real]);

    /// y (planes, H_out, W_out) = v (planes, H, W) at the place of x's largest number in each window (the first, if
    /// several are equal; a NaN, if there is one). With v = x this is max pooling.
    fn max_pool2d(size: &Pool, x: &[Real], v: &[Real], y: &mut [Real]);
    /// Adds gy to those places of gx (planes, H, W); zero elsewhere.
    fn max_pool2d_dx(size: &Pool, x: &[Real], gy: &[Real], gx: &mut [Real]);
    /// Twice as large, linear between the centres of pixels: y (planes, 2H, 2W) from x (planes, H, W).
    fn upsample_bilinear2d(size: &Planes, x: &[Real], y: &mut [Real]);
    /// The adjoint of [`upsample_bilinear2d`]: gx (planes, H, W) from gy (planes, 2H, 2W).
    fn upsample_bilinear2d_dx(size: &Planes, gy: &[Real], gx: &mut [Real]);

    /// Mean and biased variance of each channel of x (N, C, S), in f64.
    fn channel_stats(size: &Channels, x: &[Real], mean: &mut [Real], var: &mut [Real]);
    /// y = the batch norm of x (N, C, S), and the ReLU of that if it says so.
    fn batch_norm(size: &Channels, norm: &BatchNorm, x: &[Real], y: &mut [Real]);
    /// Backward of [`batch_norm`] whose mean and rstd are those of x: gx, ggamma and gbeta from x and gy.
    fn batch_norm_dx(size: &Channels, norm: &BatchNorm, x: &[Real], gy: &[Real],
                     gx: &mut [Real], ggamma: &mut [Real], gbeta: &mut [Real]);

    /// y = the layer norm of each row of x (rows, d), and stats (rows, 2) = mean and rstd = 1 / sqrt(var + eps) of each.
    fn layer_norm(norm: &LayerNorm, x: &[Real], y: &mut [Real], stats: &mut [Real]);
    /// Backward of [`layer_norm`]: gx, and if there are gamma and beta, ggamma and gbeta of their shape.
    fn layer_norm_dx(norm: &LayerNorm, stats: &[Real], x: &[Real], gy: &[Real],
                     gx: &mut [Real], ggamma: &mut [Real], gbeta: &mut [Real]);

    /// y = softmax(q k^T / sqrt(d)) v for each head of each sample; `size` says where q, k and v lie in qkv.
    fn attention(size: &Attention, qkv: &[Real], y: &mut [Real]);
    /// Backward of [`attention`]: the gradients of q, k and v, which lie in gqkv as these do in qkv.
    fn attention_dx(size: &Attention, qkv: &[Real], gy: &[Real], gqkv: &mut [Real]);

    /// y (indices, width) = the rows of table (rows, width) at `indices`.
    fn gather_rows(table: &[Real], width: usize, indices: &[usize], y: &mut [Real]);
    /// Adds each row of gy (indices, width) to the row of gtable (rows, width) at its index; gtable starts from zero.
    fn scatter_rows(gy: &[Real], width: usize, indices: &[usize], gtable: &mut [Real]);

    /// One step of Adam for one parameter, all in one pass.
    fn adam(step: &AdamStep, grad: &[Real], m: &mut [Real], v: &mut [Real], param: &mut [Real]);
}
