//! The fast storey: the same names as in [`super::reference`], parallel and vectorised.

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
