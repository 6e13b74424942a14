//! The fast storey: the same names as in [`super::reference`], parallel and vectorised. In reading order:
//!
//! | files | |
//! |---|---|
//! | `cpu`, `simd` | one source for several instruction sets: plain loops, and vectors by hand |
//! | `pieces`, `loops`, `blocks` | cuts for the threads, few nested loops over any shape, short rows |
//! | `elementwise`, `vmath`, `reduce`, `strided`, `norm`, `pool`, `bilinear`, `lookup`, `optim` | what memory limits |
//! | `tile`, `pack`, `blocked` | the matrix product from the inside out: registers, packing, caches |
//! | `matmul`, `gemv` | products of matrices, and with vectors |
//! | `conv`, `grid`, `runs`, `narrow`, `winograd` | convolutions: start with `conv`, where the way is chosen |

mod bilinear;
mod blocked;
mod blocks;
mod conv;
pub mod cpu;
mod elementwise;
mod gemv;
mod grid;
mod lookup;
mod loops;
mod matmul;
mod narrow;
mod norm;
mod optim;
mod pack;
mod pieces;
mod pool;
mod reduce;
mod runs;
mod simd;
mod strided;
mod tile;
mod vmath;
mod winograd;

pub use bilinear::{upsample_bilinear2d, upsample_bilinear2d_dx};
pub use conv::{conv2d, conv2d_dw, conv2d_dx, conv2d_prepare, conv2d_prepared, conv2d_prepared_len};
pub use elementwise::{map, map_assign, zip, zip_assign};
pub use lookup::{gather_rows, scatter_rows};
pub use matmul::matmul;
pub use norm::{batch_norm, batch_norm_dx, channel_stats};
pub use optim::adam;
pub use pool::{max_pool2d, max_pool2d_dx};
pub use reduce::{max, sum};
pub use strided::{read_strided, write_strided};
