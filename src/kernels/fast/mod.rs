//! The fast storey: the same names as in [`super::reference`], parallel and vectorised.

mod blocked;
mod conv;
pub mod cpu;
mod elementwise;
mod lookup;
mod loops;
mod matmul;
mod norm;
mod optim;
mod pack;
mod pieces;
mod reduce;
mod runs;
mod simd;
mod spatial;
mod strided;
mod tile;
mod vmath;

pub use conv::{conv2d, conv2d_dw, conv2d_dx};
pub use elementwise::{map, map_assign, zip, zip_assign};
pub use lookup::{gather_rows, scatter_rows};
pub use matmul::matmul;
pub use norm::{batch_norm_dx, channel_affine, channel_stats};
pub use optim::adam;
pub use reduce::{max, sum};
pub use spatial::{max_pool2d, max_pool2d_dx, upsample_bilinear2d, upsample_bilinear2d_dx};
pub use strided::{read_strided, write_strided};
