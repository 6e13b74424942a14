//! The fast kernels: the same names as in [`super::reference`], parallel and vectorised. Each takes the instruction set
//! `simd` that it was chosen for, which decides everything below it at compile time. In reading order:
//!
//! | files | |
//! |---|---|
//! | `simd`, `mul_add`, `chunks`, `coalesce`, `rows` | instruction sets, the work of one thread, few nested loops over any shape, short rows |
//! | `elementwise`, `vmath`, `reduce`, `strided`, `norm`, `layer_norm`, `pool`, `bilinear`, `lookup`, `optim` | what memory limits |
//! | `micro_kernel`, `pack`, `prefetch`, `gemm` | the blocked matrix product from the inside out: registers, packing, caches |
//! | `matmul`, `gemv` | products of matrices, and with vectors |
//! | `attention` | products of blocks of a head, and a softmax between them |
//! | `conv`, `polyphase`, `im2col`, `direct`, `winograd` | convolutions: start with `conv`, where the algorithm is chosen |

mod attention;
mod bilinear;
mod chunks;
mod coalesce;
mod conv;
mod direct;
mod elementwise;
mod gemm;
mod gemv;
mod im2col;
mod layer_norm;
mod lookup;
mod matmul;
mod micro_kernel;
mod mul_add;
mod norm;
mod optim;
mod pack;
mod polyphase;
mod pool;
mod prefetch;
mod reduce;
mod rows;
pub mod simd;
mod strided;
mod vmath;
mod winograd;

pub use attention::{attention, attention_dx};
pub use bilinear::{upsample_bilinear2d, upsample_bilinear2d_dx};
pub use conv::{conv2d, conv2d_dw, conv2d_dx, conv2d_prepare, conv2d_prepared, conv2d_prepared_len};
pub use elementwise::{map, map_assign, zip, zip_assign};
pub use layer_norm::{layer_norm, layer_norm_dx};
pub use lookup::{gather_rows, scatter_rows};
pub use matmul::matmul;
pub use norm::{batch_norm, batch_norm_dx, channel_stats};
pub use optim::adam;
pub use pool::{max_pool2d, max_pool2d_dx};
pub use reduce::{max, sum};
pub use strided::{read_strided, write_strided};
